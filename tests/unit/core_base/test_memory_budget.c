#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/memory_budget.h"

#define MIB ((size_t)1 << 20)
#define LIMIT (1000 * MIB)

static size_t head_bytes, index_bytes;

static size_t value_of(void *self)
{
    return *(const size_t *)self;
}

static struct memory_budget *make(void)
{
    struct memory_budget *budget = memory_budget_create(LIMIT);
    head_bytes = index_bytes = 0;
    memory_budget_source(budget, MEMORY_HEAD, value_of, &head_bytes);
    memory_budget_source(budget, MEMORY_INDEX_MAP, value_of, &index_bytes);
    return budget;
}

static void a_level_is_left_lower_than_it_was_reached(void **state)
{
    (void)state;
    static const struct {
        size_t used_mib;
        enum memory_pressure want;
    } steps[] = {{100, PRESSURE_NONE},   {699, PRESSURE_NONE},   {701, PRESSURE_FLUSH},   {660, PRESSURE_FLUSH},   {640, PRESSURE_NONE},
                 {950, PRESSURE_PUSHES}, {860, PRESSURE_PUSHES}, {840, PRESSURE_QUERIES}, {760, PRESSURE_QUERIES}, {901, PRESSURE_PUSHES},
                 {740, PRESSURE_FLUSH},  {801, PRESSURE_QUERIES}, {10, PRESSURE_NONE}};
    struct memory_budget *budget = make();
    int64_t now = NS_PER_S;
    for (size_t i = 0; i < LENGTH(steps); i++) {
        head_bytes = steps[i].used_mib * MIB;
        now += NS_PER_S;
        enum memory_pressure level = memory_budget_look(budget, now);
        if (level != steps[i].want)
            fail_msg("step %zu, %zu MiB: level %d, want %d", i, steps[i].used_mib, (int)level, (int)steps[i].want);
        assert_int_equal(level, memory_budget_level(budget));
    }
    memory_budget_destroy(budget);
}

static void a_small_limit_keeps_bytes_free_for_what_no_area_tells_of(void **state)
{
    (void)state;
    static const struct {
        size_t used_mib;
        enum memory_pressure want;
    } steps[] = {{63, PRESSURE_NONE}, {64, PRESSURE_FLUSH}, {80, PRESSURE_QUERIES}, {96, PRESSURE_PUSHES}};
    struct memory_budget *budget = memory_budget_create(128 * MIB);
    memory_budget_source(budget, MEMORY_HEAD, value_of, &head_bytes);
    for (size_t i = 0; i < LENGTH(steps); i++) {
        head_bytes = steps[i].used_mib * MIB;
        assert_int_equal(steps[i].want, memory_budget_look(budget, (int64_t)(i + 1) * NS_PER_S));
    }
    memory_budget_destroy(budget);
}

static void sources_are_not_asked_after_the_stop(void **state)
{
    (void)state;
    struct memory_budget *budget = make();
    head_bytes = LIMIT;
    assert_int_equal(PRESSURE_PUSHES, memory_budget_look(budget, NS_PER_S));
    memory_budget_stop(budget);
    assert_int_equal(PRESSURE_NONE, memory_budget_look(budget, 2 * NS_PER_S));
    assert_int_equal(0, memory_budget_used(budget));
    memory_budget_destroy(budget);
}

static void looks_within_five_milliseconds_sum_once(void **state)
{
    (void)state;
    struct memory_budget *budget = make();
    assert_int_equal(PRESSURE_NONE, memory_budget_look(budget, NS_PER_S));
    head_bytes = LIMIT;
    assert_int_equal(PRESSURE_NONE, memory_budget_look(budget, NS_PER_S + 4 * NS_PER_MS));
    assert_int_equal(PRESSURE_PUSHES, memory_budget_look(budget, NS_PER_S + 5 * NS_PER_MS));
    memory_budget_destroy(budget);
}

static void what_is_resident_and_of_no_area_is_other(void **state)
{
    (void)state;
    struct memory_budget *budget = make();
    head_bytes = 10 * MIB;
    index_bytes = 500 * MIB; // file pages: no part of it
    memory_budget_note_resident(budget, 25 * MIB);
    assert_int_equal(15 * MIB, memory_budget_area(budget, MEMORY_OTHER));
    assert_int_equal(25 * MIB, memory_budget_used(budget));
    assert_int_equal(500 * MIB, memory_budget_area(budget, MEMORY_INDEX_MAP));
    memory_budget_note_resident(budget, 5 * MIB); // pages of the head that were not touched yet
    assert_int_equal(0, memory_budget_area(budget, MEMORY_OTHER));
    assert_int_equal(10 * MIB, memory_budget_used(budget));
    memory_budget_destroy(budget);
}

static void queries_get_a_quarter_and_under_pressure_a_share(void **state)
{
    (void)state;
    struct err err;
    struct memory_budget *budget = make();
    assert_true(memory_budget_take(budget, 200 * MIB, 0, &err));
    assert_false(memory_budget_take(budget, 60 * MIB, 0, &err));
    assert_int_equal(ERR_UNAVAILABLE, err.code);
    assert_true(memory_budget_take(budget, 50 * MIB, 0, &err));
    assert_int_equal(250 * MIB, memory_budget_area(budget, MEMORY_QUERY));
    memory_budget_give(budget, 250 * MIB);
    head_bytes = 810 * MIB; // pushes are refused from 900 on
    (void)memory_budget_look(budget, NS_PER_S);
    assert_false(memory_budget_take(budget, 46 * MIB, 0, &err));
    assert_true(memory_budget_take(budget, 44 * MIB, 0, &err));
    memory_budget_give(budget, 44 * MIB);
    head_bytes = 899 * MIB;
    (void)memory_budget_look(budget, 2 * NS_PER_S);
    assert_true(memory_budget_take(budget, 2 * MIB, 0, &err));
    assert_true(memory_budget_take(budget, MIB, 2 * MIB, &err));
    assert_false(memory_budget_take(budget, MIB, 3 * MIB, &err));
    assert_non_null(strstr(err.text, "memory.limit, 1000 MiB"));
    assert_int_equal(3, memory_budget_sheds(budget, SHED_REJECT_QUERY));
    assert_int_equal(3 * MIB, memory_budget_area(budget, MEMORY_QUERY));
    memory_budget_destroy(budget);
}

static void without_a_budget_nothing_is_refused(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(PRESSURE_NONE, memory_budget_look(NULL, NS_PER_S));
    assert_true(memory_budget_take(NULL, SIZE_MAX, 0, &err));
    memory_budget_give(NULL, SIZE_MAX);
    memory_budget_note_shed(NULL, SHED_FLUSH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_is_left_lower_than_it_was_reached),
        cmocka_unit_test(a_small_limit_keeps_bytes_free_for_what_no_area_tells_of),
        cmocka_unit_test(sources_are_not_asked_after_the_stop),
        cmocka_unit_test(looks_within_five_milliseconds_sum_once),
        cmocka_unit_test(what_is_resident_and_of_no_area_is_other),
        cmocka_unit_test(queries_get_a_quarter_and_under_pressure_a_share),
        cmocka_unit_test(without_a_budget_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
