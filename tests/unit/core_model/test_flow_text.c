#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/model/flow_text.h"

static void print(const struct flow_value *value, struct buf *out)
{
    if (value->kind == FLOW_TEXT) {
        buf_printf(out, "<%.*s>", SLICE_ARG(value->text));
        return;
    }
    buf_byte(out, value->kind == FLOW_LIST ? '[' : '{');
    for (size_t i = 0; i < value->count; i++) {
        if (value->kind == FLOW_MAP)
            buf_printf(out, "%.*s=", SLICE_ARG(value->keys[i]));
        print(&value->items[i], out);
    }
    buf_byte(out, value->kind == FLOW_LIST ? ']' : '}');
}

static const struct flow_case {
    const char *text, *want;
} good[] = {
    {"", "<>"},
    {"word", "<word>"},
    {" two words ", "<two words>"},
    {"\"a, [b]: \\\"c\\\"\"", "<a, [b]: \"c\">"},
    {"[]", "[]"},
    {" [ ] ", "[]"},
    {"{}", "{}"},
    {"[a, \"b\" ,c d]", "[<a><b><c d>]"},
    {"[a,]", "[<a>]"},
    {"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", "[<1><2><3><4><5><6><7><8><9><10><11><12><13><14><15><16><17>]"},
    {"{a: 1, \"b c\": [x, {}], d: {e: }}", "{a=<1>b c=[<x>{}]d={e=<>}}"},
    {"{a:{b:{c:{d:{e:{f:{g:{h:1}}}}}}}}", "{a={b={c={d={e={f={g={h=<1>}}}}}}}}"},
    {"[\n\t{a: b},\r\n {a: c}\n]", "[{a=<b>}{a=<c>}]"},
};

static void lists_and_maps_become_a_tree(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        struct arena arena = ARENA_INIT;
        struct flow_value value;
        struct buf out = BUF_INIT;
        struct err err = {.code = ERR_NONE};
        if (!flow_read(slice_str(good[i].text), &arena, &value, &err))
            fail_msg("%s: %s", good[i].text, err.text);
        print(&value, &out);
        if (!slice_eq_str(buf_slice(&out), good[i].want))
            fail_msg("%s: %.*s", good[i].text, SLICE_ARG(buf_slice(&out)));
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static void what_is_no_tree_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"[", "a comma or ] is missing after item 1"}, {"[a", "a comma or ] is missing"},        {"{a", "a colon is missing after \"a\""},
        {"{a: b", "a comma or } is missing"},          {"[a}", "a comma or ] is missing"},       {"a]", "after the end"},
        {"[] x", "after the end"},                     {"[\"a]", "without its closing quote"},   {"\"\\q\"", "bad escape"},
        {"[\"a\\", "without its closing quote"},       {"[\"a\" b]", "a comma or ] is missing"}, {"[[[[[[[[[]]]]]]]]]", "nested deeper than 8"},
        {"{a: {b}", "a colon is missing"},
    };
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct arena arena = ARENA_INIT;
        struct flow_value value;
        struct err err = {.code = ERR_NONE};
        if (flow_read(slice_str(bad[i][0]), &arena, &value, &err) || strstr(err.text, bad[i][1]) == NULL)
            fail_msg("%s: %s", bad[i][0], err.text);
        arena_fini(&arena);
    }
}

static void a_list_has_a_longest(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    buf_byte(&text, '[');
    for (size_t i = 0; i < FLOW_ITEMS_MAX; i++)
        buf_str(&text, "x,");
    for (size_t over = 0; over < 2; over++) {
        struct arena arena = ARENA_INIT;
        struct flow_value value;
        struct err err = {.code = ERR_NONE};
        buf_str(&text, over == 0 ? "]" : "x]");
        assert_int_equal(flow_read(buf_slice(&text), &arena, &value, &err), over == 0);
        assert_int_equal(over == 0 ? value.count == FLOW_ITEMS_MAX : err.code == ERR_LIMIT, true);
        text.len--;
        arena_fini(&arena);
    }
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_maps_become_a_tree),
        cmocka_unit_test(what_is_no_tree_is_refused),
        cmocka_unit_test(a_list_has_a_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
