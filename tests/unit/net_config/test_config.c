#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "net/config/config.h"

static const struct bad_case {
    const char *name, *yaml, *error;
} bad_cases[] = {
    {"unknown key", "a: b\n", "f.yaml:1: unknown key a"},
    {"the nearest right key", "server:\n  lisen: x\n", "f.yaml:2: unknown key server.lisen: did you mean server.listen?"},
    {"unknown limit", "limits_config:\n  max_line_sise: 1\n", "max_line_size"},
    {"not a number", "storage:\n  shards: many\n", "f.yaml:2: storage.shards: \"many\" is no whole number"},
    {"negative", "storage:\n  shards: -1\n", "storage.shards"},
    {"not a size", "storage:\n  head_max: 5 parsecs\n", "storage.head_max"},
    {"not a duration", "shutdown_timeout: soon\n", "shutdown_timeout"},
    {"not a bool", "auth_enabled: perhaps\n", "auth_enabled"},
    {"bad override", "overrides:\n  t:\n    max_line_size: x\n", "f.yaml:3"},
    {"override of no limit", "overrides:\n  t:\n    server.listen: x\n", "f.yaml:3"},
    {"override without a tenant", "overrides:\n  max_line_size: 5\n", "overrides: <tenant>: <limit>: <value>"},
    {"broken YAML", "a: [\n", "f.yaml"},
    {"an unknown section with nothing in it", "limts_config: {}\n", "f.yaml:1: unknown key limts_config"},
    {"an unknown section without a value", "a: 5\nsrver:\n", "f.yaml:1: unknown key a"},
    {"negative duration", "shutdown_timeout: -5s\n", "shutdown_timeout"},
    {"a blocked query with an unknown key", "limits_config:\n  blocked_queries:\n    - patern: x\n", "f.yaml:3: limits_config: blocked_queries: unknown key patern"},
    {"a rule of otlp_config without an action", "limits_config:\n  otlp_config:\n    log_attributes:\n      - attributes: [a]\n", "f.yaml:3: limits_config: otlp_config: log_attributes: a rule without an action"},
    {"a blocked query with a bad regex", "overrides:\n  t:\n    blocked_queries:\n      - pattern: (\n        regex: true\n", "f.yaml:4: blocked_queries: error parsing regexp"},
};

static void a_bad_file_is_refused_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(bad_cases); i++) {
        struct config config;
        struct err err = {.code = ERR_NONE, .text = ""};
        config_init(&config);
        if (config_read_yaml(&config, "f.yaml", slice_str(bad_cases[i].yaml), false, &err) || strstr(err.text, bad_cases[i].error) == NULL)
            fail_msg("%s: \"%s\"", bad_cases[i].name, err.text);
        config_fini(&config);
    }
}

static void blocked_queries_are_read_for_all_and_for_a_tenant(void **state)
{
    (void)state;
    struct config config;
    struct err err = {.text = ""};
    const char *yaml = "limits_config:\n  blocked_queries:\n    - pattern: '{a=\"b\"}'\n      types: [metric, filter]\n    - hash: 12\n  max_line_size: 1KB\n"
                       "overrides:\n  one:\n    blocked_queries:\n      - {pattern: .*x.*, regex: true, types: limited}\n  two:\n    blocked_queries: []\n  three:\n    max_line_size: 5\n"
                       "  four:\n    blocked_queries:\n      - pattern: .*\n        regex: true\n        query_tags:\n          Source: Grafana-lokiexplore-app\n          team: 'x'\n"
                       "      - query_tags: {}\n        pattern: y\n";
    struct limits_book *book = NULL;
    struct query_tags none = {.count = 0};
    struct query_tags drilldown = {.items = {{SLICE("source"), SLICE("grafana-lokiexplore-app")}, {SLICE("team"), SLICE("x")}}, .count = 2};
    config_init(&config);
    if (!config_read_yaml(&config, "f", slice_str(yaml), false, &err))
        fail_msg("%s", err.text);
    assert_int_equal(config.limits.blocked_queries.count, 2);
    assert_int_equal(config.limits.blocked_queries.items[0].types, QUERY_TYPE_METRIC | QUERY_TYPE_FILTER);
    assert_true(slice_eq(config.limits.blocked_queries.items[0].pattern, SLICE("{a=\"b\"}")));
    assert_int_equal(config.limits.blocked_queries.items[1].hash, 12);
    assert_int_equal(config.limits.max_line_size, 1024);
    assert_true(limits_book_create(&config.limits, config.overrides, config.override_count, 1, &book, &err));
    config_fini(&config); // the book owns all that it has
    const struct query_block_list *all = &limits_book_defaults(book)->blocked_queries;
    const struct query_block_list *one = &limits_book_find(book, SLICE("one"))->blocked_queries;
    assert_int_equal(one->count, 1);
    assert_true(query_blocks_match(one, SLICE("{y=\"x\"}"), QUERY_TYPE_LIMITED, &none));
    assert_false(query_blocks_match(one, SLICE("{a=\"b\"}"), QUERY_TYPE_METRIC, &none));
    assert_true(query_blocks_match(all, SLICE("{a=\"b\"}"), QUERY_TYPE_METRIC, &none));
    assert_int_equal(limits_book_find(book, SLICE("two"))->blocked_queries.count, 0);
    assert_int_equal(limits_book_find(book, SLICE("three"))->blocked_queries.count, 2);
    const struct query_block_list *four = &limits_book_find(book, SLICE("four"))->blocked_queries;
    assert_int_equal(four->count, 2);
    assert_int_equal(four->items[0].tag_count, 2);
    assert_true(query_blocks_match(four, SLICE("x"), QUERY_TYPE_METRIC, &drilldown));
    assert_false(query_blocks_match(four, SLICE("x"), QUERY_TYPE_METRIC, &none));
    assert_true(query_blocks_match(four, SLICE("y"), QUERY_TYPE_METRIC, &none));
    limits_book_unref(book);
}

