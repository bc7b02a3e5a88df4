#include "storage/store/replay_marks.h"

#include "core/base/clock.h"
#include "core/base/mem.h"

struct replay_marked_day {
    int64_t number;
    struct segment_mark *marks;
    size_t count;
};

void replay_marks_load(struct replay_marks *marks, struct day_set *set)
{
    *marks = (struct replay_marks){0};
    struct day **days = day_set_range(set, INT64_MIN, INT64_MAX, &marks->count);
    marks->days = mem_array(marks->count + 1, sizeof(*marks->days));
    for (size_t i = 0; i < marks->count; i++) {
        struct replay_marked_day *day = &marks->days[i];
        pthread_mutex_lock(&days[i]->manifest_lock);
        *day = (struct replay_marked_day){.number = days[i]->number, .count = days[i]->manifest.mark_count};
        day->marks = mem_array(day->count + 1, sizeof(*day->marks));
        if (day->count > 0)
            memcpy(day->marks, days[i]->manifest.marks, day->count * sizeof(*day->marks));
        pthread_mutex_unlock(&days[i]->manifest_lock);
        day_unref(days[i]);
    }
    mem_free(days);
}

void replay_marks_fini(struct replay_marks *marks)
{
    for (size_t i = 0; i < marks->count; i++)
        mem_free(marks->days[i].marks);
    mem_free(marks->days);
    *marks = (struct replay_marks){0};
}

static const struct replay_marked_day *find_day(struct replay_marks *marks, int64_t number)
{
    if (marks->last < marks->count && marks->days[marks->last].number == number)
        return &marks->days[marks->last];
    for (size_t i = 0; i < marks->count; i++) {
        if (marks->days[i].number == number) {
            marks->last = i;
            return &marks->days[i];
        }
    }
    return NULL;
}

static bool is_covered(struct replay_marks *marks, int64_t day_number, uint64_t stream_low, uint64_t sequence)
{
    const struct replay_marked_day *day = find_day(marks, day_number);
    for (size_t i = 0; day != NULL && i < day->count; i++)
        if (sequence <= day->marks[i].sequence && stream_low % day->marks[i].shard_count == day->marks[i].shard)
            return true;
    return false;
}

void replay_marks_filter(struct replay_marks *marks, struct push_run *run, uint64_t sequence)
{
    if (day_of_ns(run->first_ns) == day_of_ns(run->last_ns)) {
        if (is_covered(marks, day_of_ns(run->first_ns), run->stream.low, sequence))
            run->count = 0;
        return;
    }
    size_t kept = 0;
    size_t line_bytes = 0;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < run->count; i++) {
        const struct push_entry *entry = &run->entries[i];
        if (is_covered(marks, day_of_ns(entry->ts_ns), run->stream.low, sequence))
            continue;
        line_bytes += entry->line.len;
        first = entry->ts_ns < first ? entry->ts_ns : first;
        last = entry->ts_ns > last ? entry->ts_ns : last;
        run->entries[kept++] = *entry;
    }
    run->count = kept;
    run->line_bytes = line_bytes;
    run->first_ns = first;
    run->last_ns = last;
}
