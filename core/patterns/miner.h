/* miner.h: templates of log lines, found as they come. Lines whose runs of delimiters are the same are one group (line_shape.h); a line belongs to the template
 * of its group with which it agrees most, if that is enough, and where the two differ the template gets <_>; else it begins a template.
 *
 * What holds: a template's text is a pattern that |> accepts each of its lines by; each line has one template; the same lines in the same order give the same
 * templates. Words are compared where both have one: of the message (msg, message) if there is one, else of all that is not a key. The more templates a group has,
 * the less has to agree.
 *
 * Source: the idea is Drain's (He, Zhu, Zheng, Lyu: Drain, ICWS 2017); the delimiters are near those of Loki's pkg/pattern/drain.
 *
 * Thread: one at a time. Memory: bounded by the configuration; no allocation a line. A line whose shape was met lately costs its cutting and a hash.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/ingest/level.h"

/* The level that an entry's metadata tells by detected_level, in any case of letters; LEVEL_UNKNOWN for all else. */
enum level pattern_level_of(struct slice metadata);

/* Templates 0 to LEVEL_COUNT - 1: <_>, what came after the bounds were met, by level; then as many: the empty line. */
#define MINER_FIXED ((uint32_t)(2 * LEVEL_COUNT))

struct miner_config {
    uint32_t templates_max; /* in all */
    size_t text_max;        /* bytes of their words and runs */
    uint64_t seed;          /* of hashes: any */
};

struct miner; /* about 200 KiB, and the templates */
struct miner *miner_create(const struct miner_config *config) MUST_CHECK;
void miner_destroy(struct miner *miner); /* NULL is fine */
void miner_reset(struct miner *miner);   /* forgets all templates */

/* The template of the line. owner: lines of different owners share no template. */
uint32_t miner_add(struct miner *miner, uint32_t owner, enum level level, struct slice line);

uint32_t miner_count(const struct miner *miner); /* MINER_FIXED and up */
enum level miner_level(const struct miner *miner, uint32_t id);
/* Appends the template: a pattern. */
void miner_print(const struct miner *miner, uint32_t id, struct buf *out);
/* Shapes of lines that found no room; one may be counted again when it comes again. */
uint64_t miner_evicted(const struct miner *miner);
size_t miner_bytes(const struct miner *miner);
