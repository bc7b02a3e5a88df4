/* miner.h: templates of log lines, found as they come: a line belongs to the first template of its length in words, its first word and its level whose
 * words agree in at least half; where they do not, the template has <_>. Words with digits are variable from the start.
 * Source: the idea is Drain's (He, Zhu, Zheng, Lyu: Drain, ICWS 2017), with a tree of one level.
 *
 * Thread: one at a time. Memory: at most PATTERNS_MAX templates; what comes after them is counted under one template <_> of level unknown.
 */
#pragma once

#include "core/base/buf.h"
#include "core/plan/key_table.h"

#define PATTERNS_MAX 2000
#define PATTERN_WORDS_MAX 64 /* what follows is one variable */

struct pattern {
    struct slice *words; /* NULL ptr: variable */
    size_t word_count;
    struct slice level;
    uint64_t lines;
    uint64_t *samples; /* by bucket */
    struct pattern *next; /* in its group */
};

struct miner {
    struct arena *arena;
    size_t bucket_count;
    struct pattern **patterns;
    size_t count;
    struct key_table groups;
    struct pattern **heads; /* by group */
};

void miner_init(struct miner *miner, struct arena *arena, size_t bucket_count);
void miner_fini(struct miner *miner);
void miner_add(struct miner *miner, struct slice line, struct slice level, size_t bucket);
void pattern_print(const struct pattern *pattern, struct buf *out);
