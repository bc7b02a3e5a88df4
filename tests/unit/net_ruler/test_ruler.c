/* The ruler over an engine that answers what the test wants: groups on disk, evaluation, alerts that live on, samples as remote write has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/metrics/metric_table.h"
#include "net/codec/rules_yaml.h"
#include "net/ruler/remote_batch.h"
#include "net/ruler/rule_run.h"
#include "remote_write.pb-c.h"

static int64_t now_ns = 1000 * NS_PER_S;

static int64_t test_now(const struct clock *clock)
{
    (void)clock;
    return now_ns;
}

static const struct clock test_clock = {test_now, test_now};

/* What the next query gives. */
struct answers {
    struct result_series series[4];
    struct result_label labels[4];
    struct result_point points[4];
    size_t count;
    enum result_kind kind;
    bool fails, refuses;
    int64_t asked_ns;
    unsigned queries;
};

static bool engine_submit(void *self, struct slice tenant, void (*task)(void *task_self), void *task_self)
{
    const struct answers *answers = self;
    (void)tenant;
    if (answers->refuses)
        return false;
    task(task_self); // at once, on this thread: the deepest way there is
    return true;
}

static bool engine_query(void *self, struct slice tenant, struct slice text, int64_t ts_ns, struct query_control *control, struct arena *arena,
                         struct query_result *out, struct err *err)
{
    struct answers *answers = self;
    (void)tenant;
    (void)text;
    (void)control;
    (void)arena;
    answers->asked_ns = ts_ns;
    answers->queries++;
    if (answers->fails)
        return err_set(err, ERR_TIMEOUT, "too slow");
    *out = (struct query_result){.kind = answers->kind, .series = answers->series, .series_count = answers->count, .scalar = {0, 7}};
    return true;
}

static bool engine_ready(void *self)
{
    (void)self;
    return true;
}

static bool engine_sends(void *self, struct slice tenant)
{
    (void)self;
    (void)tenant;
    return true;
}

/* Elements app=<name> of these values. */
static void answer(struct answers *answers, size_t count, const char *const *names)
{
    answers->kind = RESULT_VECTOR;
    answers->count = count;
    for (size_t i = 0; i < count; i++) {
        answers->labels[i] = (struct result_label){SLICE("app"), slice_str(names[i])};
        answers->points[i] = (struct result_point){0, (double)i + 1};
        answers->series[i] = (struct result_series){&answers->labels[i], 1, &answers->points[i], 1};
    }
}

struct bench {
    char folder[64];
    struct answers answers;
    struct ruler *ruler;
};

static void ruler_up(struct bench *bench)
{
    struct err err;
    struct ruler_config config = {.disk = &system_disk, .clock = &test_clock, .folder = bench->folder, .local_folder = "", .interval_ns = NS_PER_MIN,
                                  .poll_ns = NS_PER_MIN, .resend_ns = NS_PER_MIN, .external_url = SLICE(""), .datasource_uid = SLICE(""),
                                  .engine = {&bench->answers, engine_submit, engine_query, engine_ready, engine_sends}};
    if (!ruler_create(&config, &bench->ruler, &err))
        fail_msg("%s", err.text);
}

static void ruler_down(struct bench *bench)
{
    ruler_stop(bench->ruler);
    ruler_destroy(bench->ruler);
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){0};
    (void)snprintf(bench->folder, sizeof(bench->folder), "%s/logi-test-ruler-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(bench->folder));
    ruler_up(bench);
}

static void bench_fini(struct bench *bench)
{
    struct err err;
    char tenant[128];
    ruler_down(bench);
    (void)snprintf(tenant, sizeof(tenant), "%s/t", bench->folder);
    assert_true(disk_remove_folder(&system_disk, tenant, &err));
    assert_true(disk_remove_folder(&system_disk, bench->folder, &err));
}

static void put(struct bench *bench, const char *text)
{
    struct arena arena = ARENA_INIT;
    struct rule_group group;
    struct limits limits;
    struct err err;
    limits_defaults(&limits);
    if (!rules_yaml_read_group(slice_str(text), &arena, &group, &err) || !rule_group_check(&group, 0, &err) ||
        !ruler_put(bench->ruler, SLICE("t"), SLICE("ns"), &group, &limits, &err))
        fail_msg("%s", err.text);
    arena_fini(&arena);
}

static struct run_group *only_group(struct bench *bench)
{
    struct run_tenant *tenant = run_tenant_find(bench->ruler, SLICE("t"));
    assert_non_null(tenant);
    assert_int_equal(tenant->count, 1);
    return tenant->groups[0];
}

static void evaluate(struct bench *bench, int64_t at_s)
{
    struct run_group *group = only_group(bench);
    now_ns = at_s * NS_PER_S;
    group->refs++;
    group->is_running = true;
    bench->ruler->running++;
    group->now.ts_ns = now_ns;
    run_group_evaluate(group);
    assert_false(group->is_running);
}

