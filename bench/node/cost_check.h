/* cost_check.h: do selective queries cost the same when much more is stored?
 *
 * Fills a node, measures the server's CPU time of each query, stores ten times as much (a hundred times as many streams) and measures again. Figures of one run are
 * compared with one another only, so that a slow or busy machine does not matter; of several batches the cheapest counts. All entries are of the last
 * two UTC days, and not of this one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct cost_size {
    const char *name;
    size_t bytes;          /* of lines at first; ten times as many come on top */
    size_t data_streams;   /* that have these lines: so few that each fills a block in the hour */
    size_t streams;        /* at first, where streams are what grows */
    size_t streams_after;
};

/* "short" or "long"; NULL: neither. */
const struct cost_size *cost_size_find(const char *name);

/* Prints a table. False: a query that must stay flat does not, or did not get its answer. pid: the server's. */
bool cost_check_run(const char *url, int pid, const struct cost_size *size);
