/* scan_deletes.c: what delete requests hide of a scan. A part of a stream that is hidden whole is left out of the scan; a unit with other hidden lines
 * is read through a sieve, and its counts are no longer exact. Without a request that touches the scan's range none of this runs. */
#include "core/base/mem.h"
#include "storage/deletion/delete_sieve.h"
#include "storage/store/scan.h"

struct delete_choice scan_hides(struct scan_state *state, struct slice encoded_labels)
{
    return delete_choose(state->deletes->filters, state->deletes->count, encoded_labels, state->start_ns, state->end_ns, &state->arena);
}

void scan_mark_sieved(struct scan_state *state)
{
    struct scan *scan = &state->scan;
    for (size_t i = 0; i < scan->unit_count; i++) {
        struct scan_unit *unit = &scan->units[i];
        struct scan_part *part = unit->part;
        for (size_t r = 0; r < unit->run_count && !part->is_sieved; r++)
            part->is_sieved = delete_choice_touches(&state->hides[unit->runs[r].stream], unit->runs[r].first_ns, unit->runs[r].last_ns);
        unit->is_exact = unit->is_exact && !part->is_sieved;
    }
}

bool sieve_sink_take(void *self, const struct entry_batch *batch)
{
    struct sieve_sink *sink = self;
    struct scan_state *state = sink->state;
    struct entry_batch rest = *batch;
    const struct delete_choice *choice = &state->hides[batch->stream];
    if (choice->count > 0)
        (void)delete_sieve_run(sink->sieve, choice, &state->scan.streams[batch->stream].labels, batch, &rest);
    if (rest.count == 0)
        return true;
    // What only the filters wanted is not what the scan was asked for.
    if ((state->columns & SCAN_LINES) == 0) {
        rest.text = NULL;
        rest.offsets = NULL;
    }
    if ((state->columns & SCAN_METADATA) == 0) {
        rest.metadata_index = NULL;
        rest.metadata_sets = NULL;
        rest.metadata_set_count = 0;
    }
    return sink->sink(sink->self, &rest);
}
