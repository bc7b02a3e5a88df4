/* go_layout.h: times by Go's layouts: "2006-01-02T15:04:05.000Z07:00". Source: the documentation of Go's package time. Thread: any. */
#pragma once

#include "core/base/buf.h"

/* offset_s: of the zone, east of Greenwich; zone: its abbreviation; s: seconds since 1970 UTC. */
void go_layout_format(struct slice layout, int64_t s, int32_t nanosecond, int32_t offset_s, struct slice zone, struct buf *out);

/* False: the text does not fit. *has_offset: it named an offset, *offset_s, which is in the time already; else it is to be read in the caller's zone. */
bool go_layout_parse(struct slice layout, struct slice text, int64_t *out_s, int32_t *out_nanosecond, bool *has_offset, int32_t *offset_s);
