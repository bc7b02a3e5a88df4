/* store_verify.h: logi verify and logi rebuild-index: a folder that no store has open, read through or given new indexes.
 *
 * Thread: the calling one.
 */
#pragma once

#include "storage/store/store.h"

struct store_totals {
    uint64_t days, segments, blocks, streams, entries, line_bytes, log_records, damages;
};

/* Reads everything: log, manifests, segments, indexes. Calls back for each thing that does not hold, with the file's name. Changes nothing, but an index
 * that cannot be trusted is emptied (the next start fills it). False: the folder could not be read, or is in use (ERR_UNAVAILABLE). */
bool store_verify(const struct store_config *config, void (*damaged)(void *self, const char *what), void *self,
                  struct store_totals *out, struct err *err) MUST_CHECK;

/* Throws every day's index away and fills a new one from the day's segments. What is only in the log is added when the store replays it. */
bool store_rebuild_index(const struct store_config *config, struct store_totals *out, struct err *err) MUST_CHECK;
