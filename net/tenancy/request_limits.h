/* request_limits.h: the header X-Loki-Query-Limits: limits of one request, tighter than those of its tenants. A gateway in front sets it.
 *
 * FORMAT: one JSON object, names without regard to case, each may be missing, null or 0 (unset):
 *
 *     maxQueryLength, maxQueryInterval, maxQueryLookback, maxQueryTime   Prometheus durations as strings: "1h30m"
 *     maxEntriesLimitPerQuery, minimumLabelsNumber                       whole numbers
 *     maxQueryBytesRead                                                  a size as string, "10MB", or a number of bytes
 *     requiredLabels                                                     a list of strings, added to those of the tenant
 *
 * Other names are skipped. Nothing can be loosened. Source: Loki, pkg/util/querylimits.
 * Thread: any.
 */
#pragma once

#include "core/model/limits.h"

#define REQUEST_LIMITS_BYTES_MAX ((size_t)16 << 10)
#define REQUEST_LABELS_MAX 64

/* *limits with what the header tightens; texts and lists live in the arena. ERR_INVALID: not of the form; *limits is then as it was. */
bool request_limits_tighten(struct slice header, struct arena *arena, struct limits *limits, struct err *err) MUST_CHECK;
