#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/patterns/line_shape.h"
#include "core/patterns/miner.h"
#include "core/pipeline/pattern_text.h"

static uint64_t seed = UINT64_C(88172645463325252);

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static struct miner *new_miner(uint32_t templates)
{
    return miner_create(&(struct miner_config){.templates_max = MINER_FIXED + templates, .text_max = (size_t)1 << 20, .seed = 3});
}

static const struct mined_case {
    const char *name;
    const char *lines[4];
    const char *templates[4]; /* of each line, after all */
} mined_cases[] = {
    {"a name varies", {"user anna logged in", "user bert logged in"}, {"user <_> logged in", "user <_> logged in"}},
    {"numbers vary from the start", {"took 17 ms"}, {"took <_> ms"}},
    {"logfmt keeps its keys", {"level=info dur=1.5s user=a msg=\"cart updated\"", "level=info dur=9ms user=b msg=\"cart updated\""},
     {"level=info dur=<_> user=<_> msg=\"cart updated\"", "level=info dur=<_> user=<_> msg=\"cart updated\""}},
    {"messages are told apart, whatever else agrees", {"level=info app=a host=b msg=\"user gone\"", "level=info app=a host=b msg=\"disk full\""},
     {"level=info app=a host=b msg=\"user gone\"", "level=info app=a host=b msg=\"disk full\""}},
    {"JSON keeps its keys and colons", {"{\"id\":17,\"ok\":true,\"msg\":\"done\"}"}, {"{\"id\":<_>,\"ok\":true,\"msg\":\"done\"}"}},
    {"versions in paths and protocols stay", {"\"GET /api/v1/items HTTP/1.1\" 200"}, {"\"GET /api/v1/items HTTP/1.1\" <_>"}},
    {"keys may have a digit or two", {"p99=3 p95=2"}, {"p99=<_> p95=<_>"}},
    {"what looks like a capture is variable", {"a <b> c"}, {"a <_> c"}},
    {"what is no UTF-8 is variable", {"a \xff\xfe c"}, {"a <_> c"}},
    {"umlauts are words", {"zur\xc3\xbc" "ck 5"}, {"zur\xc3\xbc" "ck <_>"}},
    {"an empty line is itself", {""}, {""}},
    {"a line of one number is anything", {"12345"}, {"<_>"}},
    {"white space alone stays", {" \t "}, {" \t "}},
    {"other runs are another template", {"a, 1", "a 1"}, {"a, <_>", "a <_>"}},
    {"an equals sign twice is no key", {"ab12==x"}, {"<_>==x"}},
};

static void lines_have_the_templates_of_the_table(void **state)
{
    (void)state;
    for (size_t c = 0; c < LENGTH(mined_cases); c++) {
        const struct mined_case *one = &mined_cases[c];
        struct miner *miner = new_miner(100);
        uint32_t ids[4];
        for (size_t i = 0; i < 4 && one->lines[i] != NULL; i++)
            ids[i] = miner_add(miner, 0, LEVEL_INFO, slice_str(one->lines[i]));
        for (size_t i = 0; i < 4 && one->lines[i] != NULL; i++) {
            struct buf text = BUF_INIT;
            miner_print(miner, ids[i], &text);
            if (!slice_eq_str(buf_slice(&text), one->templates[i]) || miner_level(miner, ids[i]) != LEVEL_INFO)
                fail_msg("%s: \"%.*s\"", one->name, SLICE_ARG(buf_slice(&text)));
            buf_fini(&text);
        }
        miner_destroy(miner);
    }
}

/* Lines with what trips a cutter: runs of delimiters, long words, many words, bytes of all kinds. */
static struct slice random_line(char *p, size_t room)
{
    static const char *const words[] = {"user", "login", "=", "=\"", "\":", "{\"", "\"", ",", ", ", " ", "  ", "<_>", "<a>", "<", ">", "HTTP/1.1", "v1", "42", "msg", "level",
                                        ":", "::", "\n", "\t", "[", "]: ", "|", "\xc3\xa4", "\xff", "a1b2", "error", "ok", "-", "--", "0", "deadbeef", "(x)", "''", ";"};
    size_t len = 0;
    size_t parts = next_random() % 16 == 0 ? next_random() % 400 : next_random() % 14;
    for (size_t i = 0; i < parts; i++) {
        const char *word = words[next_random() % LENGTH(words)];
        size_t n = strlen(word);
        size_t times = next_random() % 64 == 0 ? 1 + next_random() % 120 : 1;
        for (size_t t = 0; t < times && len + n <= room; t++, len += n)
            memcpy(p + len, word, n);
    }
    return slice_of(p, len);
}

