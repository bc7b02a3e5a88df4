/* limits_book.h: every tenant's limits, as one immutable snapshot: the defaults and the overrides file as they were read. A reload makes a new one; requests
 * keep the one that they began with.
 * Thread: any. */
#pragma once

#include "core/model/limits.h"

struct limits_book; /* reference counted */

/* One tenant's overrides: names and values as the configuration holds them. */
struct limits_override {
    struct slice tenant;
    struct slice name, value;
};

/* version tells books apart (stream caches forget by it). ERR_INVALID names tenant and key. The book copies all. */
bool limits_book_create(const struct limits *defaults, const struct limits_override *overrides, size_t count, uint64_t version,
                        struct limits_book **out, struct err *err) MUST_CHECK;
struct limits_book *limits_book_ref(struct limits_book *book);
void limits_book_unref(struct limits_book *book); /* NULL is fine */

/* Lives with the book. */
const struct limits *limits_book_find(const struct limits_book *book, struct slice tenant);
const struct limits *limits_book_defaults(const struct limits_book *book);
uint64_t limits_book_version(const struct limits_book *book);
/* The i-th tenant with overrides; false at the end. */
bool limits_book_at(const struct limits_book *book, size_t i, struct slice *tenant, const struct limits **limits);
/* For a query over several tenants: the smallest positive value of each number, what all of them have switched on, and the labels that any of them requires, in
 * the arena. blocked_queries are the first one's: each tenant's are asked by themselves. */
void limits_strictest(const struct limits *const *all, size_t count, struct arena *arena, struct limits *out);

/* The book in force: readers take it with a reference, a reload changes it. */
struct limits_shelf;
struct limits_shelf *limits_shelf_create(struct limits_book *first) MUST_CHECK; /* takes the reference */
void limits_shelf_destroy(struct limits_shelf *shelf);
struct limits_book *limits_shelf_take(struct limits_shelf *shelf) MUST_CHECK;
void limits_shelf_put(struct limits_shelf *shelf, struct limits_book *book); /* takes the reference */
