/* tenant_state.h: what the node keeps of a tenant while it runs: rate buckets, its counters, its hold on the store. Made at the tenant's first push;
 * at most TENANTS_MAX, since in tenancy `optional` anybody may name a new one.
 * Thread: any. */
#pragma once

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/model/limits.h"

#define TENANTS_MAX 100000

struct tenant_state;
struct tenant_states;

struct tenant_states *tenant_states_create(const struct clock *clock) MUST_CHECK;
void tenant_states_destroy(struct tenant_states *states);

/* ERR_RATE when there are TENANTS_MAX. Lives as long as the states. */
bool tenant_state_get(struct tenant_states *states, struct slice name, struct tenant_state **out, struct err *err) MUST_CHECK;

/* Token buckets, all or nothing; the rates come from the limits of now. */
bool tenant_take_rate(struct tenant_state *tenant, const struct limits *limits, size_t bytes);
bool tenant_take_stream_rate(struct tenant_state *tenant, const struct limits *limits, struct hash128 stream, size_t bytes);

struct slice tenant_state_name(const struct tenant_state *tenant);
