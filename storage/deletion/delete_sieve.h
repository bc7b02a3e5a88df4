/* delete_sieve.h: takes out of a batch of entries what delete filters take away.
 *
 * Thread: one at a time.
 */
#pragma once

#include "storage/deletion/delete_filter.h"

struct delete_sieve;

struct delete_sieve *delete_sieve_create(void) MUST_CHECK;
void delete_sieve_destroy(struct delete_sieve *sieve); /* NULL is fine */

/* Forgets what it keeps of filters: before the last reference to one of them goes. */
void delete_sieve_forget(struct delete_sieve *sieve);

/* What is left of the batch, which has the columns that the filters need: *out is the batch itself if nothing goes, else a copy that is
 * valid until the next run. Returns how many rows went; out->count may be 0. Rows keep their metadata indexes. */
uint32_t delete_sieve_run(struct delete_sieve *sieve, const struct delete_choice *choice, const struct label_set *stream,
                          const struct entry_batch *batch, struct entry_batch *out);
