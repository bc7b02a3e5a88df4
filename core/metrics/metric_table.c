#include "core/metrics/metric_table.h"

#include "core/metrics/route_components.h"

#define BARE(...) __VA_ARGS__

const struct metric_family metric_families[METRIC_ID_COUNT] = {
#define METRIC_FAMILY(family, kind, tags, text, names, bounds)                                                                 \
    [METRIC_##family] = {.name = #family,                                                                                     \
                         .help = text,                                                                                        \
                         .type = METRIC_##kind,                                                                               \
                         .components = tags,                                                                                  \
                         .labels = {BARE names},                                                                              \
                         .buckets = {BARE bounds}},
    METRIC_TABLE(METRIC_FAMILY)
#undef METRIC_FAMILY
};

void metric_table_init(void)
{
    metrics_init(metric_families, METRIC_ID_COUNT);
    metrics_split(METRIC_BY_ROUTE, "route", route_components);
}

static void put_labels(const struct metric_family *family, struct buf *out)
{
    for (size_t i = 0; i < METRIC_LABELS_MAX && family->labels[i] != NULL; i++)
        buf_printf(out, "%s`%s`", i == 0 ? "" : ", ", family->labels[i]);
}

static void put_buckets(const struct metric_family *family, struct buf *out)
{
    buf_str(out, " Buckets:");
    for (size_t i = 0; i < METRIC_BUCKETS_MAX && (i == 0 || family->buckets[i] > 0); i++)
        buf_printf(out, " %g", family->buckets[i]);
    buf_byte(out, '.');
}

void metric_table_print_markdown(struct buf *out)
{
    static const char *const types[] = {[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    buf_str(out, "| name | type | labels | components | meaning |\n| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < METRIC_ID_COUNT; i++) {
        const struct metric_family *family = &metric_families[i];
        buf_printf(out, "| `%s` | %s | ", family->name, types[family->type]);
        put_labels(family, out);
        buf_printf(out, " | %s | %s", strcmp(family->components, METRIC_BY_ROUTE) == 0 ? "by route" : family->components, family->help);
        if (family->type == METRIC_HISTOGRAM)
            put_buckets(family, out);
        buf_str(out, " |\n");
    }
}
