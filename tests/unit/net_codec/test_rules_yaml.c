/* Rules as YAML: what is read, what is refused, and that what is printed is read as the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/codec/rules_yaml.h"
#include "net/codec/yaml_text.h"

static const struct {
    const char *text, *want;
} texts[] = {
    {"many errors", "many errors"},
    {"sum(rate({app=\"web\"}[5m])) > 10", "sum(rate({app=\"web\"}[5m])) > 10"},
    {"{app=\"web\"}", "'{app=\"web\"}'"},
    {"it's: so", "'it''s: so'"},
    {"a #b", "'a #b'"},
    {"a#b:c", "a#b:c"},
    {"", "\"\""},
    {"true", "\"true\""},
    {"no", "\"no\""},
    {"~", "\"~\""},
    {"12", "\"12\""},
    {"1_000", "\"1_000\""},
    {"0x1f", "\"0x1f\""},
    {"1.5e3", "\"1.5e3\""},
    {".5", "\".5\""},
    {"1:30", "\"1:30\""},
    {"12abc", "12abc"},
    {"5m", "5m"},
    {"-", "'-'"},
    {"- a", "'- a'"},
    {"-a", "-a"},
    {"---", "'---'"},
    {"2026-01-02", "\"2026-01-02\""},
    {"2026-01-02T03:04:05Z", "\"2026-01-02T03:04:05Z\""},
    {" a", "' a'"},
    {"a ", "'a '"},
    {"a\tb", "\"a\\tb\""},
    {"a\nb", "|-\n    a\n    b"},
    {"a\n\nb\n", "|\n    a\n\n    b"},
    {"a\n\n", "|+\n    a\n"},
    {" a\nb", "\" a\\nb\""},
    {"\n", "\"\\n\""},
    {"a\x01", "\"a\\x01\""},
    {"\xc3\xa9", "\xc3\xa9"},
    {"a\xe2\x80\xa8", "\"a\\L\""},
};

static void texts_are_written_as_yaml_v3_writes_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct buf out = BUF_INIT;
        yaml_put_text(&out, slice_str(texts[i].text), 4);
        buf_byte(&out, '\0');
        if (strcmp(out.ptr, texts[i].want) != 0)
            fail_msg("\"%s\": %s, want %s", texts[i].text, out.ptr, texts[i].want);
        buf_fini(&out);
    }
}

static void keys_are_ordered_with_their_numbers(void **state)
{
    (void)state;
    static const char *const sorted[] = {"1", "2", "10", "A", "a", "a1", "a02", "a2", "a10", "b", "ba"};
    for (size_t i = 0; i < LENGTH(sorted); i++) {
        for (size_t k = 0; k < LENGTH(sorted); k++) {
            int order = yaml_key_order(slice_str(sorted[i]), slice_str(sorted[k]));
            bool right = i == k ? order == 0 : (order < 0) == (i < k) && order != 0;
            if (!right && !(strncmp(sorted[i], "a0", 2) == 0 || strncmp(sorted[k], "a0", 2) == 0))
                fail_msg("%s and %s: %d", sorted[i], sorted[k], order);
        }
    }
}

#define WHOLE                                                                                                                              \
    "name: g\n"                                                                                                                            \
    "interval: 1m30s\n"                                                                                                                    \
    "query_offset: 30s\n"                                                                                                                  \
    "limit: 5\n"                                                                                                                           \
    "rules:\n"                                                                                                                             \
    "    - alert: A\n"                                                                                                                     \
    "      expr: |-\n"                                                                                                                     \
    "        sum(rate({app=\"web\"}[5m]))\n"                                                                                               \
    "          > 10\n"                                                                                                                     \
    "      for: 1d\n"                                                                                                                      \
    "      keep_firing_for: 5m\n"                                                                                                          \
    "      labels:\n"                                                                                                                      \
    "        a: \"1\"\n"                                                                                                                   \
    "        b: x\n"                                                                                                                       \
    "      annotations:\n"                                                                                                                 \
    "        text: |\n"                                                                                                                    \
    "            one\n"                                                                                                                    \
    "            two\n"                                                                                                                    \
    "    - record: r:x\n"                                                                                                                  \
    "      expr: '{app=\"web\"}'\n"

static void print(const char *text, struct buf *out)
{
    struct arena arena = ARENA_INIT;
    struct rule_group group;
    struct err err;
    if (!rules_yaml_read_group(slice_str(text), &arena, &group, &err))
        fail_msg("%s: %s", text, err.text);
    rules_yaml_put_group(out, &group);
    buf_byte(out, '\0');
    arena_fini(&arena);
}

static const struct {
    const char *text, *want;
} groups[] = {
    {WHOLE, WHOLE},
    {"{\"name\": \"g\", \"rules\": []}", "name: g\nrules: []\n"},
    {"name: g\nunknown: {a: [1]}\nrules: null\ninterval:\n", "name: g\nrules: []\n"},
    {"x: &e 1 > 2\nname: g\nrules: [{record: a, expr: *e}, {record: b, expr: *e}]",
     "name: g\nrules:\n    - record: a\n      expr: 1 > 2\n    - record: b\n      expr: 1 > 2\n"},
    {"name: g\nrules: [{record: a, expr: 1, labels: {b10: 2, b9: true}}]",
     "name: g\nrules:\n    - record: a\n      expr: \"1\"\n      labels:\n        b9: \"true\"\n        b10: \"2\"\n"},
};

static void groups_print_as_loki_prints_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(groups); i++) {
        struct buf out = BUF_INIT;
        print(groups[i].text, &out);
        assert_string_equal(out.ptr, groups[i].want);
        buf_fini(&out);
    }
}

static void what_is_no_group_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"[", "[a]", "a", "name: [x]", "name: g\nname: h", "interval: 1x", "limit: a", "rules: {a: b}", "rules: [a]",
                                      "rules: [{labels: [a]}]", "rules: [{labels: {a: [b]}}]", "? [a]\n: b", "name: *x", "name: \"\\x00", "\xff"};
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct arena arena = ARENA_INIT;
        struct rule_group group;
        struct err err = {.text = ""};
        if (rules_yaml_read_group(slice_str(bad[i]), &arena, &group, &err) || err.text[0] == '\0')
            fail_msg("%s was taken, or refused without a reason", bad[i]);
        arena_fini(&arena);
    }
}

static void too_many_labels_and_too_long_names_are_refused(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf text = BUF_INIT;
    struct rule_group group;
    struct err err;
    buf_str(&text, "rules: [{labels: {");
    for (int i = 0; i <= RULE_PAIRS_MAX; i++)
        buf_printf(&text, "l%d: x, ", i);
    buf_str(&text, "}}]");
    assert_false(rules_yaml_read_group(buf_slice(&text), &arena, &group, &err));
    buf_reset(&text);
    buf_str(&text, "name: ");
    for (size_t i = 0; i <= RULE_GROUP_NAME_BYTES_MAX; i++)
        buf_byte(&text, 'n');
    assert_false(rules_yaml_read_group(buf_slice(&text), &arena, &group, &err));
    buf_fini(&text);
    arena_fini(&arena);
}

static void a_file_says_its_namespace(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct rules_file file;
    struct buf out = BUF_INIT;
    struct err err;
    static const char text[] = "namespace: 'a: b'\ngroups:\n    - name: g\n      rules: []\n    - name: h\n      rules:\n        - record: r\n          expr: x\n";
    assert_true(rules_yaml_read_file(slice_str(text), &arena, &file, &err));
    assert_int_equal(file.count, 2);
    rules_yaml_put_file(&out, &file);
    buf_byte(&out, '\0');
    assert_string_equal(out.ptr, text);
    buf_fini(&out);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_written_as_yaml_v3_writes_them),
        cmocka_unit_test(keys_are_ordered_with_their_numbers),
        cmocka_unit_test(groups_print_as_loki_prints_them),
        cmocka_unit_test(what_is_no_group_is_refused),
        cmocka_unit_test(too_many_labels_and_too_long_names_are_refused),
        cmocka_unit_test(a_file_says_its_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
