#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/metrics/metric_table.h"

#define THREADS 8
#define ADDS 20000

static struct slice printed(struct buf *out, bool open_metrics, struct slice components, struct slice prefix)
{
    buf_reset(out);
    metrics_print(out, open_metrics, components, prefix);
    return buf_slice(out);
}

static bool has(struct slice text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void *add_many(void *counter)
{
    for (int i = 0; i < ADDS; i++) {
        metric_add(counter, 3);
        metric_observe(metric_get0(METRIC_logi_wal_fsync_seconds), 0.001);
    }
    return NULL;
}

static void adds_of_several_threads_sum_up(void **state)
{
    (void)state;
    struct metric *counter = metric_get0(METRIC_loki_ingester_chunks_created_total);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, add_many, counter));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(0, pthread_join(threads[i], NULL));
    assert_int_equal(3 * THREADS * ADDS, metric_value(counter));
    assert_int_equal(THREADS * ADDS, metric_value(metric_get0(METRIC_logi_wal_fsync_seconds)));
}

static void one_child_has_one_pointer_and_is_printed_with_escapes(void **state)
{
    (void)state;
    struct metric *child = metric_get1(METRIC_loki_ingester_chunks_flushed_total, SLICE("a\"b\\c\nd"));
    assert_ptr_equal(child, metric_get1(METRIC_loki_ingester_chunks_flushed_total, SLICE("a\"b\\c\nd")));
    metric_add(child, 7);
    struct buf out = BUF_INIT;
    struct slice text = printed(&out, false, SLICE_NONE, SLICE("loki_ingester_chunks_flushed_total"));
    assert_true(has(text, "loki_ingester_chunks_flushed_total{reason=\"a\\\"b\\\\c\\nd\"} 7\n"));
    buf_fini(&out);
}

static void counters_without_labels_are_there_from_the_start(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    assert_true(has(printed(&out, false, SLICE_NONE, SLICE_NONE), "\nloki_panic_total 0\n"));
    buf_fini(&out);
}

static void a_histogram_counts_up_through_its_buckets(void **state)
{
    (void)state;
    struct metric *histogram = metric_get0(METRIC_loki_ingester_chunk_utilization);
    metric_observe(histogram, 0);
    metric_observe(histogram, 0.2); // a bound belongs to its bucket
    metric_observe(histogram, 5);
    struct buf out = BUF_INIT;
    struct slice text = printed(&out, false, SLICE_NONE, SLICE("loki_ingester_chunk_utilization"));
    assert_true(has(text, "_bucket{le=\"0\"} 1\n"));
    assert_true(has(text, "_bucket{le=\"0.2\"} 2\n"));
    assert_true(has(text, "_bucket{le=\"1\"} 2\n"));
    assert_true(has(text, "_bucket{le=\"+Inf\"} 3\n"));
    assert_true(has(text, "_sum 5.2\n"));
    assert_true(has(text, "_count 3\n"));
    text = printed(&out, true, SLICE_NONE, SLICE("loki_ingester_chunk_utilization"));
    assert_true(has(text, "_bucket{le=\"1.0\"} 2\n"));
    assert_true(has(text, "# EOF\n"));
    buf_fini(&out);
}

static void seconds_are_kept_exact_and_printed_as_seconds(void **state)
{
    (void)state;
    struct metric *cpu = metric_get0(METRIC_logi_query_decompress_seconds_total);
    metric_add_seconds(cpu, 0.25);
    metric_add_seconds(cpu, 1.25);
    struct buf out = BUF_INIT;
    assert_true(has(printed(&out, false, SLICE_NONE, SLICE("logi_query_decompress")), "logi_query_decompress_seconds_total 1.5\n"));
    buf_fini(&out);
}

static void components_and_prefixes_filter(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct slice text = printed(&out, false, SLICE("compactor, nothing"), SLICE_NONE);
    assert_true(has(text, "# TYPE loki_compactor_deleted_lines counter\n"));
    assert_true(has(text, "# TYPE loki_panic_total counter\n")); // of all
    assert_false(has(text, "loki_ingester_"));
    assert_false(has(text, "logi_"));
    buf_fini(&out);
}

static void set_ready(void *self)
{
    metric_set(metric_get0(METRIC_logi_ready), *(const double *)self);
}

static void a_hook_fills_its_gauge_when_scraped(void **state)
{
    (void)state;
    static double value = 42;
    metrics_on_scrape(set_ready, &value);
    struct buf out = BUF_INIT;
    assert_true(has(printed(&out, false, SLICE_NONE, SLICE("logi_ready")), "\nlogi_ready 42\n"));
    value = 43;
    assert_true(has(printed(&out, false, SLICE_NONE, SLICE("logi_ready")), "\nlogi_ready 43\n"));
    buf_fini(&out);
}

static void tenants_over_the_cap_are_counted_as_other(void **state)
{
    (void)state;
    metrics_max_tenants(50);
    for (int i = 0; i < 1000; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "t%d", i);
        metric_add(metric_get1(METRIC_loki_ingester_streams_created_total, slice_str(name)), 1);
    }
    struct buf out = BUF_INIT;
    struct slice text = printed(&out, false, SLICE_NONE, SLICE("loki_ingester_streams_created_total"));
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    assert_int_equal(2 + 50 + 1, lines);
    assert_true(has(text, "{tenant=\"__other__\"} 950\n"));
    buf_fini(&out);
}

