/* queries.h: the query rows of docs/benchmarks.md over the corpus. */
#pragma once

#include "bench/node/corpus.h"

/* Runs each `rounds` times on one connection and prints the median, the least and the most in ms, the server's CPU ms a query, and the size of the answer. */
void queries_run(const char *url, int pid, const struct corpus_config *corpus, unsigned rounds);
