/* label_key.h: the identity of a series or result stream as bytes: for each pair varint name length, name, varint value length, value,
 * sorted by name. Unlike a stored label set it may hold empty values. Equal sets have equal keys. Thread: any. */
#pragma once

#include "core/base/buf.h"
#include "core/model/label_set.h"

/* Which labels of a row make its identity. */
struct label_choice {
    enum { CHOOSE_ALL, CHOOSE_BY, CHOOSE_WITHOUT } mode;
    const struct slice *names; /* sorted, unique */
    size_t name_count;
    bool drops_empty; /* labels with an empty value are left out, as Prometheus' label builder does */
};

bool label_choice_takes(const struct label_choice *choice, struct slice name, struct slice value);

/* Names sorted and made unique, in the arena. */
struct slice *label_names_sorted(struct arena *arena, const struct slice *names, size_t count, size_t *out_count);

void label_key_put(struct buf *key, struct slice name, struct slice value);
/* Appends the chosen labels of a sorted set. */
void label_key_put_set(struct buf *key, const struct label_set *set, const struct label_choice *choice);

/* Slices of key, which is well-formed (our own). */
struct label_set label_key_decode(struct slice key, struct arena *arena);
