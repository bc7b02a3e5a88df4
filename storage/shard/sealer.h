/* sealer.h: the threads that seal frozen generations, and try again what failed. The first does all, one after the other, unless the context lets
 * all seal at once. A shard puts one generation at a time.
 *
 * Thread: sealer_put any.
 */
#pragma once

#include "storage/shard/shard.h"

/* after: called after each seal that worked (the log may be trimmed then). */
struct sealer *sealer_create(const struct seal_context *context, unsigned threads, void (*after)(void *self), void *after_self) MUST_CHECK;
/* Seals what waits, once; then ends the threads. NULL is fine. */
void sealer_destroy(struct sealer *sealer);

/* What failed is tried again now, and not in a second. Thread: any. */
void sealer_retry(struct sealer *sealer);

/* The sealer holds a reference of its own until the shard has been told. */
void sealer_put(struct sealer *sealer, struct shard *shard, struct generation *generation, enum seal_reason reason);