static void otlp_config_is_read_in_lokis_form(void **state)
{
    (void)state;
    struct config config;
    struct err err = {.text = ""};
    struct buf printed = BUF_INIT;
    const char *yaml = "limits_config:\n  otlp_config:\n    resource_attributes:\n      ignore_defaults: true\n      attributes_config:\n        - action: index_label\n"
                       "          attributes: [team, 'a,b']\n        - action: drop\n          regex: 'x\\.[yz]{1,2}'\n    severity_text_as_label: true\n"
                       "overrides:\n  one:\n    otlp_config:\n      log_attributes:\n        - {action: index_label, regex: lev.*}\n  two:\n    otlp_config: {}\n  three:\n    max_line_size: 5\n";
    struct limits_book *book = NULL;
    config_init(&config);
    if (!config_read_yaml(&config, "f", slice_str(yaml), false, &err))
        fail_msg("%s", err.text);
    otlp_config_print(&config.limits.otlp_config, &printed);
    assert_true(slice_eq_str(buf_slice(&printed), "{resource_attributes: {ignore_defaults: true, attributes_config: [{action: index_label, attributes: [\"team\", \"a,b\"]}, "
                                                  "{action: drop, regex: \"x\\\\.[yz]{1,2}\"}]}, severity_text_as_label: true}"));
    assert_true(limits_book_create(&config.limits, config.overrides, config.override_count, 1, &book, &err));
    config_fini(&config); // the book owns all that it has
    const struct otlp_config *all = &limits_book_defaults(book)->otlp_config;
    const struct otlp_config *one = &limits_book_find(book, SLICE("one"))->otlp_config;
    assert_int_equal(otlp_rules_action(&all->resource, SLICE("x.yy")), OTLP_DROPPED);
    assert_int_equal(otlp_rules_action(&one->resource, SLICE("x.yy")), OTLP_AS_METADATA);
    assert_int_equal(otlp_rules_action(&one->record, SLICE("level")), OTLP_AS_LABEL);
    assert_false(one->ignores_defaults || one->severity_text_is_label);
    assert_int_equal(limits_book_find(book, SLICE("two"))->otlp_config.resource.count, 0);
    assert_int_equal(otlp_rules_action(&limits_book_find(book, SLICE("three"))->otlp_config.resource, SLICE("x.y")), OTLP_DROPPED);
    limits_book_unref(book);
    buf_fini(&printed);
}

static void a_reload_holds_back_what_needs_a_restart(void **state)
{
    (void)state;
    struct config running;
    struct config fresh;
    struct err err = {.text = ""};
    struct buf names = BUF_INIT;
    config_init(&running);
    config_init(&fresh);
    assert_true(config_read_yaml(&running, "f", SLICE("auth: {users_file: old}\nserver: {listen: ':1'}\n"), false, &err));
    assert_true(config_read_yaml(&fresh, "f",
                                 SLICE("auth: {users_file: new}\nserver:\n  listen: ':2'\n  http_tls_config: {cert_file: c, key_file: k}\n"
                                       "storage: {shards: 3, compaction: false}\nlog: {level: debug}\n"),
                                 false, &err));
    config_hold(&fresh, &running, &names);
    assert_true(slice_eq(buf_slice(&names), SLICE("server.listen, server.http_tls_config.cert_file, server.http_tls_config.key_file, "
                                                  "storage.shards, storage.compaction")));
    assert_true(slice_eq(fresh.listen, SLICE(":1")));
    assert_int_equal(fresh.shards, 0);
    assert_true(fresh.compaction);
    assert_int_equal(fresh.tls_cert_file.len, 0); // a listener cannot begin to speak TLS
    assert_true(slice_eq(fresh.users_file, SLICE("new")));
    assert_true(slice_eq(fresh.log_level, SLICE("debug")));
    buf_fini(&names);
    config_fini(&running);
    config_fini(&fresh);
}

