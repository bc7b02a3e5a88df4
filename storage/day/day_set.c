#include "storage/day/day_set.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

struct day_set {
    const struct disk *disk;
    char *folder;
    pthread_mutex_t lock;
    struct day **days; // ascending; a reference each
    size_t count;
};

bool day_set_open(const struct disk *disk, const char *days_folder, struct day_set **out, struct err *err)
{
    if (!disk_make_folders(disk, days_folder, err))
        return false;
    struct day_set *set = mem_zero(sizeof(*set));
    set->disk = disk;
    set->folder = mem_strdup(slice_str(days_folder));
    pthread_mutex_init(&set->lock, NULL);
    *out = set;
    return true;
}

void day_set_close(struct day_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        day_unref(set->days[i]);
    mem_free(set->days);
    mem_free(set->folder);
    pthread_mutex_destroy(&set->lock);
    mem_free(set);
}

/* Index of the first day not before number. */
static size_t lower_bound(const struct day_set *set, int64_t number)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (set->days[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert_at(struct day_set *set, size_t at, struct day *day)
{
    set->days = mem_grow(set->days, set->count + 1, sizeof(struct day *));
    memmove(&set->days[at + 1], &set->days[at], (set->count - at) * sizeof(struct day *));
    set->days[at] = day;
    set->count++;
}

struct folder_names {
    struct day_set *set;
    int64_t *numbers;
    size_t count;
    struct arena arena;
    struct slice *dropped;
    size_t dropped_count;
};

static bool folder_name(void *self, const char *name)
{
    struct folder_names *names = self;
    int64_t number;
    if (day_name_parse(name, &number)) {
        names->numbers = mem_grow(names->numbers, names->count + 1, sizeof(int64_t));
        names->numbers[names->count++] = number;
    } else if (slice_ends(slice_str(name), SLICE(".dropped"))) {
        names->dropped = mem_grow(names->dropped, names->dropped_count + 1, sizeof(struct slice));
        names->dropped[names->dropped_count++] =
            arena_printf(&names->arena, "%s/%s%c", names->set->folder, name, '\0');
    }
    return true;
}

bool day_set_load(struct day_set *set, bool (*each)(void *self, struct day *day, bool is_damaged, struct err *err), void *self,
                  struct err *err)
{
    struct folder_names names = {.set = set, .arena = ARENA_INIT};
    bool ok = set->disk->list(set->disk, set->folder, folder_name, &names) == 0 || err_errno(err, "list %s", set->folder);
    for (size_t i = 0; ok && i < names.dropped_count; i++)
        ok = disk_remove_folder(set->disk, names.dropped[i].ptr, err);
    for (size_t i = 0; ok && i < names.count; i++) {
        struct day *day = NULL;
        bool is_damaged = false;
        ok = day_open(set->disk, set->folder, names.numbers[i], &day, &is_damaged, err);
        if (!ok)
            break;
        pthread_mutex_lock(&set->lock);
        insert_at(set, lower_bound(set, day->number), day);
        pthread_mutex_unlock(&set->lock);
        ok = each(self, day, is_damaged, err);
    }
    mem_free(names.numbers);
    mem_free(names.dropped);
    arena_fini(&names.arena);
    return ok;
}

struct day *day_set_find(struct day_set *set, int64_t number)
{
    pthread_mutex_lock(&set->lock);
    size_t at = lower_bound(set, number);
    struct day *day = at < set->count && set->days[at]->number == number ? day_ref(set->days[at]) : NULL;
    pthread_mutex_unlock(&set->lock);
    return day;
}

bool day_set_get(struct day_set *set, int64_t number, struct day **out, struct err *err)
{
    pthread_mutex_lock(&set->lock);
    size_t at = lower_bound(set, number);
    bool ok = true;
    if (at == set->count || set->days[at]->number != number) {
        struct day *day = NULL;
        bool is_damaged = false;
        ok = day_open(set->disk, set->folder, number, &day, &is_damaged, err);
        if (ok)
            insert_at(set, at, day);
    }
    if (ok)
        *out = day_ref(set->days[at]);
    pthread_mutex_unlock(&set->lock);
    return ok;
}

struct day **day_set_range(struct day_set *set, int64_t first, int64_t last, size_t *out_count)
{
    pthread_mutex_lock(&set->lock);
    size_t from = lower_bound(set, first), to = from;
    while (to < set->count && set->days[to]->number <= last)
        to++;
    struct day **days = mem_array(to - from + 1, sizeof(struct day *));
    for (size_t i = from; i < to; i++)
        days[i - from] = day_ref(set->days[i]);
    pthread_mutex_unlock(&set->lock);
    *out_count = to - from;
    return days;
}

bool day_set_drop(struct day_set *set, struct day *day, struct err *err)
{
    pthread_mutex_lock(&set->lock);
    size_t at = lower_bound(set, day->number);
    bool ok = at < set->count && set->days[at] == day ? day_drop(day, err)
                                                       : err_set(err, ERR_NOT_FOUND, "%s is not there", day->folder);
    if (ok) {
        memmove(&set->days[at], &set->days[at + 1], (set->count - at - 1) * sizeof(struct day *));
        set->count--;
    }
    pthread_mutex_unlock(&set->lock);
    if (ok)
        day_unref(day);
    return ok;
}

void day_set_close_idle(struct day_set *set)
{
    size_t count;
    struct day **days = day_set_range(set, INT64_MIN, INT64_MAX, &count);
    size_t open = 0;
    for (size_t i = 0; i < count; i++) {
        pthread_mutex_lock(&days[i]->index_lock);
        open += days[i]->index != NULL;
        pthread_mutex_unlock(&days[i]->index_lock);
    }
    while (open > OPEN_INDEXES_MAX) {
        struct day *oldest = NULL;
        for (size_t i = 0; i < count; i++) {
            pthread_mutex_lock(&days[i]->index_lock);
            if (days[i]->index != NULL && days[i]->index_users == 0 && !days[i]->index_is_dirty &&
                (oldest == NULL || days[i]->index_used_mono_ns < oldest->index_used_mono_ns))
                oldest = days[i];
            pthread_mutex_unlock(&days[i]->index_lock);
        }
        if (oldest == NULL || !day_index_close_idle(oldest))
            break;
        open--;
    }
    for (size_t i = 0; i < count; i++)
        day_unref(days[i]);
    mem_free(days);
}
