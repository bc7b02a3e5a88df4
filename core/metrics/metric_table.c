#include "core/metrics/metric_table.h"

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
}
