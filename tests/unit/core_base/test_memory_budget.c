#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/memory_budget.h"

#define MIB ((size_t)1 << 20)
#define LIMIT (100 * MIB)

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
    } steps[] = {{10, PRESSURE_NONE},    {69, PRESSURE_NONE},    {70, PRESSURE_FLUSH},   {66, PRESSURE_FLUSH}, {64, PRESSURE_NONE},
                 {95, PRESSURE_PUSHES},  {86, PRESSURE_PUSHES},  {84, PRESSURE_QUERIES}, {76, PRESSURE_QUERIES}, {90, PRESSURE_PUSHES},
                 {74, PRESSURE_FLUSH},   {80, PRESSURE_QUERIES}, {1, PRESSURE_NONE}};
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
    assert_true(memory_budget_take(budget, 20 * MIB, 0, &err));
    assert_false(memory_budget_take(budget, 6 * MIB, 0, &err));
    assert_int_equal(ERR_UNAVAILABLE, err.code);
    assert_true(memory_budget_take(budget, 5 * MIB, 0, &err));
    assert_int_equal(25 * MIB, memory_budget_area(budget, MEMORY_QUERY));
    memory_budget_give(budget, 25 * MIB);
    head_bytes = 80 * MIB;
    (void)memory_budget_look(budget, NS_PER_S);
    assert_true(memory_budget_take(budget, MIB / 2, 0, &err));
    assert_true(memory_budget_take(budget, MIB / 2, MIB / 2, &err));
    assert_false(memory_budget_take(budget, 1, MIB, &err));
    assert_non_null(strstr(err.text, "memory.limit, 100 MiB"));
    assert_int_equal(2, memory_budget_sheds(budget, SHED_REJECT_QUERY));
    assert_int_equal(MIB, memory_budget_area(budget, MEMORY_QUERY));
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
        cmocka_unit_test(looks_within_five_milliseconds_sum_once),
        cmocka_unit_test(what_is_resident_and_of_no_area_is_other),
        cmocka_unit_test(queries_get_a_quarter_and_under_pressure_a_share),
        cmocka_unit_test(without_a_budget_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
