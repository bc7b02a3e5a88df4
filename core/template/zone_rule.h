/* zone_rule.h: POSIX' TZ, the footer of a TZif file: CET-1CEST,M3.5.0,M10.5.0/3. Internal to zone.c. Source: POSIX.1-2017, 8.3; RFC 9636, 3.3. Thread: any. */
#pragma once

#include "core/template/zone.h"

/* What holds at utc_s, bounded by the year. False: the rule cannot be read. The name is a slice of it. */
bool zone_rule_at(struct slice rule, int64_t utc_s, struct zone_span *out) MUST_CHECK;
