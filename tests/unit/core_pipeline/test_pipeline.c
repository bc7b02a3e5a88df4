/* A batch through the pipeline: the fast ways give what a plain one gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/unit/core_pipeline/stage_text.h"

#define LINES 300

static uint64_t seed = 20240307;

static uint32_t next_random(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

// Few letters, so that needles are found; newlines inside lines too.
static struct slice random_line(struct arena *arena)
{
    static const char letters[] = "aabbcKks \nA";
    size_t len = next_random(40);
    char *text = arena_alloc(arena, len, 1);
    for (size_t i = 0; i < len; i++)
        text[i] = letters[next_random(sizeof(letters) - 1)];
    return slice_of(text, len);
}

static bool plainly_has(struct slice line, const char *needle)
{
    return memmem(line.ptr, line.len, needle, strlen(needle)) != NULL;
}

static bool plainly_matches(struct slice line, const char *pattern)
{
    struct regex *regex = NULL;
    struct err err;
    assert_true(regex_compile(slice_str(pattern), REGEX_SEARCH, &regex, &err));
    bool matches = regex_matches(regex, line);
    regex_free(regex);
    return matches;
}

static const struct filter_case {
    const char *stages;
    const char *needle;  /* plain: the line has it */
    const char *pattern; /* or the regex finds it */
    bool is_negative;
} filter_cases[] = {
    {"|= ab", "ab", NULL, false},
    {"!= ab", "ab", NULL, true},
    {"|= a", "a", NULL, false},
    {"|= \nb", "\nb", NULL, false},
    {"|= a\n", "a\n", NULL, false},
    {"|= \n", "\n", NULL, false},
    {"|= ", "", NULL, false},
    {"|= abbacab", "abbacab", NULL, false},
    {"|~ ab|cb", NULL, "ab|cb", false},
    {"!~ ab|cb", NULL, "ab|cb", true},
    {"|~ (?i)ab", NULL, "(?i)ab", false},
    {"|~ (?i)ka", NULL, "(?i)ka", false},
    {"|~ (?i)s", NULL, "(?i)s", false},
    {"!~ (?i)bka", NULL, "(?i)bka", true},
    {"|~ a.*c", NULL, "a.*c", false},
    {"|~ ^a", NULL, "^a", false},
    {"|~ .*", NULL, ".*", false},
    {"|= ab or cc", NULL, "ab|cc", false},
    {"!= ab or cc", NULL, "ab|cc", true},
    {"|~ a+c or b b", NULL, "a+c|b b", false},
};

static void line_filters_over_a_batch_give_what_they_give_line_by_line(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct slice lines[LINES];
    for (size_t i = 0; i < LINES; i++)
        lines[i] = random_line(&arena);
    for (size_t i = 0; i < LENGTH(filter_cases); i++) {
        const struct filter_case *c = &filter_cases[i];
        struct stage_run run;
        struct buf got = BUF_INIT;
        struct buf want = BUF_INIT;
        stage_run_init(&run, c->stages, NULL);
        stage_run_lines(&run, lines, LINES, &got);
        for (size_t j = 0; j < LINES; j++) {
            bool hit = c->needle != NULL ? plainly_has(lines[j], c->needle) : plainly_matches(lines[j], c->pattern);
            if (hit == c->is_negative)
                continue;
            buf_put(&want, lines[j]);
            buf_str(&want, "{app=\"edge\", case=\"t\", sm=\"meta\"}\n");
        }
        if (!slice_eq(buf_slice(&got), buf_slice(&want)))
            fail_msg("%s: got %.*s want %.*s", c->stages, SLICE_ARG(buf_slice(&got)), SLICE_ARG(buf_slice(&want)));
        stage_run_fini(&run);
        buf_fini(&got);
        buf_fini(&want);
    }
    arena_fini(&arena);
}

static struct slice random_fields(struct arena *arena, bool is_json)
{
    static const char *const keys[] = {"level", "app", "a", "b.c", "sm", "1x", "dur", "a_rather_long_name_of_a_field"};
    struct buf text = BUF_INIT;
    buf_str(&text, is_json ? "{" : "");
    for (uint32_t n = next_random(6); n > 0; n--) {
        const char *key = keys[next_random(LENGTH(keys))];
        if (is_json)
            buf_printf(&text, "\"%s\":%s\"v%u\"%s%s", key, next_random(5) == 0 ? "{\"in\":" : "", next_random(9),
                       next_random(9) == 0 ? "}" : "", n > 1 ? "," : "");
        else
            buf_printf(&text, "%s=%s%u ", key, next_random(9) == 0 ? "\"" : "", next_random(9));
    }
    buf_str(&text, is_json && next_random(5) > 0 ? "}" : "");
    struct slice copy = arena_copy(arena, buf_slice(&text));
    buf_fini(&text);
    return copy;
}