static void every_line_is_accepted_by_its_template_as_a_pattern(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct arena arena = ARENA_INIT;
        struct miner *miner = new_miner(round % 4 == 0 ? 5 : 300);
        struct slice lines[600];
        uint32_t ids[600];
        for (size_t i = 0; i < LENGTH(lines); i++) {
            static char room[20000];
            // Few distinct lines at times, so that groups crowd and templates become general.
            lines[i] = i > 20 && next_random() % 3 == 0 ? lines[next_random() % i] : arena_copy(&arena, random_line(room, sizeof(room)));
            ids[i] = miner_add(miner, 0, LEVEL_UNKNOWN, lines[i]);
            assert_true(ids[i] < miner_count(miner));
        }
        for (size_t i = 0; i < LENGTH(lines); i++) {
            struct buf text = BUF_INIT;
            struct pattern pattern;
            struct err err;
            miner_print(miner, ids[i], &text);
            if (!pattern_parse(buf_slice(&text), &arena, &pattern, &err))
                fail_msg("%s: \"%.*s\"", err.text, SLICE_ARG(buf_slice(&text)));
            if (!pattern_matches(&pattern, lines[i]))
                fail_msg("round %u: \"%.*s\" does not accept \"%.*s\"", round, SLICE_ARG(buf_slice(&text)), SLICE_ARG(lines[i]));
            // A template is a line too: cut again it is the same, so that templates of several segments become one.
            struct miner *again = new_miner(1);
            struct buf twice = BUF_INIT;
            miner_print(again, miner_add(again, 0, LEVEL_UNKNOWN, buf_slice(&text)), &twice);
            if (text.len < SHAPE_BYTES_MAX && ids[i] >= MINER_FIXED)
                assert_true(slice_eq(buf_slice(&text), buf_slice(&twice)));
            miner_destroy(again);
            buf_fini(&twice);
            buf_fini(&text);
        }
        miner_destroy(miner);
        arena_fini(&arena);
    }
}

static void wide_instructions_cut_as_plain_ones(void **state)
{
    (void)state;
    static char room[9000];
    static struct line_shape wide, plain;
    for (unsigned i = 0; i < 20000; i++) {
        struct slice line = random_line(room, sizeof(room));
        for (size_t k = 0; i % 2 == 0 && k < line.len; k += 1 + next_random() % 7)
            room[k] = (char)next_random();
        char *copy = mem_alloc(line.len + 1); // ends where the line does: reads behind it show
        memcpy(copy, line.ptr, line.len);
        line.ptr = copy;
        line_shape_cut(&wide, line);
        line_shape_cut_portable(&plain, line);
        assert_int_equal(wide.count, plain.count);
        for (uint32_t w = 0; w < wide.count; w++) {
            assert_int_equal(wide.words[w].start, plain.words[w].start);
            assert_int_equal(wide.words[w].len, plain.words[w].len);
            assert_true(wide.words[w].len > 0);
            assert_int_equal(wide.words[w].is_variable, plain.words[w].is_variable);
        }
        mem_free(copy);
    }
}

static void past_the_most_templates_lines_are_anything_of_their_level(void **state)
{
    (void)state;
    struct miner *miner = new_miner(50);
    for (unsigned i = 0; i < 500; i++) {
        char line[64] = {0};
        memset(line, '(', 1 + i % 60);
        line[60] = 'a';
        uint32_t id = miner_add(miner, 0, i % 2 == 0 ? LEVEL_ERROR : LEVEL_WARN, slice_of(line, 61 - i / 60));
        assert_true(id < MINER_FIXED + 50);
        assert_int_equal(miner_level(miner, id), i % 2 == 0 ? LEVEL_ERROR : LEVEL_WARN);
    }
    assert_int_equal(miner_count(miner), MINER_FIXED + 50);
    assert_true(miner_evicted(miner) > 0);
    miner_destroy(miner);
}

static void names_without_end_become_one_template(void **state)
{
    (void)state;
    struct miner *miner = new_miner(1000);
    for (unsigned i = 0; i < 5000; i++) {
        char line[40];
        int len = snprintf(line, sizeof(line), "login %c%c%c%c", (int)('a' + i % 26), (int)('a' + i / 26 % 26), (int)('a' + i / 676 % 26), 'x');
        (void)miner_add(miner, 0, LEVEL_INFO, slice_of(line, (size_t)len));
    }
    assert_true(miner_count(miner) <= MINER_FIXED + 20);
    miner_destroy(miner);
}

static void owners_and_levels_share_no_template(void **state)
{
    (void)state;
    struct miner *miner = new_miner(100);
    uint32_t a = miner_add(miner, 0, LEVEL_INFO, SLICE("user anna logged in"));
    uint32_t b = miner_add(miner, 1, LEVEL_INFO, SLICE("user bert logged in"));
    uint32_t c = miner_add(miner, 0, LEVEL_WARN, SLICE("user carl logged in"));
    struct buf text = BUF_INIT;
    assert_true(a != b && b != c && a != c);
    miner_print(miner, b, &text);
    assert_true(slice_eq(buf_slice(&text), SLICE("user bert logged in")));
    buf_fini(&text);
    miner_destroy(miner);
}

static void levels_are_lokis_and_all_else_is_unknown(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    static const struct {
        const char *text;
        enum level level;
    } cases[] = {{"info", LEVEL_INFO}, {"ERROR", LEVEL_ERROR}, {"fatal", LEVEL_FATAL}, {"loud", LEVEL_UNKNOWN}, {"", LEVEL_UNKNOWN}};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct label label = {SLICE("detected_level"), slice_str(cases[i].text)};
        assert_int_equal(pattern_level_of(label_set_encode_in(&arena, &(struct label_set){&label, 1})), cases[i].level);
    }
    assert_int_equal(pattern_level_of(SLICE_NONE), LEVEL_UNKNOWN);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_the_templates_of_the_table),
        cmocka_unit_test(every_line_is_accepted_by_its_template_as_a_pattern),
        cmocka_unit_test(wide_instructions_cut_as_plain_ones),
        cmocka_unit_test(past_the_most_templates_lines_are_anything_of_their_level),
        cmocka_unit_test(names_without_end_become_one_template),
        cmocka_unit_test(owners_and_levels_share_no_template),
        cmocka_unit_test(levels_are_lokis_and_all_else_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
