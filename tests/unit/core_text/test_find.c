/* text_find, with AVX2 and without, gives what memmem gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/text/find.h"

static uint64_t seed = 7;

static uint32_t next_random(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static size_t plainly_find(struct slice needle, bool ignores_case, const char *text, size_t len, size_t from)
{
    for (size_t i = from; needle.len <= len && i <= len - needle.len; i++) {
        size_t n = 0;
        while (n < needle.len && (ignores_case ? lower(text[i + n]) == lower(needle.ptr[n]) : text[i + n] == needle.ptr[n]))
            n++;
        if (n == needle.len)
            return i;
    }
    return TEXT_ABSENT;
}

static void fill(char *out, size_t len)
{
    static const char letters[] = "aAbB@`[{\n\xc3z";
    for (size_t i = 0; i < len; i++)
        out[i] = letters[next_random(sizeof(letters) - 1)];
}

static void both_ways_find_what_a_plain_search_finds(void **state)
{
    (void)state;
    for (int round = 0; round < 40000; round++) {
        size_t len = next_random(round % 10 == 0 ? 700 : 90);
        char *text = mem_alloc(len == 0 ? 1 : len); // exact, so that a read outside shows
        char bytes[40];
        fill(text, len);
        size_t needle_len = next_random(round % 3 == 0 ? 40 : 5);
        fill(bytes, needle_len);
        if (needle_len <= len && round % 2 == 0) // often it is there
            memcpy(bytes, text + next_random((uint32_t)(len - needle_len) + 1), needle_len);
        struct slice needle_text = slice_of(bytes, needle_len);
        bool ignores_case = round % 4 < 2;
        struct text_needle needle;
        text_needle_init(&needle, needle_text, ignores_case);
        size_t from = next_random((uint32_t)len + 2);
        size_t want = plainly_find(needle_text, ignores_case, text, len, from);
        if (text_find(&needle, text, len, from) != want || text_find_portable(&needle, text, len, from) != want)
            fail_msg("round %d: needle %.*s in %.*s from %zu", round, SLICE_ARG(needle_text), (int)len, text, from);
        mem_free(text);
    }
}

static void the_two_bytes_that_are_searched_are_rare_ones(void **state)
{
    (void)state;
    struct text_needle needle;
    text_needle_init(&needle, SLICE("the quartz"), false);
    assert_int_equal(needle.first, 4);  // q
    assert_int_equal(needle.second, 9); // z
    text_needle_init(&needle, SLICE("aaa"), false);
    assert_int_equal(needle.first, 0);
    assert_int_equal(needle.second, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_find_what_a_plain_search_finds),
        cmocka_unit_test(the_two_bytes_that_are_searched_are_rare_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
