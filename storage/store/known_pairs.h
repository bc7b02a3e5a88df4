/* known_pairs.h: pairs of runs that overlap in time and are known to have no entry in common: the next scan need not compare them again, and counts the younger
 * one by its segment's directory.
 *
 * A fact about two immutable segments: it never becomes untrue, only unasked, when they are merged. A place that is needed for another pair forgets it.
 * Thread: any; one lock, for a few instructions a look.
 */
#pragma once

#include "storage/segment/segment.h"

struct known_pairs;
struct known_pairs *known_pairs_create(void) MUST_CHECK;
void known_pairs_destroy(struct known_pairs *pairs); /* NULL is fine */

struct known_run {
    const struct segment *segment;
    const struct segment_run *run;
};

void known_pairs_add(struct known_pairs *pairs, struct known_run younger, struct known_run elder);
bool known_pairs_have(struct known_pairs *pairs, struct known_run younger, struct known_run elder);
