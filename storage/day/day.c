#include "storage/day/day.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "storage/figures/store_figures.h"

/* Source: Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days and days_from_civil. */
void day_name(int64_t number, char out[32])
{
    int64_t z = number + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t day = doy - (153 * mp + 2) / 5 + 1;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
    (void)snprintf(out, 32, "%04" PRId64 "-%02u-%02u", year, (unsigned)month & 15, (unsigned)day & 31);
}

bool day_name_parse(const char *name, int64_t *out)
{
    int64_t year, month, day;
    int used = 0;
    if (sscanf(name, "%" SCNd64 "-%2" SCNd64 "-%2" SCNd64 "%n", &year, &month, &day, &used) != 3 || name[used] != '\0' ||
        year < -10000000 || year > 10000000)
        return false;
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    int64_t number = era * 146097 + doe - 719468;
    char again[32];
    day_name(number, again);
    if (strcmp(again, name) != 0) // 2026-02-31 and such
        return false;
    *out = number;
    return true;
}

bool day_open(const struct disk *disk, const char *days_folder, int64_t number, struct day **out, bool *out_damaged,
              struct err *err)
{
    char name[32];
    day_name(number, name);
    struct day *day = mem_zero(sizeof(*day));
    day->refs = 1;
    day->disk = disk;
    day->number = number;
    pthread_mutex_init(&day->manifest_lock, NULL);
    pthread_mutex_init(&day->index_lock, NULL);
    pthread_mutex_init(&day->figures_lock, NULL);
    if (asprintf(&day->folder, "%s/%s", days_folder, name) < 0)
        abort();
    if (!disk_make_folders(disk, day->folder, err) ||
        !manifest_open(disk, day->folder, &day->manifest, out_damaged, err)) {
        day_unref(day);
        return false;
    }
    *out = day;
    return true;
}

struct day *day_ref(struct day *day)
{
    atomic_fetch_add_explicit(&day->refs, 1, memory_order_relaxed); // whoever refs has a reference already
    return day;
}

void day_unref(struct day *day)
{
    if (day == NULL || atomic_fetch_sub(&day->refs, 1) != 1)
        return;
    assert(day->index_users == 0);
    if (day->index != NULL && day->index_must_rebuild)
        day_index_abandon(day->index);
    else
        day_index_close(day->index);
    manifest_close(&day->manifest);
    if (atomic_load(&day->is_dropped)) {
        struct err err;
        if (!disk_remove_folder(day->disk, day->dropped_folder, &err))
            log_warn("day", "a dropped day was not removed; the next start tries again", "err", err.text);
    }
    pthread_mutex_destroy(&day->manifest_lock);
    pthread_mutex_destroy(&day->index_lock);
    pthread_mutex_destroy(&day->figures_lock);
    free(day->folder);
    free(day->dropped_folder);
    mem_free(day);
}

bool day_change(struct day *day, const struct manifest_change *change, struct err *err)
{
    pthread_mutex_lock(&day->manifest_lock);
    bool ok = !atomic_load(&day->is_dropped) || err_set(err, ERR_NOT_FOUND, "%s was dropped", day->folder);
    ok = ok && manifest_change(&day->manifest, change, err);
    pthread_mutex_unlock(&day->manifest_lock);
    return ok;
}

bool day_is_settled(struct day *day)
{
    pthread_mutex_lock(&day->manifest_lock);
    bool is_settled = !day->manifest.is_unsure;
    pthread_mutex_unlock(&day->manifest_lock);
    return is_settled;
}

bool day_covers(struct day *day, uint64_t stream_low, uint64_t sequence)
{
    pthread_mutex_lock(&day->manifest_lock);
    bool covers = manifest_covers(&day->manifest, stream_low, sequence);
    pthread_mutex_unlock(&day->manifest_lock);
    return covers;
}

static bool add_to_index(void *self, struct slice tenant, struct hash128 id, struct slice labels, struct err *err)
{
    struct day *day = self;
    return day_index_add(day->index, tenant, id, labels, err);
}

/* Under index_lock. */
static bool index_open(struct day *day, const struct day_streams *streams, struct err *err)
{
    char path[4096];
    if (day->index_must_rebuild) {
        (void)snprintf(path, sizeof(path), "%s/index.mdb", day->folder);
        (void)day->disk->unlink(day->disk, path);
        day->index_must_rebuild = false;
    }
    bool rebuild = false;
    if (!day_index_open(day->disk, day->folder, &day->index, &rebuild, err)) {
        day->index = NULL;
        day->index_must_rebuild = true; // what was to be added now is not in it
        return false;
    }
    if (!rebuild)
        return true;
    if (streams->each(streams->self, day, err, add_to_index, day) && day_index_filled(day->index, err))
        return true;
    day_index_abandon(day->index);
    day->index = NULL;
    day->index_must_rebuild = true;
    return false;
}

