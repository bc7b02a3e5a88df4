/* fill.h: pushes a corpus to a node over several connections. */
#pragma once

#include "bench/node/corpus.h"

struct fill_result {
    size_t lines, line_bytes, pushes, failed;
    double pushed_s, wall_s; /* without and with the flush */
    int64_t *latency_ns;     /* of each push, rising; ended with fill_result_fini */
};

/* Pushes the whole corpus, one connection a writer, asks for a flush and waits for it. What cannot be pushed is told once a writer and counted. On a terminal
 * it says on stderr how far it is. */
void fill_run(const char *url, const struct corpus_config *corpus, struct fill_result *out);
void fill_result_fini(struct fill_result *result);