static void a_good_file_sets_what_it_says(void **state)
{
    (void)state;
    struct config config;
    struct err err = {.text = ""};
    const char *yaml = "server:\n  http_listen_port: 3200\n  max_recv_msg_size: 1MB\n"
                       "storage: {durability: async, seal_age: 90s}\n"
                       "limits_config:\n  max_line_size: 1KB\n  retention_period: 30d\n  enforced_labels: [env, team]\n"
                       "overrides:\n  acme:\n    max_line_size: 2KB\n  empty:\n  none: {}\nquery:\nlog: {}\nserver: {http_tls_config: {}}\n";
    config_init(&config);
    assert_true(config_read_yaml(&config, "f", slice_str(yaml), false, &err));
    assert_true(config_finish(&config, &err));
    assert_true(slice_eq(config.listen, SLICE("127.0.0.1:3200")));
    assert_int_equal(config.max_recv_msg_size, 1048576);
    assert_true(slice_eq(config.durability, SLICE("async")));
    assert_int_equal(config.seal_age, 90 * NS_PER_S);
    assert_int_equal(config.limits.max_line_size, 1024);
    assert_int_equal(config.limits.retention_period, 30 * NS_PER_DAY);
    assert_int_equal(config.limits.enforced_labels.count, 2);

    struct limits_book *book = NULL;
    assert_true(limits_book_create(&config.limits, config.overrides, config.override_count, 7, &book, &err));
    assert_int_equal(limits_book_find(book, SLICE("acme"))->max_line_size, 2048);
    assert_int_equal(limits_book_find(book, SLICE("acme"))->retention_period, 30 * NS_PER_DAY);
    assert_int_equal(limits_book_find(book, SLICE("other"))->max_line_size, 1024);
    assert_int_equal(limits_book_version(book), 7);
    limits_book_unref(book);
    config_fini(&config);
}

static const struct range_case {
    const char *name, *value, *error; // NULL: it is taken
} range_cases[] = {
    {"server.http_listen_port", "65535", NULL},
    {"server.http_listen_port", "65536", "server.http_listen_port: must be 0 to 65535"},
    {"server.http_listen_port", "2147483647", "server.http_listen_port: must be 0 to 65535"},
    {"server.loops", "257", "server.loops: must be at most 256"},
    {"server.max_connections", "0", "server.max_connections: must be 1 or more"},
    {"server.idle_timeout", "0", "server.idle_timeout: must be 1ms to 1d"},
    {"server.idle_timeout", "1d", NULL},
    {"server.head_timeout", "292y", "server.head_timeout: must be 1ms to 1d"},
    {"server.write_timeout", "999999ns", "server.write_timeout: must be 1ms to 1d"},
    {"storage.shards", "256", NULL},
    {"storage.shards", "9223372036854775807", "storage.shards: must be at most 256"},
    {"storage.head_max", "1", "storage.head_max: must be 1MB or more"},
    {"query.threads", "4294967297", "query.threads: must be at most 1024"},
    {"query.queue", "0", "query.queue: must be 1 or more"},
};

static void what_would_leave_the_node_without_an_answer_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(range_cases); i++) {
        const struct range_case *c = &range_cases[i];
        struct config config;
        struct err err = {.text = ""};
        config_init(&config);
        assert_true(config_set(&config, slice_str(c->name), slice_str(c->value), &err));
        bool ok = config_finish(&config, &err);
        if (ok != (c->error == NULL) || (!ok && strcmp(err.text, c->error) != 0))
            fail_msg("%s=%s: %s", c->name, c->value, ok ? "taken" : err.text);
        config_fini(&config);
    }
}

static void auth_enabled_false_is_one_tenant_named_fake(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    config_init(&config);
    assert_true(config_set(&config, SLICE("auth_enabled"), SLICE("false"), &err));
    assert_true(config_finish(&config, &err));
    assert_true(slice_eq(config.tenancy, SLICE("single")) && slice_eq(config.default_tenant, SLICE("fake")));
    config_fini(&config);
}

