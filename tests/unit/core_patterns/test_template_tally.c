#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/patterns/template_tally.h"
#include "core/pipeline/pattern_text.h"

static uint64_t seed = UINT64_C(88172645463325252);

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void control_init(struct query_control *control, int64_t bytes)
{
    *control = (struct query_control){.memory_max = bytes};
    atomic_init(&control->memory_left, bytes);
}

static const struct line_template some[] = {
    {{"user <_> gone", 13}, LEVEL_INFO}, {{"user anna gone", 14}, LEVEL_INFO}, {{"user <_> gone", 13}, LEVEL_WARN}, {{"", 0}, LEVEL_INFO}, {{"<_>", 3}, LEVEL_INFO}};

static struct template_batch batch_of(const int64_t *ts_ns, const uint16_t *ids, uint32_t count)
{
    return (struct template_batch){.count = count, .ts_ns = ts_ns, .ids = ids, .templates = some, .template_count = LENGTH(some)};
}

static uint64_t sum_of(const struct tally_pattern *patterns, size_t count, const struct tally_grid *grid)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t one = 0;
        for (size_t step = 0; step < grid->count; step++)
            one += tally_pattern_at(&patterns[i], step);
        assert_int_equal(one, patterns[i].total);
        sum += one;
    }
    return sum;
}

static void steps_are_multiples_of_the_step_also_before_1970(void **state)
{
    (void)state;
    struct tally_grid grid;
    assert_true(tally_grid_init(&grid, -5, 15, 10));
    assert_int_equal(grid.first_ns, -10);
    assert_int_equal(grid.count, 3);
    assert_true(tally_grid_init(&grid, 20, 29, 10));
    assert_int_equal(grid.count, 1);
    assert_true(tally_grid_init(&grid, 20, 19, 10));
    assert_int_equal(grid.count, 0);
    assert_false(tally_grid_init(&grid, INT64_MIN, 0, 1000));
}

static void the_general_template_takes_what_it_covers_and_samples_stay_where_they_were(void **state)
{
    (void)state;
    struct query_control control;
    struct tally_grid grid;
    struct tally_pattern *patterns;
    size_t count;
    struct err err;
    const int64_t ts_ns[] = {0, 9, 10, 10, 4000, 4009};
    const uint16_t ids[] = {0, 1, 1, 2, 3, 0};
    control_init(&control, (int64_t)1 << 30);
    assert_true(tally_grid_init(&grid, 0, 4009, 10));
    struct template_tally *tallies[] = {template_tally_create(&grid, &control), NULL, template_tally_create(&grid, &control)};
    struct template_batch batch = batch_of(ts_ns, ids, 3);
    template_tally_add(tallies[0], &batch);
    batch = batch_of(ts_ns + 3, ids + 3, 3);
    template_tally_add(tallies[2], &batch);
    assert_true(template_tally_unite(tallies[0], tallies, 3, &patterns, &count, &err));
    assert_int_equal(count, 3);
    assert_true(slice_eq(patterns[0].text, SLICE("user <_> gone")));
    assert_int_equal(patterns[0].total, 4);
    assert_int_equal(tally_pattern_at(&patterns[0], 0), 2);
    assert_int_equal(tally_pattern_at(&patterns[0], 1), 1);
    assert_int_equal(tally_pattern_at(&patterns[0], 400), 1);
    assert_int_equal(sum_of(patterns, count, &grid), 6);
    template_tally_destroy(tallies[0]);
    template_tally_destroy(tallies[2]);
    assert_int_equal(atomic_load(&control.memory_left), (int64_t)1 << 30); // all that was charged was given back
}

