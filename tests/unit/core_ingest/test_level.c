#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/ingest/level_word.h"

static struct slice_list default_fields(void)
{
    struct limits limits;
    limits_defaults(&limits);
    return limits.log_level_fields;
}

static void lines_have_the_levels_of_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum level want;
    } cases[] = {
        {"", LEVEL_UNKNOWN},
        {"nothing here", LEVEL_UNKNOWN},
        {"error", LEVEL_ERROR},
        {"ERR: x", LEVEL_ERROR},
        {"an error, then info", LEVEL_ERROR},
        {"info then error", LEVEL_INFO},
        {"errors happen", LEVEL_UNKNOWN},
        {"terror", LEVEL_UNKNOWN},
        {"[WARNING] x", LEVEL_WARN},
        {"(fatal)", LEVEL_FATAL},
        {"x critical! y", LEVEL_CRITICAL},
        {"x:error", LEVEL_UNKNOWN}, // ':' is no left boundary
        {"2024-01-01 10:00:00.123 main thread [pool-1] DEBUG com.example", LEVEL_DEBUG},
        {"level=warn msg=\"error\"", LEVEL_WARN},
        {"msg=\"info level=debug\" x", LEVEL_INFO},  // in quotes: no key, the leftmost word
        {"severity=error LVL=info", LEVEL_ERROR},     // severity comes earlier in the list
        {"lvl=info severity=error", LEVEL_ERROR},
        {"Level=trc a=b", LEVEL_TRACE},
        {"level=whatever error", LEVEL_ERROR},
        {"xlevel=info", LEVEL_INFO}, // the word after '='
        {"{\"level\":\"error\"}", LEVEL_ERROR},
        {"  {\"a\":{\"severity\":\"WARN\"},\"level\":\"info\"}  ", LEVEL_WARN},
        {"{\"a\":{\"b\":{\"level\":\"fatal\"}},\"lvl\":\"debug\"}", LEVEL_DEBUG}, // the third level is too deep
        {"{\"a\":[{\"level\":\"fatal\"}],\"lvl\":\"inf\"}", LEVEL_INFO},
        {"{\"level\":5,\"lvl\":\"wrn\"}", LEVEL_WARN},
        {"{\"m\":\"a \\\"level\\\":\\\"fatal\\\" \",\"level\":\"dbg\"}", LEVEL_DEBUG},
        {"{\"LeVeL\":\"inf\"}", LEVEL_UNKNOWN},
        {"{\"level\":\"odd\",\"m\":\"trace\"}", LEVEL_TRACE},
        {"{\"level\":\"info\"", LEVEL_INFO}, // no JSON; the word
    };
    struct slice_list names = default_fields();
    struct level_fields fields;
    level_fields_init(&fields, &names);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        enum level got = level_of_line(slice_str(cases[i].line), &fields);
        if (got != cases[i].want)
            fail_msg("%s: level %d, want %d", cases[i].line, got, cases[i].want);
    }
}

static void logfmt_fields_of_any_length_are_found(void **state)
{
    (void)state;
    static struct slice names[] = {SLICE("l"), SLICE("lv"), SLICE("log.level"), SLICE("Schwere")};
    static const struct {
        const char *line;
        enum level want;
    } cases[] = {
        {"l=dbg x", LEVEL_DEBUG},          {"a=b L=dbg", LEVEL_DEBUG},   {"lv=trc", LEVEL_TRACE},        {"al=dbg lv=trc", LEVEL_TRACE},
        {"log.level=wrn", LEVEL_WARN},     {"LOG.LEVEL=wrn", LEVEL_WARN}, {"schwere=inf x=y", LEVEL_INFO}, {"erschwere=inf", LEVEL_UNKNOWN},
        {"lv=trc l=dbg", LEVEL_DEBUG},     {"=l", LEVEL_UNKNOWN},        {"v=trc", LEVEL_UNKNOWN},       {"{\"lv\":\"trc\",\"l\":\"dbg\"}", LEVEL_TRACE},
        {"{\"vl\":\"trc\",\"Schwere\":\"dbg\"}", LEVEL_DEBUG}, {"{\"schwere\":\"dbg\"}", LEVEL_UNKNOWN},
    };
    struct slice_list list = {names, LENGTH(names)};
    struct level_fields fields;
    level_fields_init(&fields, &list);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        enum level got = level_of_line(slice_str(cases[i].line), &fields);
        if (got != cases[i].want)
            fail_msg("%s: level %d, want %d", cases[i].line, got, cases[i].want);
    }
    list.count = 0;
    level_fields_init(&fields, &list);
    assert_int_equal(level_of_line(SLICE("level=dbg"), &fields), LEVEL_UNKNOWN);
}

