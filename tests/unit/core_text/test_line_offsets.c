/* Line offsets, with AVX2 and without, are those that a plain loop finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/text/line_offsets.h"

static uint64_t seed = 11;

static uint32_t next_random(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static void both_ways_find_the_lines_of_random_texts(void **state)
{
    (void)state;
    for (int round = 0; round < 5000; round++) {
        size_t len = next_random(400);
        char *text = mem_alloc(len == 0 ? 1 : len);
        uint32_t *want = mem_array(len + 1, sizeof(*want));
        uint32_t *got = mem_array(len + 1, sizeof(*got));
        uint32_t *portable = mem_array(len + 1, sizeof(*portable));
        size_t count = 0;
        uint32_t newlines = 1 + next_random(30); // from every other byte to few
        for (size_t i = 0; i < len; i++) {
            text[i] = next_random(newlines) == 0 ? '\n' : (char)next_random(256);
            if (text[i] == '\n')
                want[++count] = (uint32_t)i + 1;
        }
        assert_int_equal(text_count_newlines(text, len), count);
        assert_int_equal(text_line_offsets(text, len, got), count);
        assert_int_equal(text_line_offsets_portable(text, len, portable), count);
        assert_memory_equal(got, want, (count + 1) * sizeof(*want));
        assert_memory_equal(portable, want, (count + 1) * sizeof(*want));
        mem_free(text);
        mem_free(want);
        mem_free(got);
        mem_free(portable);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways_find_the_lines_of_random_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
