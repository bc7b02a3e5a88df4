#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/model/label_set.h"

static const struct parse_case {
    const char *name;
    struct slice text;
    const char *printed; // or NULL
    const char *error;
} parse_cases[] = {
    {"three quotes and a comma", SLICE("{a=\"1\", b='2' ,c=`3`,}"), "{a=\"1\", b=\"2\", c=\"3\"}", NULL},
    {"nothing", SLICE(""), "{}", NULL},
    {"empty braces", SLICE(" { } "), "{}", NULL},
    {"a metric name", SLICE("foo{a=\"1\"}"), "{__name__=\"foo\", a=\"1\"}", NULL},
    {"a metric name alone", SLICE("foo:bar"), "{__name__=\"foo:bar\"}", NULL},
    {"sorted", SLICE("{b=\"1\",a=\"2\"}"), "{a=\"2\", b=\"1\"}", NULL},
    {"empty values are dropped", SLICE("{a=\"\",b=\"1\"}"), "{b=\"1\"}", NULL},
    {"escapes", SLICE("{a=\"\\n\\x41\\u00e9\\\"\"}"), "{a=\"\\nA\xc3\xa9\\\"\"}", NULL},
    {"a raw backslash", SLICE("{a=`\\n`}"), "{a=\"\\\\n\"}", NULL},
    {"duplicates are the caller's", SLICE("{a=\"1\",a=\"2\"}"), "{a=\"1\", a=\"2\"}", NULL},
    {"a dash", SLICE("{a-b=\"c\"}"), NULL, "1:3: parse error: unexpected character inside braces: '-'"},
    {"an identifier", SLICE("{a=b}"), NULL, "1:4: parse error: unexpected identifier \"b\" in label set, expected string"},
    {"no name", SLICE("{=\"\"}"), NULL, "1:2: parse error: unexpected \"=\" in label set, expected identifier or \"}\""},
    {"an operator", SLICE("{a!=\"b\"}"), NULL, "1:3: parse error: unexpected <op:!=> in label set, expected \"=\""},
    {"a digit first", SLICE("{1a=\"b\"}"), NULL, "1:2: parse error: unexpected character inside braces: '1'"},
    {"second line", SLICE("{a=\"1\",\n b.c=\"2\"}"), NULL, "2:3: parse error: unexpected character inside braces: '.'"},
    {"bad UTF-8", SLICE("{a=\"\xff\"}"), NULL, "1:4: parse error: invalid UTF-8 rune"},
    {"open", SLICE("{a=\"1\""), NULL, "1:7: parse error: unexpected end of input inside braces"},
    {"open string", SLICE("{a=\"1}"), NULL, "1:4: parse error: unterminated quoted string"},
    {"open escape", SLICE("{a=\"\\"), NULL, "1:4: parse error: unterminated quoted string"},
    {"text behind", SLICE("{a=\"1\"} x"), NULL, "1:9: parse error: unexpected identifier \"x\""},
    {"a comment", SLICE("{a=\"1\" # why\n, b=\"2\"}#}"), "{a=\"1\", b=\"2\"}", NULL},
    {"a set behind", SLICE("{a=\"1\"}{b=\"2\"}"), NULL, "1:8: parse error: unexpected \"{\""},
    {"a brace in braces", SLICE("{{a=\"1\"}}"), NULL, "1:2: parse error: unexpected left brace '{'"},
    {"a number behind", SLICE("{a=\"1\"} 5m"), NULL, "1:9: parse error: unexpected number \"5m\""},
    {"an operator behind", SLICE("{a=\"1\"} != 5"), NULL, "1:9: parse error: unexpected <op:!=>"},
    {"no brace before", SLICE("a=\"1\"}"), NULL, "1:2: parse error: unexpected \"=\""},
    {"an odd byte behind", SLICE("{a=\"1\"}~"), NULL, "1:8: parse error: unexpected character: '~'"},
    {"an unknown escape", SLICE("{a=\"\\n\\q\"}"), NULL, "1:4: parse error: unknown escape sequence U+0071 'q'"},
    {"the other quote escaped", SLICE("{a=\"\\'\"}"), NULL, "1:4: parse error: unknown escape sequence U+0027 '\''"},
    {"half a surrogate pair", SLICE("{a=\"\\ud800\"}"), NULL, "1:4: parse error: escape sequence is an invalid Unicode code point"},
    {"a bare NUL", SLICE("{\0}"), NULL, "1:2: parse error: unexpected character inside braces: '\\x00'"},
};

