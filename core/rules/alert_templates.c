#include "core/rules/alert_templates.h"

#include <assert.h>

#include "core/template/template.h"

struct pair {
    struct slice name, plain;
    struct template *template; /* NULL: plain, without an action */
};

struct alert_templates {
    struct slice alert;
    struct pair *pairs; /* labels, then annotations */
    size_t label_count, annotation_count;
};

static void pair_compile(struct pair *pair, const struct label *from, const char *name, struct arena *arena)
{
    struct err err;
    *pair = (struct pair){.name = from->name, .plain = from->value};
    bool has_action = from->value.len > 0 && memmem(from->value.ptr, from->value.len, "{{", 2) != NULL;
    bool ok = !has_action || template_compile_alert(name, from->value, arena, &pair->template, &err);
    assert(ok); // rule_group_check has compiled it
}

struct alert_templates *alert_templates_compile(const struct rule *rule, struct arena *arena)
{
    struct alert_templates *templates = ARENA_NEW(arena, struct alert_templates);
    const char *name = arena_printf(arena, "__alert_%.*s", SLICE_ARG(rule->alert)).ptr;
    templates->alert = rule->alert;
    templates->label_count = rule->label_count;
    templates->annotation_count = rule->annotation_count;
    templates->pairs = ARENA_ARRAY(arena, struct pair, rule->label_count + rule->annotation_count);
    for (size_t i = 0; i < rule->label_count; i++)
        pair_compile(&templates->pairs[i], &rule->labels[i], name, arena);
    for (size_t i = 0; i < rule->annotation_count; i++)
        pair_compile(&templates->pairs[rule->label_count + i], &rule->annotations[i], name, arena);
    return templates;
}

void alert_templates_fini(struct alert_templates *templates)
{
    if (templates == NULL)
        return;
    for (size_t i = 0; i < templates->label_count + templates->annotation_count; i++)
        template_fini(templates->pairs[i].template);
}

struct element { /* what a template reads */
    const struct label *labels;
    size_t count;
};

static bool element_get(const void *self, struct slice name, struct slice *value)
{
    const struct element *element = self;
    const struct label_set set = {element->labels, element->count};
    return label_set_get(&set, name, value);
}

static bool element_at(const void *self, size_t i, struct slice *name, struct slice *value)
{
    const struct element *element = self;
    if (i >= element->count)
        return false;
    *name = element->labels[i].name;
    *value = element->labels[i].value;
    return true;
}

static struct slice expand(const struct pair *pair, const struct template_labels *labels, double value, const struct template_asker *asker,
                           struct arena *arena)
{
    struct arena scratch = ARENA_INIT;
    struct buf out = BUF_INIT;
    struct err err;
    if (pair->template == NULL)
        return pair->plain;
    if (!template_run_alert(pair->template, labels, value, asker, &scratch, &out, &err)) {
        buf_reset(&out);
        buf_printf(&out, "<error expanding template: error executing template %s>", err.text);
    }
    struct slice text = arena_copy(arena, buf_slice(&out));
    buf_fini(&out);
    arena_fini(&scratch);
    return text;
}

/* Takes a text from what the alert may still hold. */
static bool charge(size_t *left, size_t bytes, struct err *err)
{
    if (bytes > *left)
        return err_set(err, ERR_LIMIT, "labels and annotations of an alert take more than %zu bytes", ALERT_BYTES_MAX);
    *left -= bytes;
    return true;
}

static struct slice encode(struct label *labels, size_t count, struct arena *arena)
{
    const struct label_set set = {labels, label_sort(labels, count, true)};
    return label_set_encode_in(arena, &set);
}

/* `count` pairs from `first` on, expanded, behind what is in `all` already. */
static bool pairs_expand(const struct pair *first, size_t count, const struct template_labels *view, double value, const struct template_asker *asker,
                         size_t *left, struct arena *arena, struct label *all, size_t *n, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct slice text = expand(&first[i], view, value, asker, arena);
        if (!charge(left, first[i].name.len + text.len, err))
            return false;
        all[(*n)++] = (struct label){first[i].name, text};
    }
    return true;
}

bool alert_templates_expand(const struct alert_templates *templates, const struct label *labels, size_t count, double value,
                            const struct alert_context *context, struct arena *arena, struct slice *out_labels, struct slice *out_annotations,
                            struct err *err)
{
    const struct element element = {labels, count};
    const struct template_labels view = {.self = &element, .get = element_get, .at = element_at, .line = context->external_url,
                                         .ts_ns = context->ts_ns, .now_ns = context->ts_ns};
    struct label *all = ARENA_ARRAY(arena, struct label, count + templates->label_count + templates->annotation_count + 1);
    size_t left = ALERT_BYTES_MAX;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!charge(&left, labels[i].name.len + labels[i].value.len, err))
            return false;
        if (!slice_eq(labels[i].name, SLICE("__name__")))
            all[n++] = labels[i];
    }
    if (!pairs_expand(templates->pairs, templates->label_count, &view, value, &context->asker, &left, arena, all, &n, err))
        return false;
    all[n++] = (struct label){SLICE("alertname"), templates->alert};
    *out_labels = encode(all, n, arena);
    n = 0;
    if (!pairs_expand(templates->pairs + templates->label_count, templates->annotation_count, &view, value, &context->asker, &left, arena, all, &n, err))
        return false;
    *out_annotations = encode(all, n, arena);
    return true;
}