// More names than there are bits in a filter: each is found, none hides another.
static void each_of_many_logfmt_fields_is_found(void **state)
{
    (void)state;
    char text[80][8];
    struct slice names[80];
    for (size_t i = 0; i < LENGTH(names); i++) {
        (void)snprintf(text[i], sizeof(text[i]), "f%zux", i);
        names[i] = slice_str(text[i]);
    }
    struct slice_list list = {names, LENGTH(names)};
    struct level_fields fields;
    level_fields_init(&fields, &list);
    for (size_t i = 0; i < LENGTH(names); i++) {
        char line[16 + sizeof(text[0])];
        (void)snprintf(line, sizeof(line), "a=b %.7s=trc", text[i]);
        assert_int_equal(level_of_line(slice_str(line), &fields), LEVEL_TRACE);
    }
    assert_int_equal(level_of_line(SLICE("f80x=trc"), &fields), LEVEL_UNKNOWN);
}

// A plain reading of rule 5.
static enum level reference(struct slice line)
{
    static const struct {
        const char *word;
        enum level level;
    } words[] = {{"trace", LEVEL_TRACE}, {"debug", LEVEL_DEBUG}, {"fatal", LEVEL_FATAL}, {"critical", LEVEL_CRITICAL}, {"error", LEVEL_ERROR},
                 {"err", LEVEL_ERROR},   {"warning", LEVEL_WARN}, {"warn", LEVEL_WARN},  {"info", LEVEL_INFO}};
    for (size_t at = 0; at < line.len; at++) {
        if (at > 0 && memchr(" \t\n[({\"=", line.ptr[at - 1], 8) == NULL)
            continue;
        for (size_t w = 0; w < LENGTH(words); w++) {
            size_t len = strlen(words[w].word);
            if (line.len - at < len || !slice_eq_nocase(slice_of(line.ptr + at, len), slice_str(words[w].word)))
                continue;
            if (line.len - at == len || memchr(" \t\n[](){}:,!\"=", line.ptr[at + len], 14) != NULL)
                return words[w].level;
        }
    }
    return LEVEL_UNKNOWN;
}

static void both_paths_equal_the_reference_on_random_lines(void **state)
{
    (void)state;
    static const char *const parts[] = {" ", "\t", "[", "]", "(", "{", "\"", "=", ":", "!", ",", "x", "err", "error", "Error", "INFO", "warn",
                                        "warning", "trace", "debuG", "critical", "fatal", "eRr", "in", "longer text without it", "\xc3\xa9", "E\x12R", ";"};
    srand(7);
    size_t found = 0;
    for (int round = 0; round < 200000; round++) {
        char text[256];
        size_t len = 0;
        for (int n = rand() % 24; n > 0; n--) {
            const char *part = parts[(size_t)rand() % LENGTH(parts)];
            memcpy(text + len, part, strlen(part));
            len += strlen(part);
            if (len > 220)
                break;
        }
        char *exact = malloc(len + 1); // so that a read past the line is seen
        assert_non_null(exact);
        char *line_at = exact + 1;
        memcpy(line_at, text, len);
        struct slice line = slice_of(line_at, len);
        enum level want = reference(line);
        found += want != LEVEL_UNKNOWN;
        if (level_word_find(line) != want || level_word_find_portable(line) != want)
            fail_msg("%.*s: fast %d, portable %d, want %d", SLICE_ARG(line), level_word_find(line), level_word_find_portable(line), want);
        free(exact);
    }
    assert_in_range(found, 20000, 190000); // the lines are neither all hits nor all misses
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_the_levels_of_the_table),
        cmocka_unit_test(logfmt_fields_of_any_length_are_found),
        cmocka_unit_test(each_of_many_logfmt_fields_is_found),
        cmocka_unit_test(both_paths_equal_the_reference_on_random_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
