/* A line through line_format templates of growing cost; the floor is the copy of the same output. Aim: under 100 ns for text and fields. */
#include "bench/bench.h"

#include "core/base/arena.h"
#include "core/template/template.h"

static const struct {
    struct slice name, value;
} pairs[] = {{{"app", 3}, {"checkout", 8}},
             {{"duration", 8}, {"12.5ms", 6}},
             {{"level", 5}, {"error", 5}},
             {{"msg", 3}, {"connection refused by upstream", 30}},
             {{"status", 6}, {"503", 3}}};

static bool get(const void *self, struct slice name, struct slice *value)
{
    (void)self;
    for (size_t i = 0; i < LENGTH(pairs); i++) {
        if (slice_eq(pairs[i].name, name)) {
            *value = pairs[i].value;
            return true;
        }
    }
    return false;
}

static bool at(const void *self, size_t i, struct slice *name, struct slice *value)
{
    (void)self;
    if (i >= LENGTH(pairs))
        return false;
    *name = pairs[i].name;
    *value = pairs[i].value;
    return true;
}

struct job {
    struct template *template;
    struct arena scratch;
    struct buf out;
    struct slice copied;
};

static const struct template_labels labels = {NULL, get, at, {"the line", 8}, 1709805605250000000, 1709805605250000000};

static uint64_t run_template(void *state, size_t n)
{
    struct job *job = state;
    uint64_t sum = 0;
    struct err err;
    for (size_t i = 0; i < n; i++) {
        buf_reset(&job->out);
        sum += template_run(job->template, &labels, &job->scratch, &job->out, &err) ? job->out.len : 0;
        arena_reset(&job->scratch);
    }
    return sum;
}

static uint64_t run_copy(void *state, size_t n)
{
    struct job *job = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        buf_reset(&job->out);
        buf_put(&job->out, job->copied);
        __asm__ volatile("" : : "r"(job->out.ptr) : "memory"); // or one copy is enough
        sum += job->out.len;
    }
    return sum;
}

int main(void)
{
    static const struct {
        const char *name, *source;
    } cases[] = {
        {"template/field", "{{.msg}}"},
        {"template/text and 3 fields", "{{.level}} app={{.app}} {{.msg}}"},
        {"template/ToUpper, default", "{{ ToUpper .level }} {{ .user | default \"-\" }} {{.msg}}"},
        {"template/if eq, printf", "{{ if eq .status \"503\" }}{{ printf \"%-10s|%s\" .app .msg }}{{ end }}"},
        {"template/regexReplaceAll, constant", "{{ regexReplaceAll \"(refused) by (\\\\w+)\" .msg \"$2 $1\" }}"},
        {"template/range over the labels", "{{ range $k, $v := . }}{{ $k }}={{ $v }} {{ end }}"},
        {"template/date", "{{ __timestamp__ | date \"2006-01-02T15:04:05.000Z07:00\" }}"},
    };
    struct arena arena = ARENA_INIT;
    struct job job = {.scratch = ARENA_INIT, .out = BUF_INIT, .copied = SLICE("error app=checkout connection refused by upstream")};
    struct err err;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        if (!template_compile("line", slice_str(cases[i].source), &arena, &job.template, &err)) {
            (void)fprintf(stderr, "%s: %s\n", cases[i].name, err.text);
            return 1;
        }
        bench(cases[i].name, 0, run_template, &job);
        template_fini(job.template);
    }
    bench("floor: copy of the output", 0, run_copy, &job);
    buf_fini(&job.out);
    arena_fini(&job.scratch);
    arena_fini(&arena);
    return 0;
}
