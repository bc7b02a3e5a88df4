/* corpus.h: an hour of logs of six kinds of applications, made from a seed: the same bytes for the same numbers, on any machine.
 *
 * 240 streams (scaled by `streams`), 40 of each kind, half in namespace prod: nginx access lines, JSON, logfmt, Java with stack traces, sshd, HDFS. Identifiers,
 * numbers and addresses are random; words and shapes recur, as in real logs. Sizes and mix are those of docs/benchmarks.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

enum app { APP_NGINX, APP_CHECKOUT, APP_PAYMENTS, APP_ORDERS, APP_SSHD, APP_HDFS, APP_COUNT };

extern const char *const app_names[APP_COUNT];

#define NEEDLE "3f9a61c7-5b1e-4d0a-9c55-e2b7d8f04a16" /* in three lines of the corpus */

struct corpus_config {
    uint64_t seed;
    size_t streams;    /* 240 */
    size_t first_stream; /* 0: corpus_labels' number of the first of them */
    size_t bytes;      /* about so many bytes of lines: 442 MB */
    int64_t start_ns;  /* first line */
    int64_t span_ns;   /* an hour */
    unsigned late_ms;  /* lines come up to so much and 1 ms out of order, also from one push to the next */
    size_t push_bytes; /* raw lines a push: 1 MB */
    unsigned writers;  /* each has streams of its own: i mod writers */
};

/* The corpus of docs/benchmarks.md, in one writer, at a fixed hour. */
void corpus_config_defaults(struct corpus_config *out);

struct corpus; /* one writer's part */

struct corpus *corpus_open(const struct corpus_config *config, unsigned writer);
void corpus_close(struct corpus *corpus);

/* The next push as a protobuf PushRequest, not compressed; false when the hour is over. */
struct corpus_push {
    struct buf message;
    size_t lines, line_bytes;
};
int corpus_next(struct corpus *corpus, struct corpus_push *out);

/* Label text of stream i. */
void corpus_labels(size_t stream, struct buf *out);
