/* fuzz_template.c: templates from outside. What compiles runs to an output within its bound, or fails and leaves the output as it was. */
#include <stdlib.h>

#include "core/template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool get(const void *self, struct slice name, struct slice *value)
{
    (void)self;
    *value = name.len % 3 == 0 ? SLICE("12") : SLICE("{\"a\":[1,{\"b\":null}],\"c\":\"d e\"}");
    return name.len % 5 != 4;
}

static bool at(const void *self, size_t i, struct slice *name, struct slice *value)
{
    (void)self;
    *name = i == 0 ? SLICE("app") : SLICE("json");
    return i < 2 && get(self, *name, value);
}

/* One element for a query of an odd length, an error for others. */
static bool query(void *self, struct slice text, struct arena *arena, struct template_sample **out, size_t *count, struct err *err)
{
    static const struct label pair = {{"app", 3}, {"web", 3}};
    (void)self;
    if (text.len % 2 == 0)
        return err_set(err, ERR_INVALID, "no");
    *out = ARENA_NEW(arena, struct template_sample);
    **out = (struct template_sample){{&pair, 1}, 1.5};
    *count = 1;
    return true;
}

static const struct template_asker asker = {query, NULL};

/* The same as the text of an alert. */
static void alert_check(struct slice text, const struct template_labels *labels)
{
    struct arena arena = ARENA_INIT;
    struct arena scratch = ARENA_INIT;
    struct template *template = NULL;
    struct buf out = BUF_INIT;
    struct err err = {.code = ERR_NONE};
    bool ok = template_compile_alert("__alert_x", text, &arena, &template, &err) &&
              template_run_alert(template, labels, 12.5, &asker, &scratch, &out, &err);
    if (!ok && (out.len != 0 || err.text[0] == '\0'))
        abort();
    if (out.len > 2 * TEMPLATE_OUTPUT_BYTES_MAX)
        abort();
    template_fini(template);
    buf_fini(&out);
    arena_fini(&scratch);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct template_labels labels = {NULL, get, at, {"GET /x?y=z 500", 14}, 1709805605250000000, 1709805605250000000};
    struct arena arena = ARENA_INIT;
    struct arena scratch = ARENA_INIT;
    struct template *template = NULL;
    struct buf out = BUF_INIT;
    struct err err = {.code = ERR_NONE};
    if (template_compile("line", slice_of((const char *)data, size), &arena, &template, &err)) {
        struct slice *names = NULL;
        size_t count = 0;
        (void)template_label_names(template, &arena, &names, &count);
        buf_str(&out, "before");
        if (!template_run(template, &labels, &scratch, &out, &err) && (out.len != 6 || err.text[0] == '\0'))
            abort();
        if (out.len > 2 * TEMPLATE_OUTPUT_BYTES_MAX + 6)
            abort();
    } else if (err.text[0] == '\0') {
        abort();
    }
    template_fini(template);
    buf_fini(&out);
    arena_fini(&scratch);
    arena_fini(&arena);
    alert_check(slice_of(data, size), &labels);
    return 0;
}