static const char *const row_stages[] = {
    "json", "logfmt", "logfmt --strict", "json ;; is level=v1", "logfmt ;; num a>3", "logfmt --keep-empty ;; keep a,app",
    "json a=a,x=b", "logfmt a=a,z=level", "logfmt ;; rename lvl=level ;; drop app", "json ;; logfmt", "|= v1 ;; json ;; |= level",
    "is app=edge ;; json", "num sm>5 ;; json", "pattern <x>=<y> <_>", "regexp (?P<k>[a-z]+)=(?P<v>[0-9])",
    "|= v1 ;; |= v2 ;; |= v3 ;; |= v4 ;; !~ v5.*v6",
};

static void a_batch_of_many_gives_what_batches_of_one_give(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct slice lines[LINES];
    for (size_t i = 0; i < LINES; i++)
        lines[i] = random_fields(&arena, i % 2 == 0);
    for (size_t i = 0; i < LENGTH(row_stages); i++) {
        struct stage_run run;
        struct buf many = BUF_INIT;
        struct buf one = BUF_INIT;
        stage_run_init(&run, row_stages[i], NULL);
        assert_int_equal(run.err.code, ERR_NONE);
        stage_run_lines(&run, lines, LINES, &many);
        for (size_t j = 0; j < LINES; j++)
            stage_run_lines(&run, &lines[j], 1, &one);
        if (!slice_eq(buf_slice(&many), buf_slice(&one)))
            fail_msg("%s: many %.*s one %.*s", row_stages[i], SLICE_ARG(buf_slice(&many)), SLICE_ARG(buf_slice(&one)));
        stage_run_fini(&run);
        buf_fini(&many);
        buf_fini(&one);
    }
    arena_fini(&arena);
}

static const struct hint_case {
    const char *stages;
    const char *needed;
    const char *line;
    const char *want;
} hint_cases[] = {
    {"json", "a", "{\"a\":1,\"b\":2}", "{a=\"1\"}"},
    {"json", "a", "{\"a\":1,\"b\" broken", "{a=\"1\"}"}, // found before the damage: parsing has stopped
    {"json", "b", "{\"a\":1,\"b\" broken",
     "{__error__=\"JSONParserErr\", __error_details__=\"Malformed JSON error\", app=\"edge\", case=\"t\", sm=\"meta\"}"},
    {"json", "a_b", "{\"c\":{\"b\":2},\"a\":{\"b\":1,\"c\":3}}", "{a_b=\"1\"}"},
    {"json", "app", "{\"a\":1}", NULL},
    {"json", "app_extracted", "{\"app\":1}", "{app=\"edge\", app_extracted=\"1\"}"},
    {"json ;; is b=2", "a", "{\"a\":1,\"b\":2,\"c\":3}", "{a=\"1\", b=\"2\"}"},
    {"json", "", "broken", NULL},
    {"json ;; is __error__=", "", "broken", "-"},
    {"json", "__error__", "x",
     "{__error__=\"JSONParserErr\", __error_details__=\"Value looks like object, but can't find closing '}' symbol\", app=\"edge\", "
     "case=\"t\", sm=\"meta\"}"},
    {"logfmt --strict", "a", "a=1 b==", "{a=\"1\"}"},
    {"logfmt", "c", "a=1 b=2 c=3", "{c=\"3\"}"},
    {"drop app", "app", "x", "{}"},
};

static void only_needed_labels_are_made_and_parsing_stops_when_all_are_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(hint_cases); i++) {
        const struct hint_case *c = &hint_cases[i];
        struct slice needed = slice_str(c->needed);
        struct pipeline_hints hints = {.needed = &needed, .needed_count = needed.len > 0 ? 1 : 0, .is_metric = true};
        struct stage_run run;
        stage_run_init(&run, c->stages, &hints);
        struct buf got = BUF_INIT;
        struct buf want = BUF_INIT;
        struct slice line = slice_str(c->line);
        stage_run_lines(&run, &line, 1, &got);
        if (c->want == NULL || c->want[0] != '-')
            buf_printf(&want, "%s%s\n", c->line, c->want != NULL ? c->want : "{app=\"edge\", case=\"t\", sm=\"meta\"}");
        if (!slice_eq(buf_slice(&got), buf_slice(&want)))
            fail_msg("%s on %s: got %.*s want %.*s", c->stages, c->line, SLICE_ARG(buf_slice(&got)), SLICE_ARG(buf_slice(&want)));
        buf_fini(&got);
        buf_fini(&want);
        stage_run_fini(&run);
    }
}