bool day_index_hold(struct day *day, const struct day_streams *streams, int64_t now_mono_ns, struct day_index **out,
                    struct err *err)
{
    pthread_mutex_lock(&day->index_lock);
    if (day->index != NULL && day->index_must_rebuild && day->index_users == 0) {
        day_index_abandon(day->index);
        day->index = NULL;
    }
    bool ok = day->index != NULL || index_open(day, streams, err);
    if (ok) {
        day->index_users++;
        day->index_used_mono_ns = now_mono_ns;
        *out = day->index;
    }
    pthread_mutex_unlock(&day->index_lock);
    return ok || err_wrap(err, "index of %s", day->folder);
}

void day_index_release(struct day *day, bool is_bad)
{
    pthread_mutex_lock(&day->index_lock);
    assert(day->index_users > 0);
    day->index_users--;
    day->index_must_rebuild |= is_bad;
    if (is_bad)
        figure_damage(DAMAGE_INDEX);
    pthread_mutex_unlock(&day->index_lock);
}

void day_index_spoil(struct day *day)
{
    pthread_mutex_lock(&day->index_lock);
    day->index_must_rebuild = true;
    pthread_mutex_unlock(&day->index_lock);
}

bool day_index_is_spoilt(struct day *day)
{
    pthread_mutex_lock(&day->index_lock);
    bool is_spoilt = day->index_must_rebuild;
    pthread_mutex_unlock(&day->index_lock);
    return is_spoilt;
}

bool day_index_feed(struct day *day, struct slice tenant, struct hash128 id, struct slice labels, struct err *err)
{
    pthread_mutex_lock(&day->index_lock);
    assert(day->index != NULL && day->index_users > 0);
    bool ok = day_index_add(day->index, tenant, id, labels, err);
    day->index_is_dirty |= ok;
    pthread_mutex_unlock(&day->index_lock);
    return ok;
}

bool day_index_settle(struct day *day, struct err *err)
{
    pthread_mutex_lock(&day->index_lock);
    bool ok = !day->index_is_dirty || day->index == NULL || day_index_commit(day->index, err);
    if (ok)
        day->index_is_dirty = false;
    pthread_mutex_unlock(&day->index_lock);
    return ok;
}

bool day_index_close_idle(struct day *day)
{
    pthread_mutex_lock(&day->index_lock);
    bool closes = day->index != NULL && day->index_users == 0 && !day->index_is_dirty && !day->index_must_rebuild;
    if (closes) {
        day_index_close(day->index);
        day->index = NULL;
    }
    pthread_mutex_unlock(&day->index_lock);
    return closes;
}

void day_index_figures(struct day *day, struct day_index_stats *out)
{
    if (pthread_mutex_trylock(&day->index_lock) == 0) {
        struct day_index_stats now = {0};
        if (day->index != NULL)
            day_index_stats(day->index, &now);
        pthread_mutex_lock(&day->figures_lock);
        day->figures = now;
        pthread_mutex_unlock(&day->figures_lock);
        pthread_mutex_unlock(&day->index_lock);
    }
    pthread_mutex_lock(&day->figures_lock);
    *out = day->figures;
    pthread_mutex_unlock(&day->figures_lock);
}

bool day_drop(struct day *day, struct err *err)
{
    char *to = NULL;
    if (asprintf(&to, "%s.dropped", day->folder) < 0)
        abort();
    pthread_mutex_lock(&day->manifest_lock);
    bool ok = disk_remove_folder(day->disk, to, err); // of an earlier life of the same day
    ok = ok && (day->disk->rename(day->disk, day->folder, to) == 0 || err_errno(err, "rename %s", day->folder));
    if (ok) {
        atomic_store(&day->is_dropped, true);
        day->dropped_folder = to;
    } else {
        free(to);
    }
    pthread_mutex_unlock(&day->manifest_lock);
    return ok;
}

void day_bounds(int64_t number, int64_t *out_first_ns, int64_t *out_last_ns)
{
    if (__builtin_mul_overflow(number, NS_PER_DAY, out_first_ns))
        *out_first_ns = number < 0 ? INT64_MIN : INT64_MAX;
    if (__builtin_mul_overflow(number + 1, NS_PER_DAY, out_last_ns))
        *out_last_ns = number < 0 ? INT64_MIN : INT64_MAX;
    else
        *out_last_ns -= 1;
}

void day_note_change(struct day *day, int64_t now_mono_ns)
{
    pthread_mutex_lock(&day->manifest_lock);
    day->changed_mono_ns = now_mono_ns;
    pthread_mutex_unlock(&day->manifest_lock);
}

int64_t day_changed_mono_ns(struct day *day)
{
    pthread_mutex_lock(&day->manifest_lock);
    int64_t at = day->changed_mono_ns;
    pthread_mutex_unlock(&day->manifest_lock);
    return at;
}