static void texts_are_read_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(parse_cases); i++) {
        const struct parse_case *c = &parse_cases[i];
        struct arena arena = ARENA_INIT;
        struct label_set set;
        struct err err = {.code = ERR_NONE};
        struct buf out = BUF_INIT;
        bool ok = label_set_parse(c->text, &arena, &set, &err);
        if (ok != (c->printed != NULL))
            fail_msg("%s: %s", c->name, err.text);
        if (ok)
            label_set_print(&set, &out);
        if (ok ? !slice_eq_str(buf_slice(&out), c->printed) : strcmp(err.text, c->error) != 0)
            fail_msg("%s: %.*s %s", c->name, SLICE_ARG(buf_slice(&out)), err.text);
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void the_order_is_that_of_the_printed_texts(void **state)
{
    (void)state;
    static const struct slice words[] = {SLICE("a"),  SLICE("ab"), SLICE("a0"),       SLICE("aA"),       SLICE("a_"),  SLICE("a "),
                                         SLICE("a!"), SLICE("a\""), SLICE("a\n"),     SLICE("a\x01"),    SLICE("a\\"), SLICE("\xc3\xa9"),
                                         SLICE("\xc3\xaa"), SLICE("\xc3"), SLICE("\xc2\xad"), SLICE("\xff"), SLICE("a~")};
    static const struct slice names[] = {SLICE("a"), SLICE("a0"), SLICE("aA"), SLICE("b"), SLICE("a_")};
    uint32_t random = 7;
    for (int round = 0; round < 50000; round++) {
        struct label labels[2][3];
        struct label_set sets[2];
        struct buf texts[2] = {BUF_INIT, BUF_INIT};
        for (size_t s = 0; s < 2; s++) {
            random = random * 1664525 + 1013904223;
            size_t count = (random >> 20) % 4;
            for (size_t i = 0; i < count; i++) {
                random = random * 1664525 + 1013904223;
                labels[s][i] = (struct label){names[(random >> 16) % LENGTH(names)], words[(random >> 24) % LENGTH(words)]};
            }
            sets[s] = (struct label_set){labels[s], label_sort(labels[s], count, true)};
            label_set_print(&sets[s], &texts[s]);
        }
        if (sign(label_set_cmp_text(&sets[0], &sets[1])) != sign(slice_cmp(buf_slice(&texts[0]), buf_slice(&texts[1]))))
            fail_msg("%.*s against %.*s", SLICE_ARG(buf_slice(&texts[0])), SLICE_ARG(buf_slice(&texts[1])));
        struct buf encoded = BUF_INIT;
        struct buf again = BUF_INIT;
        label_set_encode(&sets[0], &encoded);
        label_encoded_print(buf_slice(&encoded), &again);
        assert_true(slice_eq(buf_slice(&again), buf_slice(&texts[0])));
        buf_fini(&encoded);
        buf_fini(&again);
        buf_fini(&texts[0]);
        buf_fini(&texts[1]);
    }
}

static void names_are_ascii_identifiers(void **state)
{
    (void)state;
    assert_true(label_name_is_valid(SLICE("_a0Z")));
    assert_false(label_name_is_valid(SLICE("")));
    assert_false(label_name_is_valid(SLICE("0a")));
    assert_false(label_name_is_valid(SLICE("a.b")));
    assert_false(label_name_is_valid(SLICE("a\0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_as_the_table_says),
        cmocka_unit_test(the_order_is_that_of_the_printed_texts),
        cmocka_unit_test(names_are_ascii_identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