static void variables_are_expanded_when_asked(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    assert_int_equal(setenv("LOGI_TEST_DATA", "/srv/x", 1), 0);
    config_init(&config);
    assert_true(config_read_yaml(&config, "f", SLICE("storage: {data: '${LOGI_TEST_DATA}/y', durability: '${LOGI_TEST_NOT_SET:async}'}\ndefault_tenant: a$b"), true, &err));
    assert_true(slice_eq(config.data, SLICE("/srv/x/y")));
    assert_true(slice_eq(config.durability, SLICE("async")));
    assert_true(slice_eq(config.default_tenant, SLICE("a$b")));
    config_fini(&config);
}

static void the_environment_sets_keys_and_foreign_variables_do_no_harm(void **state)
{
    (void)state;
    struct config config;
    struct err err = {.text = ""};
    char *good[] = {"LOGI_SERVER_LISTEN=1.2.3.4:5", "LOGI_LIMITS_CONFIG_MAX_LINE_SIZE=7KB", "LOGI_PORT=tcp://10.0.0.1:3100", "HOME=/", NULL};
    char *bad[] = {"LOGI_STORAGE_SHARDS=x", NULL};
    config_init(&config);
    assert_true(config_read_environment(&config, good, &err));
    assert_true(slice_eq(config.listen, SLICE("1.2.3.4:5")));
    assert_int_equal(config.limits.max_line_size, 7168);
    assert_false(config_read_environment(&config, bad, &err));
    assert_non_null(strstr(err.text, "LOGI_STORAGE_SHARDS"));
    config_fini(&config);
}

/* What is printed can be read again and is then the same: so /config is a configuration. */
static void a_printed_configuration_reads_back(void **state)
{
    (void)state;
    struct config first;
    struct config second;
    struct err err = {.text = ""};
    struct buf text = BUF_INIT;
    struct buf again = BUF_INIT;
    config_init(&first);
    assert_true(config_read_yaml(&first, "f", SLICE("server: {listen: '1.1.1.1:1'}\nlimits_config: {retention_period: 5d, required_labels: [a, b]}"), false, &err));
    config_print(&first, "", &text);
    config_init(&second);
    if (!config_read_yaml(&second, "printed", buf_slice(&text), false, &err))
        fail_msg("%s", err.text);
    config_print(&second, "", &again);
    assert_true(slice_eq(buf_slice(&text), buf_slice(&again)));

    buf_reset(&text);
    config_print(&first, "diff", &text);
    buf_byte(&text, '\0');
    assert_non_null(strstr(text.ptr, "1.1.1.1:1"));
    assert_null(strstr(text.ptr, "shutdown_timeout"));
    buf_fini(&text);
    buf_fini(&again);
    config_fini(&first);
    config_fini(&second);
}

static void passwords_of_urls_are_not_printed(void **state)
{
    (void)state;
    static const char *const want[] = {"\"http://u:xxxxx@a:9093/x,https://b:1/c:d@e, http://:xxxxx@c\"", "\"http://user@prometheus:9090/\""};
    struct config config;
    struct buf text = BUF_INIT;
    struct err err = {.text = ""};
    config_init(&config);
    assert_true(config_set(&config, SLICE("ruler.alertmanager_url"), SLICE("http://u:s3cret@a:9093/x,https://b:1/c:d@e, http://:s3cr@t@c"), &err));
    assert_true(config_set(&config, SLICE("ruler.remote_write.client.url"), SLICE("http://user@prometheus:9090/"), &err));
    config_print(&config, "", &text);
    buf_byte(&text, '\0');
    assert_null(strstr(text.ptr, "s3c"));
    for (size_t i = 0; i < LENGTH(want); i++)
        if (strstr(text.ptr, want[i]) == NULL)
            fail_msg("no %s in %s", want[i], text.ptr);
    buf_fini(&text);
    config_fini(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_file_is_refused_with_its_line),
        cmocka_unit_test(blocked_queries_are_read_for_all_and_for_a_tenant),
        cmocka_unit_test(otlp_config_is_read_in_lokis_form),
        cmocka_unit_test(a_reload_holds_back_what_needs_a_restart),
        cmocka_unit_test(a_good_file_sets_what_it_says),
        cmocka_unit_test(what_would_leave_the_node_without_an_answer_is_refused),
        cmocka_unit_test(auth_enabled_false_is_one_tenant_named_fake),
        cmocka_unit_test(variables_are_expanded_when_asked),
        cmocka_unit_test(the_environment_sets_keys_and_foreign_variables_do_no_harm),
        cmocka_unit_test(a_printed_configuration_reads_back),
        cmocka_unit_test(passwords_of_urls_are_not_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
