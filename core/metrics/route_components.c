#include "core/metrics/route_components.h"

static const struct {
    const char *begin, *components; /* the first that fits */
} prefixes[] = {
    {"/logproto.Querier/", "ingester,index-gateway"},
    {"/logproto.", "ingester"},
    {"loki_api_v1_push", "distributor"},
    {"api_prom_push", "distributor"},
    {"otlp_", "distributor"},
    {"insert_loki_", "distributor"},
    {"loki_api_v1_rules", "ruler"},
    {"api_prom_rules", "ruler"},
    {"prometheus_", "ruler"},
    {"loki_api_v1_delete", "compactor"},
    {"loki_api_v1_status_buildinfo", "logi"},
    {"loki_api_v1_", "query-frontend,querier"},
    {"api_prom_", "query-frontend,querier"},
    {"query", "query-frontend,querier"}, /* Ochi's */
};

const char *route_components(struct slice route)
{
    for (size_t i = 0; i < LENGTH(prefixes); i++) {
        if (slice_starts(route, slice_str(prefixes[i].begin)))
            return prefixes[i].components;
    }
    return "logi";
}
