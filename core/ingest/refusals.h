/* refusals.h: what was refused of a push: which entries, why, how much, and the text that tells the client.
 *
 * Thread: one at a time. Everything lives in the arena. Equal texts are counted; past REFUSAL_TEXTS_MAX different ones the rest
 * is counted under the last, so that a hostile push cannot make an answer larger than itself.
 */
#pragma once

#include "core/ingest/ingest.h"

#define REFUSAL_TEXTS_MAX 100

struct refusal_text {
    struct slice text;
    uint64_t count;
};

struct refusals {
    struct arena *arena;
    struct ingest_outcome *out; /* its discarded counts */
    size_t entry_count;         /* of the request */
    uint8_t *is_refused;        /* by ordinal; NULL while none is */
    size_t count;
    struct refusal_text *texts; /* validation errors */
    size_t text_count;
    struct slice block; /* ingestion blocked; empty: no */
    int block_status;
    struct slice storing; /* the first storing error; empty: none */
    int storing_status;
};

/* Marks one entry and counts it. */
void refusals_mark(struct refusals *refusals, size_t ordinal, enum discard_reason reason, size_t bytes);

/* Counts a validation error. The text is the caller's arena's. */
void refusals_add_text(struct refusals *refusals, struct slice text);

/* Writes refused, status and text of the outcome. */
void refusals_finish(const struct refusals *refusals);
