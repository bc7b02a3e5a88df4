/* store_model.h: a naive model of a store, pushes to it, and the comparison of a whole scan with it: what the tests of this folder share. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "storage/store/store.h"

#define DAY0 INT64_C(20000)
#define TENANTS 2u
#define STREAMS 12u

struct model_entry {
    unsigned tenant, stream;
    int64_t ts_ns;
    char line[24];
    char metadata[8]; /* value of m; empty: none */
};

struct model {
    struct model_entry *entries;
    size_t count, cap;
};

/* A clock that tests move on. */
extern _Atomic int64_t clock_moved_ns;
extern const struct clock moved_clock;
int64_t moved_wall(const struct clock *clock);

int entry_cmp(const void *a, const void *b);
void model_add(struct model *model, const struct model_entry *entry); /* unless it is there */
struct slice tenant_name(unsigned tenant);
unsigned model_shard(unsigned tenant, unsigned stream, unsigned shards); /* where it goes */

/* Pushes entries of one tenant, grouped by stream, and waits for the acknowledgement. */
void model_push(struct store *store, const struct model_entry *entries, size_t count);
/* ... or false with the reason: refused, or not made durable. */
bool model_try_push(struct store *store, const struct model_entry *entries, size_t count, struct err *err);

/* Everything of the tenant in the range, as the units give it, appended to *out. */
void scan_all(struct store *store, unsigned tenant, int64_t start_ns, int64_t end_ns, struct model *out);
/* What the units of the request hold. */
void scan_request(struct store *store, unsigned tenant, const struct scan_request *request, struct model *out);
/* ... of the units that can be read. */
void scan_what_reads(struct store *store, unsigned tenant, struct model *out);
void expect_model(struct store *store, const struct model *model, unsigned seed, const char *when);

/* What the tests of this folder open, but for the size of things. */
void model_config(struct store_config *out, const char *folder, unsigned shards);
struct store *open_store(const char *folder, unsigned shards, bool wait_ready);
/* Until then what is pushed is kept, but not seen. */
void model_wait_ready(struct store *store);
void remove_tree(const char *path);