// Complaints that Loki's names bring along.
static bool is_allowed(const char *line)
{
    static const char *const allowed[] = {"loki_compactor_deleted_lines ", "loki_compactor_pending_delete_requests_count ",
                                          "loki_ingester_chunk_bounds_hours "};
    for (size_t i = 0; i < LENGTH(allowed); i++) {
        if (strncmp(line, allowed[i], strlen(allowed[i])) == 0)
            return true;
    }
    return false;
}

static void promtool_finds_nothing_beyond_the_allow_list(void **state)
{
    (void)state;
    if (system("command -v promtool >/dev/null 2>&1") != 0) {
        print_message("SKIPPED: promtool is not installed\n");
        skip();
    }
    for (size_t i = 0; i < METRIC_ID_COUNT; i++) { // a child of each, so that each is checked
        const struct slice values[METRIC_LABELS_MAX] = {SLICE("a"), SLICE("b"), SLICE("c"), SLICE("d"),
                                                        SLICE("e"), SLICE("f"), SLICE("g")};
        (void)metric_get(i, values);
    }
    char path[] = "/tmp/test_metric.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct buf out = BUF_INIT;
    struct slice text = printed(&out, false, SLICE_NONE, SLICE_NONE);
    assert_int_equal((ssize_t)text.len, write(fd, text.ptr, text.len));
    (void)close(fd);
    buf_fini(&out);
    char command[128];
    (void)snprintf(command, sizeof(command), "promtool check metrics < %s 2>&1", path);
    FILE *tool = popen(command, "r");
    assert_non_null(tool);
    char line[1024];
    bool is_clean = true;
    while (fgets(line, sizeof(line), tool) != NULL) {
        if (is_allowed(line))
            continue;
        print_error("promtool: %s", line);
        is_clean = false;
    }
    (void)pclose(tool);
    (void)unlink(path);
    assert_true(is_clean);
}

static void children_by_route_are_printed_for_their_components(void **state)
{
    (void)state;
    const struct slice labels[][4] = {{SLICE("POST"), SLICE("loki_api_v1_push"), SLICE("204"), SLICE("false")},
                                      {SLICE("GET"), SLICE("loki_api_v1_query_range"), SLICE("200"), SLICE("false")},
                                      {SLICE("gRPC"), SLICE("/logproto.Pusher/Push"), SLICE("success"), SLICE("false")},
                                      {SLICE("GET"), SLICE("metrics"), SLICE("200"), SLICE("false")}};
    static const char *const components[] = {"distributor", "querier", "ingester", "logi"};
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < LENGTH(labels); i++)
        metric_observe(metric_get(METRIC_loki_request_duration_seconds, labels[i]), 1);
    for (size_t i = 0; i < LENGTH(components); i++) {
        struct slice text = printed(&out, false, slice_str(components[i]), SLICE("loki_request_duration_seconds"));
        for (size_t k = 0; k < LENGTH(labels); k++) {
            char route[64];
            (void)snprintf(route, sizeof(route), "route=\"%.*s\"", SLICE_ARG(labels[k][1]));
            if (has(text, route) != (i == k))
                fail_msg("component %s, %s", components[i], route);
        }
    }
    struct slice whole = printed(&out, false, SLICE_NONE, SLICE("loki_request_duration_seconds"));
    assert_true(has(whole, "loki_api_v1_push") && has(whole, "Pusher") && has(whole, "\"metrics\""));
    buf_fini(&out);
}

static void an_exemplar_stands_behind_its_bucket_in_openmetrics_only(void **state)
{
    (void)state;
    const struct slice labels[] = {SLICE("GET"), SLICE("loki_api_v1_series"), SLICE("200"), SLICE("false")};
    struct metric *metric = metric_get(METRIC_loki_request_duration_seconds, labels);
    struct buf out = BUF_INIT;
    metric_observe_traced(metric, 0.02, SLICE("4bf92f3577b34da6a3ce929d0e0e4736"), 1700000000123456789);
    metric_observe_traced(metric, 0.3, SLICE("0123456789abcdef0123456789abcdef0"), 1700000000123456789); // too long: counted, and no more
    struct slice text = printed(&out, true, SLICE_NONE, SLICE("loki_request_duration_seconds"));
    assert_true(has(text, "route=\"loki_api_v1_series\",status_code=\"200\",ws=\"false\",le=\"0.025\"} 1 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} 0.02 1700000000.123\n"));
    assert_true(has(text, "route=\"loki_api_v1_series\",status_code=\"200\",ws=\"false\",le=\"0.5\"} 2\n"));
    assert_false(has(printed(&out, false, SLICE_NONE, SLICE("loki_request_duration_seconds")), "trace_id"));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_of_several_threads_sum_up),
        cmocka_unit_test(one_child_has_one_pointer_and_is_printed_with_escapes),
        cmocka_unit_test(counters_without_labels_are_there_from_the_start),
        cmocka_unit_test(a_histogram_counts_up_through_its_buckets),
        cmocka_unit_test(seconds_are_kept_exact_and_printed_as_seconds),
        cmocka_unit_test(components_and_prefixes_filter),
        cmocka_unit_test(a_hook_fills_its_gauge_when_scraped),
        cmocka_unit_test(tenants_over_the_cap_are_counted_as_other),
        cmocka_unit_test(promtool_finds_nothing_beyond_the_allow_list),
        cmocka_unit_test(children_by_route_are_printed_for_their_components),
        cmocka_unit_test(an_exemplar_stands_behind_its_bucket_in_openmetrics_only),
    };
    metric_table_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
