/* route_components.h: which of Loki's components serves a route, for ?component= of families by route: pushes are the distributor's, reads the query-frontend's
 * and the querier's, routes with the names of Loki's gRPC the ingester's (those of reads the index-gateway's too), rules the ruler's, deletes the compactor's; the rest is logi's own.
 *
 * Source: the metrics specification, section 8: each Loki job then has its requests once. Thread: any.
 */
#pragma once

#include "core/base/slice.h"

/* As metric_family.components. */
const char *route_components(struct slice route);