static void an_alert_fires_and_lives_on_when_its_group_changes_and_the_node_restarts(void **state)
{
    (void)state;
    struct bench bench;
    static const char *const names[] = {"b", "a"};
    bench_init(&bench);
    put(&bench, "name: g\nquery_offset: 5s\nrules: [{alert: A, expr: '1 > 0', for: 1m, labels: {team: x}}]");
    answer(&bench.answers, 2, names);
    evaluate(&bench, 1000);
    assert_int_equal(bench.answers.asked_ns, 995 * NS_PER_S);
    assert_int_equal(only_group(&bench)->rules[0].alerts.count, 2);
    put(&bench, "name: g\nrules: [{record: r, expr: '1'}, {alert: A, expr: '2 > 0', for: 1m, labels: {team: x}}]");
    const struct alert_set *alerts = &only_group(&bench)->rules[1].alerts;
    assert_int_equal(alerts->count, 2);
    assert_int_equal(alerts->alerts[0].active_ns, 1000 * NS_PER_S);
    assert_true(run_tenant_find(bench.ruler, SLICE("t"))->alert_bytes > 2 * sizeof(struct alert));
    ruler_down(&bench);
    ruler_up(&bench);
    alerts = &only_group(&bench)->rules[1].alerts;
    assert_int_equal(alerts->count, 2);
    evaluate(&bench, 1060);
    assert_int_equal(alerts->alerts[1].state, ALERT_FIRING);
    assert_int_equal(alerts->alerts[1].active_ns, 1000 * NS_PER_S);
    put(&bench, "name: g\nrules: [{alert: A, expr: '2 > 0', labels: {team: y}}]"); // another rule by its labels
    assert_int_equal(only_group(&bench)->rules[0].alerts.count, 0);
    assert_int_equal(run_tenant_find(bench.ruler, SLICE("t"))->alert_bytes, 0); // and the sum of bytes went with them
    bench_fini(&bench);
}

static void templates_may_query_but_not_for_ever(void **state)
{
    (void)state;
    struct bench bench;
    static const char *const names[] = {"a"};
    bench_init(&bench);
    put(&bench, "name: g\nrules: [{alert: A, expr: '1 > 0', annotations: {one: '{{ query \"q\" | first | label \"app\" }}', "
                "many: '{{ range 1000 }}{{ query \"q\" | first | value }}{{ end }}'}}]");
    answer(&bench.answers, 1, names);
    evaluate(&bench, 1000);
    struct slice text;
    const struct run_rule *rule = &only_group(&bench)->rules[0];
    assert_int_equal(rule->alerts.count, 1);
    assert_true(label_encoded_get(rule->alerts.alerts[0].annotations, SLICE("many"), &text) && slice_starts(text, SLICE("<error expanding template: ")));
    assert_int_equal(bench.answers.queries, 1 + 100); // those of `many`, which comes first, use up all
    assert_true(label_encoded_get(rule->alerts.alerts[0].annotations, SLICE("one"), &text) && slice_starts(text, SLICE("<error expanding template: ")));
    bench_fini(&bench);
}

static void failures_are_the_rules_health_and_end_nothing(void **state)
{
    (void)state;
    struct bench bench;
    static const char *const same[] = {"a", "a"};
    bench_init(&bench);
    put(&bench, "name: g\nlimit: 1\nrules: [{alert: L, expr: '{a=\"b\"}'}, {alert: A, expr: '1 > 0'}, {record: r, expr: '1'}]");
    const struct run_rule *rules = only_group(&bench)->rules;
    answer(&bench.answers, 2, same);
    evaluate(&bench, 1000);
    assert_string_equal(rules[0].last_error, "rule result is not a vector or scalar");
    assert_string_equal(rules[1].last_error, "vector contains metrics with the same labelset after applying alert labels");
    assert_string_equal(rules[2].last_error, "exceeded limit of 1 with 2 series");
    assert_int_equal(bench.answers.queries, 2); // a log query is not run
    bench.answers.fails = true;
    evaluate(&bench, 1060);
    assert_string_equal(rules[1].last_error, "too slow");
    bench.answers.fails = false;
    bench.answers.kind = RESULT_SCALAR;
    evaluate(&bench, 1120);
    assert_null(rules[1].last_error);
    assert_int_equal(rules[1].health, RULE_OK);
    assert_true(rules[1].alerts.count == 1 && rules[1].alerts.alerts[0].value == 7);
    bench.answers.refuses = true;
    evaluate(&bench, 1180);
    assert_string_equal(rules[1].last_error, "too many outstanding requests");
    assert_int_equal(rules[1].alerts.count, 1);
    bench_fini(&bench);
}