static const struct needle_case {
    const char *stages;
    const char *want; /* needles by ';', alternatives by '|' */
} needle_cases[] = {
    {"|= abc", "abc;"},
    {"|= abc ;; |= de", "abc;de;"},
    {"|= abc or de", "abc|de;"},
    {"|=  or abc", ""}, // the empty text or abc
    {"!= abc", ""},
    {"!~ abc", ""},
    {"|~ abc", "abc;"},
    {"|~ abc|def", "abc|def;"},
    {"|~ (?i)abc", ""},
    {"|~ a.c", "a;"},
    {"|> <_>abc<_>de", "abc;de;"},
    {"!> <_>abc<_>de", ""},
    {"|=ip 1.2.3.4", ""},
    {"json ;; |= abc", "abc;"},
    {"decolorize ;; |= abc", ""},
    {"line sm ;; |= abc", ""},
    {"unpack ;; |= abc", ""},
    {"is a=b", ""},
};

static void needles_are_what_every_kept_line_must_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(needle_cases); i++) {
        struct stage_run run;
        stage_run_init(&run, needle_cases[i].stages, NULL);
        struct needle *needles = NULL;
        size_t count = pipeline_needles(run.pipeline, &run.arena, &needles);
        struct buf got = BUF_INIT;
        for (size_t j = 0; j < count; j++) {
            for (size_t k = 0; k < needles[j].count; k++)
                buf_printf(&got, "%s%.*s", k == 0 ? "" : "|", SLICE_ARG(needles[j].any[k]));
            buf_byte(&got, ';');
            assert_false(needles[j].in_metadata);
        }
        if (!slice_eq_str(buf_slice(&got), needle_cases[i].want))
            fail_msg("%s: got %.*s want %s", needle_cases[i].stages, SLICE_ARG(buf_slice(&got)), needle_cases[i].want);
        buf_fini(&got);
        stage_run_fini(&run);
    }
}

static void what_the_pipeline_reads_is_known_before_it_runs(void **state)
{
    (void)state;
    static const struct {
        const char *stages;
        bool is_empty, needs_lines, needs_metadata, keeps_labels;
    } reads[] = {
        {"", true, false, false, true},
        {"is app=x", false, false, true, true},
        {"num app>5", false, false, true, false},
        {"|= x", false, true, false, true},
        {"json", false, false, false, false}, // nothing is needed of it
        {"json ;; is a=b", false, true, true, false},
        {"decolorize", false, true, false, true},
        {"drop a", false, false, false, false},
    };
    struct pipeline_hints hints = {.no_labels = true, .is_metric = true};
    for (size_t i = 0; i < LENGTH(reads); i++) {
        struct stage_run run;
        stage_run_init(&run, reads[i].stages, &hints);
        if (pipeline_is_empty(run.pipeline) != reads[i].is_empty || pipeline_needs_lines(run.pipeline) != reads[i].needs_lines ||
            pipeline_needs_metadata(run.pipeline) != reads[i].needs_metadata ||
            pipeline_keeps_labels(run.pipeline) != reads[i].keeps_labels)
            fail_msg("%s", reads[i].stages);
        stage_run_fini(&run);
    }
}

struct watch_case {
    size_t asked, bytes_max;
};

static bool within_bytes(void *self, size_t bytes)
{
    struct watch_case *watch = self;
    watch->asked++;
    return bytes <= watch->bytes_max;
}

static void a_run_ends_when_its_watch_says_so(void **state)
{
    (void)state;
    enum { COUNT = 600, BYTES = 64 << 10 };
    struct arena arena = ARENA_INIT;
    struct slice lines[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        char *line = arena_alloc(&arena, BYTES, 1);
        memset(line, 'x', BYTES);
        lines[i] = slice_of(line, BYTES);
    }
    for (size_t mib = 4; mib <= 4096; mib += 4092) { // each row takes copies of its line
        struct watch_case watch = {.bytes_max = mib << 20};
        struct stage_run run;
        struct buf got = BUF_INIT;
        stage_run_init(&run, "regexp (?P<a>x+) ;; format b=a ;; format c=b", NULL);
        pipeline_worker_watch(run.worker, (struct pipeline_watch){within_bytes, &watch});
        stage_run_lines(&run, lines, COUNT, &got);
        size_t whole = COUNT * (size_t)BYTES;
        if (watch.asked < 2 || (got.len >= whole) != (mib == 4096))
            fail_msg("%zu MiB: asked %zu times, %zu bytes", mib, watch.asked, got.len);
        stage_run_fini(&run);
        buf_fini(&got);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_filters_over_a_batch_give_what_they_give_line_by_line),
        cmocka_unit_test(a_batch_of_many_gives_what_batches_of_one_give),
        cmocka_unit_test(only_needed_labels_are_made_and_parsing_stops_when_all_are_there),
        cmocka_unit_test(needles_are_what_every_kept_line_must_hold),
        cmocka_unit_test(what_the_pipeline_reads_is_known_before_it_runs),
        cmocka_unit_test(a_run_ends_when_its_watch_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