/* Lines of two tallies, in batches; then the patterns of the answer against all of them. */
static void lines_of_several_tallies_add_up_and_their_patterns_accept_them(void **state)
{
    (void)state;
    static const char *const verbs[] = {"gone", "came", "lost", "found", "sent"};
    for (unsigned round = 0; round < 20; round++) {
        struct query_control control;
        struct arena arena = ARENA_INIT;
        struct tally_grid grid;
        struct tally_pattern *patterns;
        size_t count;
        struct err err;
        control_init(&control, (int64_t)1 << 30);
        assert_true(tally_grid_init(&grid, 0, 99999, 1 + (int64_t)(next_random() % 5000)));
        struct template_tally *tallies[] = {template_tally_create(&grid, &control), template_tally_create(&grid, &control)};
        struct buf all = BUF_INIT;
        uint32_t offsets[3001] = {0};
        for (size_t b = 0; b < 3000; b += 100) {
            int64_t ts_ns[100];
            size_t from = all.len;
            for (size_t i = 0; i < 100; i++) {
                ts_ns[i] = (int64_t)(next_random() % 100000);
                if (next_random() % 40 > 0)
                    buf_printf(&all, "%s%c user %c%c id=%u", verbs[next_random() % 5], round % 2 == 0 ? ':' : ',', (int)('a' + next_random() % 26),
                               (int)('a' + next_random() % 26), (unsigned)next_random() % 10);
                buf_byte(&all, '\n');
                offsets[b + i + 1] = (uint32_t)all.len;
            }
            struct entry_batch batch = {.count = 100, .ts_ns = ts_ns, .text = all.ptr, .offsets = offsets + b};
            template_tally_add_lines(tallies[b / 100 % 2], &batch);
            assert_true(from < all.len);
        }
        assert_true(template_tally_unite(tallies[1], tallies, 2, &patterns, &count, &err));
        assert_int_equal(sum_of(patterns, count, &grid), 3000);
        assert_true(count <= 8);
        struct pattern parsed[8];
        for (size_t i = 0; i < count; i++)
            assert_true(pattern_parse(patterns[i].text, &arena, &parsed[i], &err));
        for (size_t i = 0; i < 3000; i++) {
            bool accepted = false;
            for (size_t p = 0; !accepted && p < count; p++)
                accepted = pattern_matches(&parsed[p], slice_of(all.ptr + offsets[i], offsets[i + 1] - 1 - offsets[i]));
            assert_true(accepted);
        }
        template_tally_destroy(tallies[0]);
        template_tally_destroy(tallies[1]);
        buf_fini(&all);
        arena_fini(&arena);
    }
}

static void too_many_templates_are_counted_as_anything(void **state)
{
    (void)state;
    struct query_control control;
    struct tally_grid grid;
    struct tally_pattern *patterns;
    size_t count;
    struct err err;
    struct arena arena = ARENA_INIT;
    const uint32_t many = TALLY_TEMPLATES_MAX + 2000;
    control_init(&control, (int64_t)1 << 30);
    assert_true(tally_grid_init(&grid, 0, 0, 10));
    struct line_template *templates = ARENA_ARRAY(&arena, struct line_template, many);
    for (uint32_t i = 0; i < many; i++) { // words, each in runs of its own
        char line[64];
        for (size_t bit = 0; bit < 16; bit++)
            line[bit] = (i >> bit & 1) != 0 ? '(' : '[';
        memcpy(line + 16, "word", 4);
        templates[i] = (struct line_template){arena_copy(&arena, slice_of(line, 20)), LEVEL_INFO};
    }
    struct template_tally *tally = template_tally_create(&grid, &control);
    for (uint32_t i = 0; i < many; i++) {
        const int64_t ts_ns[] = {0, 0};
        const uint16_t ids[] = {(uint16_t)i, (uint16_t)i};
        struct template_batch batch = {.count = 2, .ts_ns = ts_ns, .ids = ids, .templates = templates, .template_count = many};
        template_tally_add(tally, &batch);
    }
    assert_true(template_tally_settle(tally, &err));
    assert_true(template_tally_unite(tally, &tally, 1, &patterns, &count, &err));
    assert_int_equal(count, TALLY_PATTERNS_MAX + 1);
    assert_true(slice_eq(patterns[0].text, SLICE("<_>")));
    assert_int_equal(sum_of(patterns, count, &grid), 2 * (uint64_t)many);
    template_tally_destroy(tally);
    arena_fini(&arena);
}

static void a_query_pays_for_its_tallies(void **state)
{
    (void)state;
    struct query_control control;
    struct tally_grid grid;
    struct err err;
    const int64_t ts_ns[] = {0};
    const uint16_t ids[] = {0};
    control_init(&control, 1000);
    assert_true(tally_grid_init(&grid, 0, INT64_C(1000000000), 1000));
    struct template_tally *tally = template_tally_create(&grid, &control);
    struct template_batch batch = batch_of(ts_ns, ids, 1);
    template_tally_add(tally, &batch);
    assert_false(template_tally_settle(tally, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    template_tally_destroy(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_multiples_of_the_step_also_before_1970),
        cmocka_unit_test(the_general_template_takes_what_it_covers_and_samples_stay_where_they_were),
        cmocka_unit_test(lines_of_several_tallies_add_up_and_their_patterns_accept_them),
        cmocka_unit_test(too_many_templates_are_counted_as_anything),
        cmocka_unit_test(a_query_pays_for_its_tallies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