static void a_group_of_many_rules_needs_no_deep_stack(void **state)
{
    (void)state;
    struct bench bench;
    struct buf text = BUF_INIT;
    bench_init(&bench);
    buf_str(&text, "name: g\nrules:\n");
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "- {record: r%d, expr: '1'}\n", i);
    buf_byte(&text, '\0');
    put(&bench, text.ptr);
    bench.answers.kind = RESULT_SCALAR;
    evaluate(&bench, 1000);
    assert_int_equal(bench.answers.queries, 5000);
    assert_int_equal(only_group(&bench)->rules[4999].health, RULE_OK);
    buf_fini(&text);
    bench_fini(&bench);
}

static void a_group_that_prints_too_long_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    struct arena arena = ARENA_INIT;
    struct buf text = BUF_INIT;
    struct rule_group group;
    struct limits limits;
    struct err err;
    bench_init(&bench);
    limits_defaults(&limits);
    put(&bench, "name: small\nrules: []");
    buf_str(&text, "x: &e '");
    memset(buf_room(&text, 1000), '1', 1000);
    buf_took(&text, 1000);
    buf_str(&text, "'\nname: g\nrules:\n");
    for (int i = 0; i < 2000; i++)
        buf_str(&text, "- {record: r, expr: *e}\n");
    assert_true(rules_yaml_read_group(buf_slice(&text), &arena, &group, &err));
    assert_false(ruler_put(bench.ruler, SLICE("t"), SLICE("ns"), &group, &limits, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_true(slice_eq(only_group(&bench)->group.name, SLICE("small")));
    buf_fini(&text);
    arena_fini(&arena);
    bench_fini(&bench);
}

static void evaluations_are_due_once_an_interval_and_groups_spread(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    put(&bench, "name: g\ninterval: 15s\nrules: []");
    const struct run_group *group = only_group(&bench);
    int64_t first = run_group_due(group, 1000 * NS_PER_S);
    assert_true(first > 1000 * NS_PER_S && first <= 1015 * NS_PER_S);
    assert_int_equal(run_group_due(group, first - 1), first);
    assert_int_equal(run_group_due(group, first), first + 15 * NS_PER_S);
    assert_int_equal(run_group_due(group, first + 100 * 15 * NS_PER_S - 1), first + 100 * 15 * NS_PER_S);
    put(&bench, "name: g\ninterval: 15s\nrules: []");
    assert_int_equal(run_group_due(only_group(&bench), first - 1), first); // the same after a change
    bench_fini(&bench);
}

static void samples_are_packed_as_remote_write_wants_them(void **state)
{
    (void)state;
    struct buf body = BUF_INIT;
    const struct remote_point points[] = {{SLICE("\x08__name__\x01r\x01" "a\x01" "1"), 2.5, 1000}, {SLICE("\x08__name__\x01r"), remote_write_stale(), 2000}};
    size_t bytes = 0;
    remote_batch_put(&body, points, LENGTH(points));
    assert_int_equal(snappy_uncompressed_length(body.ptr, body.len, &bytes), SNAPPY_OK);
    char *plain = mem_alloc(bytes);
    assert_int_equal(snappy_uncompress(body.ptr, body.len, plain, &bytes), SNAPPY_OK);
    Logi__RemoteWriteRequest *request = logi__remote_write_request__unpack(NULL, bytes, (const uint8_t *)plain);
    assert_non_null(request);
    assert_int_equal(request->n_timeseries, 2);
    assert_int_equal(request->timeseries[0]->n_labels, 2);
    assert_memory_equal(request->timeseries[0]->labels[0]->name.data, "__name__", 8);
    assert_memory_equal(request->timeseries[0]->labels[1]->value.data, "1", 1);
    assert_true(request->timeseries[0]->samples[0]->value == 2.5 && request->timeseries[0]->samples[0]->timestamp == 1000);
    uint64_t bits;
    memcpy(&bits, &request->timeseries[1]->samples[0]->value, sizeof(bits));
    assert_true(isnan(request->timeseries[1]->samples[0]->value) && bits == UINT64_C(0x7ff0000000000002));
    logi__remote_write_request__free_unpacked(request, NULL);
    mem_free(plain);
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert_fires_and_lives_on_when_its_group_changes_and_the_node_restarts),
        cmocka_unit_test(templates_may_query_but_not_for_ever),
        cmocka_unit_test(failures_are_the_rules_health_and_end_nothing),
        cmocka_unit_test(a_group_of_many_rules_needs_no_deep_stack),
        cmocka_unit_test(a_group_that_prints_too_long_is_refused),
        cmocka_unit_test(evaluations_are_due_once_an_interval_and_groups_spread),
        cmocka_unit_test(samples_are_packed_as_remote_write_wants_them),
    };
    metric_table_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
