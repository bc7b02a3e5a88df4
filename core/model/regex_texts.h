/* regex_texts.h: sets of texts of which one occurs, as the walk over a regular expression puts them together. Bounded in number and bytes.
 *
 * Items are not unique. All memory is of the arena. Thread: one at a time.
 */
#pragma once

#include "core/base/arena.h"

struct texts {
    struct slice *items;
    size_t count; /* 0: nothing is known */
};

struct texts texts_one(struct arena *arena, struct slice text); /* a copy */
bool texts_have_empty(const struct texts *set);
/* Every text of a followed by every text of b. False: too many. */
bool texts_product(struct arena *arena, const struct texts *a, const struct texts *b, struct texts *out) MUST_CHECK;
/* All of them together. False: too many. */
bool texts_union(struct arena *arena, const struct texts *sets, size_t sets_count, struct texts *out) MUST_CHECK;
/* How much a set narrows a search: by its shortest text up to 8 bytes, less for each doubling of the choices; 0: not at all. */
int texts_worth(const struct texts *set);
/* Leaves in best what narrows a search more. */
void texts_keep_better(struct texts *best, const struct texts *other);
