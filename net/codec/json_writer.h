/* json_writer.h: JSON as Loki's encoder writes it. Thread: any, each with its own buf. */
#pragma once

#include "core/base/buf.h"

/* "text" with <, >, &, U+2028, U+2029 as \u....; each byte that is not UTF-8 as U+FFFD. */
void json_put_string(struct buf *out, struct slice text);
/* The same without the quotes. */
void json_put_escaped(struct buf *out, struct slice text);

/* Seconds with up to 3 decimals, no trailing zeros: 1767225660.5 */
void json_put_ms(struct buf *out, int64_t ms);
