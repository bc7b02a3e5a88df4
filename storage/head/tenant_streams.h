/* tenant_streams.h: how many streams each tenant has in memory, and which it has been promised: what the stream limit is held against.
 *
 * A promise (reservation) is made when a push with an unknown stream is checked and ends when the shard creates the stream, or after
 * TENANT_PROMISE_NS when the push never came.
 * Thread: any.
 */
#pragma once

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "storage/figures/store_figures.h"

#define TENANT_PROMISE_NS (60 * NS_PER_S)

struct store_tenant; /* lives as long as its table */
struct tenant_table;

struct tenant_table *tenant_table_create(void) MUST_CHECK;
void tenant_table_destroy(struct tenant_table *table); /* NULL is fine */

/* The tenant of that name, made when first asked for. */
struct store_tenant *tenant_table_get(struct tenant_table *table, struct slice name) MUST_CHECK;

struct slice tenant_streams_name(const struct store_tenant *tenant);
const struct tenant_figures *tenant_streams_figures(const struct store_tenant *tenant);
uint64_t tenant_streams_count(const struct store_tenant *tenant); /* in memory */

/* True: the stream, which is not in memory, may be created. streams_max 0: always. */
bool tenant_streams_promise(struct store_tenant *tenant, struct hash128 stream, int64_t streams_max, int64_t now_mono_ns) MUST_CHECK;

/* A shard created or forgot a stream. */
void tenant_streams_created(struct store_tenant *tenant, struct hash128 stream);
void tenant_streams_forgotten(struct store_tenant *tenant);
