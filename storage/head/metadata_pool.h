/* metadata_pool.h: the structured metadata sets of one generation, each kept once, so that an entry carries a u32.
 *
 *               intern   seal    get
 *     intern      X        X      -     the shard's worker; seal once, after the last intern
 *     get         -        -      -     any thread that got the reference from a published entry
 */
#pragma once

#include "core/base/rcu.h"

#define METADATA_NONE 0u /* the empty set's reference */
#define METADATA_PIECES 26

struct metadata_pool {
    _Atomic(struct slice *) pieces[METADATA_PIECES]; /* piece k holds 64 << k sets; PUBLISH */
    _Atomic uint32_t count;                          /* references given: 1 to count */
    uint32_t *slots;                                 /* open addressing: references; NULL until the first intern and after seal */
    uint32_t *tags;
    size_t cap;
    size_t bytes; /* taken from malloc. Thread: the worker */
};

struct generation;

/* The reference of an encoded set, kept in the generation's pages when it is new. */
uint32_t metadata_pool_intern(struct metadata_pool *pool, struct generation *generation, struct slice set);

/* The set of a reference that is not METADATA_NONE. */
struct slice metadata_pool_get(const struct metadata_pool *pool, uint32_t reference);

/* Ends what only intern needs. */
void metadata_pool_seal(struct metadata_pool *pool);
void metadata_pool_fini(struct metadata_pool *pool);
