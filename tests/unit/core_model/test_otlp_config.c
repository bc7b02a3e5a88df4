#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/model/otlp_config.h"

static const struct action_case {
    const char *rules, *key;
    enum otlp_action want;
} action_cases[] = {
    {"[]", "team", OTLP_AS_METADATA},
    {"[{action: index_label, attributes: [team, env]}]", "env", OTLP_AS_LABEL},
    {"[{action: index_label, attributes: [team, env]}]", "other", OTLP_AS_METADATA},
    {"[{action: drop, regex: \"process[.].*\"}]", "process.pid", OTLP_DROPPED},
    {"[{action: drop, regex: \"rocess[.]\"}]", "process.pid", OTLP_AS_METADATA}, // the whole name
    {"[{action: structured_metadata, attributes: [a.b]}, {action: drop, regex: \"a.*\"}]", "a.b", OTLP_AS_METADATA}, // the first that fits
    {"[{action: drop, regex: \"a.*\"}, {action: index_label, attributes: [a.b]}]", "a.b", OTLP_DROPPED},
    {"[{action: drop, attributes: [x]}, {action: index_label, attributes: [a.b]}]", "a.b", OTLP_AS_LABEL},
};

static void the_first_rule_that_fits_says_what_becomes(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(action_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct otlp_config config;
        struct buf text = BUF_INIT;
        struct err err = {.code = ERR_NONE};
        buf_printf(&text, "{log_attributes: %s}", action_cases[i].rules);
        if (!otlp_config_parse(buf_slice(&text), &arena, &config, &err) || !otlp_config_compile(&config, &err))
            fail_msg("%s: %s", action_cases[i].rules, err.text);
        if (otlp_rules_action(&config.record, slice_str(action_cases[i].key)) != action_cases[i].want)
            fail_msg("%s: %s", action_cases[i].rules, action_cases[i].key);
        otlp_config_free(&config);
        buf_fini(&text);
        arena_fini(&arena);
    }
}

static void what_is_printed_is_read_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "{severity_text_as_label: true}",
        "{resource_attributes: {ignore_defaults: true, attributes_config: []}}",
        ("{resource_attributes: {ignore_defaults: false, attributes_config: [{action: index_label, attributes: [\"a.b\", \"c\"]}, {action: drop, regex: \"x\\\\.y,]\"}]}, "
        "scope_attributes: [{action: drop, attributes: [\"s\"]}], log_attributes: [{action: structured_metadata, regex: \"l\"}], severity_text_as_label: true}"),
    };
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct arena arena = ARENA_INIT;
        struct otlp_config config;
        struct otlp_config copy;
        struct err err = {.code = ERR_NONE};
        struct buf out = BUF_INIT;
        assert_true(otlp_config_parse(slice_str(texts[i]), &arena, &config, &err));
        otlp_config_copy(&config, &arena, &copy);
        otlp_config_print(&copy, &out);
        if (!slice_eq_str(buf_slice(&out), texts[i]))
            fail_msg("%s: %.*s", texts[i], SLICE_ARG(buf_slice(&out)));
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static void what_is_no_configuration_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"x", "is wanted"},
        {"{resource: {}}", "unknown key resource"},
        {"{resource_attributes: []}", "resource_attributes: {ignore_defaults"},
        {"{resource_attributes: {ignore_defaults: perhaps}}", "ignore_defaults: neither"},
        {"{resource_attributes: {rules: []}}", "unknown key rules"},
        {"{log_attributes: {}}", "log_attributes: a list"},
        {"{log_attributes: [drop]}", "a list of {action"},
        {"{log_attributes: [{attributes: [a]}]}", "log_attributes: a rule without an action"},
        {"{log_attributes: [{action: remove, attributes: [a]}]}", "index_label, structured_metadata or drop"},
        {"{log_attributes: [{action: drop}]}", "either attributes or a regex"},
        {"{log_attributes: [{action: drop, attributes: []}]}", "either attributes or a regex"},
        {"{log_attributes: [{action: drop, attributes: [a], regex: b}]}", "either attributes or a regex"},
        {"{log_attributes: [{action: drop, attributes: a}]}", "a list of names"},
        {"{log_attributes: [{action: drop, attributes: [[]]}]}", "a list of names"},
        {"{log_attributes: [{action: drop, regex: \"(\"}]}", "missing closing )"},
        {"{log_attributes: [{action: drop, names: [a]}]}", "unknown key names"},
        {"{scope_attributes: [{action: index_label, attributes: [a]}]}", "resources and records"},
        {"{severity_text_as_label: 1}", "severity_text_as_label: neither"},
    };
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct arena arena = ARENA_INIT;
        struct otlp_config config;
        struct err err = {.code = ERR_NONE};
        if (otlp_config_parse(slice_str(bad[i][0]), &arena, &config, &err) || strstr(err.text, bad[i][1]) == NULL)
            fail_msg("%s: %s", bad[i][0], err.text);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_fits_says_what_becomes),
        cmocka_unit_test(what_is_printed_is_read_back),
        cmocka_unit_test(what_is_no_configuration_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
