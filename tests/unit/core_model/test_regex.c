#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/model/regex.h"

static struct regex *compiled(struct slice pattern, enum regex_mode mode)
{
    struct regex *regex = NULL;
    struct err err;
    if (!regex_compile(pattern, mode, &regex, &err))
        fail_msg("%.*s: %s", SLICE_ARG(pattern), err.text);
    return regex;
}

static void errors_have_gos_words(void **state)
{
    (void)state;
    static const struct {
        struct slice pattern;
        const char *text;
    } cases[] = {
        {SLICE("("), "missing closing ): `(`"},
        {SLICE("a(b"), "missing closing ): `a(b`"},
        {SLICE("(?<n>a"), "missing closing ): `(?<n>a`"},
        {SLICE("a)"), "unexpected ): `a)`"},
        {SLICE("["), "missing closing ]: `[`"},
        {SLICE("*"), "missing argument to repetition operator: `*`"},
        {SLICE("a**"), "invalid nested repetition operator: `**`"},
        {SLICE("a{1001}"), "invalid repeat count: `{1001}`"},
        {SLICE("a{2,1}?"), "invalid repeat count: `{2,1}`"},
        {SLICE("\\q"), "invalid escape sequence: `\\q`"},
        {SLICE("\\C"), "invalid escape sequence: `\\C`"},
        {SLICE("[z-a]"), "invalid character class range: `z-a`"},
        {SLICE("(?P<a"), "invalid named capture: `(?P<a`"},
        {SLICE("(?P<\xc3\xa9>a)"), "invalid named capture: `(?P<\xc3\xa9>`"},
        {SLICE("(?=a)"), "invalid or unsupported Perl syntax: `(?=`"},
        {SLICE("a\\"), "trailing backslash at end of expression: ``"},
        {SLICE("a\xff" "b"), "invalid UTF-8: `\xff" "b`"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        for (int mode = REGEX_SEARCH; mode <= REGEX_ANCHORED; mode++) {
            struct regex *regex = NULL;
            struct err err = {.code = ERR_NONE};
            char want[256];
            (void)snprintf(want, sizeof(want), "error parsing regexp: %s", cases[i].text);
            if (regex_compile(cases[i].pattern, (enum regex_mode)mode, &regex, &err) || err.code != ERR_INVALID ||
                strcmp(err.text, want) != 0)
                fail_msg("%.*s: %s", SLICE_ARG(cases[i].pattern), err.text);
        }
    }
}

static void what_is_too_large_is_a_limit(void **state)
{
    (void)state;
    static char big[(64 << 10) + 1];
    memset(big, 'a', sizeof(big));
    struct regex *regex = NULL;
    struct err err = {.code = ERR_NONE};
    assert_false(regex_compile(slice_of(big, sizeof(big)), REGEX_SEARCH, &regex, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    err.code = ERR_NONE;
    assert_false(regex_compile(SLICE("\\pL{1000}"), REGEX_SEARCH, &regex, &err));
    assert_int_equal(err.code, ERR_LIMIT);
}

static void searches_and_anchored_matches_differ_as_said(void **state)
{
    (void)state;
    static const struct match_case {
        struct slice pattern;
        struct slice text;
        bool found, whole;
    } cases[] = {
        {SLICE("b"), SLICE("abc"), true, false},
        {SLICE("a|abc"), SLICE("abc"), true, true},
        {SLICE("abc"), SLICE("abc"), true, true},
        {SLICE(""), SLICE(""), true, true},
        {SLICE(""), SLICE("a"), true, false},
        {SLICE("a.c"), SLICE("a\nc"), false, true},
        {SLICE(".*"), SLICE("a\n\xff"), true, true},
        {SLICE(".+"), SLICE(""), false, false},
        {SLICE(".+"), SLICE("\n"), false, true},
        {SLICE("(?i)ABC"), SLICE("abc"), true, true},
        {SLICE("(?i)stra\xc3\x9f" "e"), SLICE("Stra\xc3\x9f" "e"), true, true},
        {SLICE("(?i)k"), SLICE("\xe2\x84\xaa"), true, true},
        {SLICE("^b"), SLICE("a\nb"), false, false},
        {SLICE("(?m)^b"), SLICE("a\nb"), true, false},
        {SLICE("a.b"), SLICE("a\xff" "b"), true, true}, // as Go: a bad byte is one U+FFFD
        {SLICE("a[^x]{2}b"), SLICE("a\xc3\xff" "b"), true, true},
        {SLICE("\\x{FFFD}"), SLICE("\xff"), true, true},
        {SLICE("b(?i)*"), SLICE(""), true, true}, // the star is b's
        {SLICE("ab{02}"), SLICE("ab{02}"), true, true}, // no number begins with a zero: braces as text
        {SLICE("ab{2,01}"), SLICE("xab{2,01}"), true, false},
        {SLICE("ab{0}"), SLICE("a"), true, true},
        {SLICE("(?<n>a)[(?<]"), SLICE("a?"), true, true},
        {SLICE("\\Q(?<n>\\E"), SLICE("(?<n>"), true, true},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct regex *search = compiled(cases[i].pattern, REGEX_SEARCH);
        struct regex *whole = compiled(cases[i].pattern, REGEX_ANCHORED);
        if (regex_matches(search, cases[i].text) != cases[i].found || regex_matches(whole, cases[i].text) != cases[i].whole)
            fail_msg("%.*s in %.*s", SLICE_ARG(cases[i].pattern), SLICE_ARG(cases[i].text));
        regex_free(search);
        regex_free(whole);
    }
}

static void captures_are_slices_of_the_text_also_of_a_bad_one(void **state)
{
    (void)state;
    struct regex *regex = compiled(SLICE("(?<first>a+)(x)?(?P<last>.)"), REGEX_SEARCH);
    struct slice text = SLICE("\xff-aa\xfe-a1");
    struct slice groups[5];
    assert_int_equal(regex_group_count(regex), 3);
    assert_true(slice_eq(regex_group_name(regex, 1), SLICE("first")));
    assert_int_equal(regex_group_name(regex, 2).len, 0);
    assert_true(slice_eq(regex_group_name(regex, 3), SLICE("last")));
    assert_true(regex_captures(regex, text, 0, groups, 5));
    assert_ptr_equal(groups[0].ptr, text.ptr + 2);
    assert_int_equal(groups[0].len, 3);
    assert_int_equal(groups[1].len, 2);
    assert_null(groups[2].ptr);
    assert_ptr_equal(groups[3].ptr, text.ptr + 4);
    assert_int_equal(groups[3].len, 1);
    assert_null(groups[4].ptr);
    assert_true(regex_captures(regex, text, 5, groups, 1));
    assert_ptr_equal(groups[0].ptr, text.ptr + 6);
    assert_false(regex_captures(regex, text, text.len, groups, 1));
    assert_false(regex_captures(regex, text, text.len + 1, groups, 1));
    regex_free(regex);
}

static void literals_are_what_the_table_says(void **state)
{
    (void)state;
    static const struct {
        struct slice pattern;
        enum regex_mode mode;
        const char *literals; // joined by |
        bool is_exact, ignores_case;
    } cases[] = {
        {SLICE("error"), REGEX_SEARCH, "error", true, false},
        {SLICE("b|a|c"), REGEX_ANCHORED, "a|b|c", true, false},
        {SLICE("^(a|b)$"), REGEX_ANCHORED, "a|b", true, false},
        {SLICE("^a"), REGEX_SEARCH, "a", false, false},
        {SLICE("pre(a|b)post"), REGEX_SEARCH, "preapost|prebpost", true, false},
        {SLICE("GET /api/[0-9]+ 200"), REGEX_SEARCH, "GET /api/", false, false},
        {SLICE("foo.*barbaz"), REGEX_SEARCH, "barbaz", false, false},
        {SLICE("(?i)error"), REGEX_SEARCH, "error", true, true},
        {SLICE("(?i)ask-Twice"), REGEX_SEARCH, "-twice", false, true},
        {SLICE("colou?r"), REGEX_ANCHORED, "color|colour", true, false},
        {SLICE("a?"), REGEX_ANCHORED, "|a", true, false},
        {SLICE("a?"), REGEX_SEARCH, "", false, false},
        {SLICE("(ab){3}"), REGEX_SEARCH, "ababab", true, false},
        {SLICE("x*"), REGEX_SEARCH, "", false, false},
        {SLICE("abc|.*"), REGEX_SEARCH, "", false, false},
        {SLICE("\\Qa.b\\E"), REGEX_SEARCH, "a.b", true, false},
        {SLICE("a\\.b\\x41"), REGEX_SEARCH, "a.bA", true, false},
        {SLICE("\\x{e9}x"), REGEX_SEARCH, "\xc3\xa9x", true, false},
        {SLICE("\\x{FFFD}abc"), REGEX_SEARCH, "abc", false, false},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct regex *regex = compiled(cases[i].pattern, cases[i].mode);
        const struct regex_literals *literals = regex_literals(regex);
        struct buf joined = BUF_INIT;
        for (size_t j = 0; j < literals->count; j++) {
            buf_str(&joined, j > 0 ? "|" : "");
            buf_put(&joined, literals->any[j]);
        }
        if (!slice_eq_str(buf_slice(&joined), cases[i].literals) || literals->is_exact != cases[i].is_exact ||
            literals->ignores_case != cases[i].ignores_case)
            fail_msg("%.*s: %.*s %d %d", SLICE_ARG(cases[i].pattern), SLICE_ARG(buf_slice(&joined)), literals->is_exact,
                     literals->ignores_case);
        buf_fini(&joined);
        regex_free(regex);
    }
}

static bool occurs(struct slice needle, struct slice text, bool whole, bool ignores_case)
{
    for (size_t at = 0; at + needle.len <= text.len; at++) {
        struct slice part = slice_of(text.ptr + at, needle.len);
        if ((!whole || text.len == needle.len) && (ignores_case ? slice_eq_nocase(part, needle) : slice_eq(part, needle)))
            return true;
    }
    return false;
}

// Whether one of the literals stands in the text where a match begins.
static bool begins(const struct regex *regex, struct slice text)
{
    const struct regex_literals *literals = regex_literals(regex);
    for (size_t at = 0; at <= text.len; at++) {
        for (size_t i = 0; i < literals->count; i++) {
            struct slice rest = slice_from(text, at);
            struct slice start = slice_of(rest.ptr, literals->any[i].len < rest.len ? literals->any[i].len : rest.len);
            if ((literals->ignores_case ? slice_eq_nocase(start, literals->any[i]) : slice_eq(start, literals->any[i])) && regex_matches_at(regex, text, at))
                return true;
        }
    }
    return false;
}

static uint32_t pick(uint32_t *random, size_t count)
{
    *random = *random * 1664525 + 1013904223;
    return (*random >> 8) % (uint32_t)count;
}

static void a_match_contains_a_literal_and_exact_means_exact(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a",    "b",     "ab",   "K",    "s",     "(",     "(?:",  ")",      "|",      "*",       "+",   "?",
                                         "{2}",  "{0,1}", "[ab]", "[^a]", "[a-c]", "\\d",   "^",    "$",      ".",      "\\b",     "é",   "(?i)",
                                         "(?-i", ":",     "\\.",  "(?m)", "{2,}",  "{0}",   "\\QaB\\E", "\\x61", "(?i:", "(?P<n>", "\\pL", "[[:alpha:]x]"};
    static const char *const words[] = {"a", "b", "A", "B", "k", "K", "s", "\xe2\x84\xaa", "\xc5\xbf", "é", "\n", ".", "1", "\xff", "ab", "aB"};
    uint32_t random = 42;
    size_t known = 0;
    size_t led = 0;
    for (int round = 0; round < 60000; round++) {
        struct buf pattern = BUF_INIT;
        struct regex *regex = NULL;
        struct err err;
        enum regex_mode mode = round % 2 == 0 ? REGEX_SEARCH : REGEX_ANCHORED;
        for (uint32_t n = pick(&random, 7); n > 0; n--)
            buf_str(&pattern, pieces[pick(&random, LENGTH(pieces))]);
        bool ok = regex_compile(buf_slice(&pattern), mode, &regex, &err);
        for (int t = 0; ok && t < 6; t++) {
            const struct regex_literals *literals = regex_literals(regex);
            struct buf text = BUF_INIT;
            bool hit = false;
            for (uint32_t n = pick(&random, 6); n > 0; n--)
                buf_str(&text, words[pick(&random, LENGTH(words))]);
            for (size_t i = 0; i < literals->count; i++)
                hit = hit || occurs(literals->any[i], buf_slice(&text), literals->is_exact && mode == REGEX_ANCHORED,
                                    literals->ignores_case);
            bool matches = regex_matches(regex, buf_slice(&text));
            bool captured = regex_captures(regex, buf_slice(&text), 0, NULL, 0); // never by the short way
            known += literals->count > 0 ? 1 : 0;
            if (literals->is_begin && begins(regex, buf_slice(&text)) != matches)
                fail_msg("round %d: %.*s begins otherwise in %.*s", round, SLICE_ARG(buf_slice(&pattern)), SLICE_ARG(buf_slice(&text)));
            led += literals->is_begin ? 1 : 0;
            if ((literals->count > 0 && matches && !hit) || (literals->is_exact && hit != matches) || matches != captured)
                fail_msg("round %d: %.*s in %.*s", round, SLICE_ARG(buf_slice(&pattern)), SLICE_ARG(buf_slice(&text)));
            buf_fini(&text);
        }
        regex_free(ok ? regex : NULL);
        buf_fini(&pattern);
    }
    assert_true(known > 1000);
    assert_true(led > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_gos_words),
        cmocka_unit_test(what_is_too_large_is_a_limit),
        cmocka_unit_test(searches_and_anchored_matches_differ_as_said),
        cmocka_unit_test(captures_are_slices_of_the_text_also_of_a_bad_one),
        cmocka_unit_test(literals_are_what_the_table_says),
        cmocka_unit_test(a_match_contains_a_literal_and_exact_means_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
