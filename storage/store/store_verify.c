#include "storage/store/store_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "storage/day/day_set.h"

struct verify {
    const struct disk *disk;
    int lock_fd;
    struct day_set *days;
    void (*damaged)(void *self, const char *what);
    void *damaged_self;
    struct store_totals *totals;
    const char *where; // the file that is being read
};

static void report(void *self, const char *what)
{
    struct verify *verify = self;
    char text[8192];
    verify->totals->damages++;
    (void)snprintf(text, sizeof(text), "%s: %s", verify->where, what);
    verify->damaged(verify->damaged_self, text);
}

static bool begin(struct verify *verify, const struct store_config *config, struct err *err)
{
    char path[4096];
    verify->disk = config->disk;
    verify->lock_fd = -1;
    (void)snprintf(path, sizeof(path), "%s/LOCK", config->folder);
    verify->lock_fd = config->disk->open(config->disk, path, O_RDWR | O_CLOEXEC, 0);
    if (verify->lock_fd < 0)
        return err_errno(err, "open %s", path);
    if (config->disk->lock(config->disk, verify->lock_fd) != 0)
        return errno == EWOULDBLOCK ? err_set(err, ERR_UNAVAILABLE, "%s is in use by another process", config->folder)
                                    : err_errno(err, "lock %s", path);
    (void)snprintf(path, sizeof(path), "%s/days", config->folder);
    return day_set_open(config->disk, path, &verify->days, err);
}

static void end(struct verify *verify)
{
    day_set_close(verify->days);
    if (verify->lock_fd >= 0)
        (void)verify->disk->close(verify->disk, verify->lock_fd);
}

static void add_totals(struct store_totals *totals, const struct segment_stats *stats)
{
    totals->segments++;
    totals->blocks += stats->blocks;
    totals->streams += stats->streams;
    totals->entries += stats->entries;
    totals->line_bytes += stats->line_bytes;
}

static void verify_index(struct verify *verify, struct day *day)
{
    char path[4096];
    struct stat stat;
    (void)snprintf(path, sizeof(path), "%s/index.mdb", day->folder);
    verify->where = path;
    if (day->disk->stat(day->disk, path, &stat) != 0)
        return; // the next start makes it
    struct day_index *index = NULL;
    bool rebuild = false;
    struct err err;
    if (!day_index_open(day->disk, day->folder, &index, &rebuild, &err)) {
        report(verify, err.text);
        return;
    }
    if (rebuild)
        report(verify, "was not closed in order, or is damaged: the next start fills it anew");
    else
        day_index_verify(index, report, verify);
    day_index_close(index);
}

static bool verify_day(void *self, struct day *day, bool is_damaged, struct err *err)
{
    struct verify *verify = self;
    (void)err;
    verify->totals->days++;
    verify->where = day->manifest.path;
    if (is_damaged)
        report(verify, "a record does not hold");
    for (size_t i = 0; i < day->manifest.name_count; i++) {
        char path[4096];
        struct segment *segment = NULL;
        struct err bad;
        (void)snprintf(path, sizeof(path), "%s/%s.seg", day->folder, day->manifest.names[i]);
        verify->where = path;
        if (!segment_open(day->disk, day->folder, day->manifest.names[i], &segment, &bad)) {
            report(verify, bad.text);
            continue;
        }
        add_totals(verify->totals, segment_stats(segment));
        segment_verify(segment, report, verify);
        segment_unref(segment);
    }
    verify_index(verify, day);
    return true;
}

bool store_verify(const struct store_config *config, void (*damaged)(void *self, const char *what), void *self,
                  struct store_totals *out, struct err *err)
{
    struct verify verify = {.damaged = damaged, .damaged_self = self, .totals = out};
    char log[4096], deletes[4096];
    *out = (struct store_totals){0};
    (void)snprintf(log, sizeof(log), "%s/log", config->folder);
    bool ok = begin(&verify, config, err);
    verify.where = log;
    ok = ok && log_files_verify(config->disk, log, report, &verify, &out->log_records, err) &&
         day_set_load(verify.days, verify_day, &verify, err);
    (void)snprintf(deletes, sizeof(deletes), "%s/deletes", config->folder);
    verify.where = "delete requests";
    ok = ok && delete_book_verify(config->disk, deletes, report, &verify, err);
    end(&verify);
    return ok;
}

static bool segments_of(void *self, struct day *day, struct err *err,
                        bool (*add)(void *add_self, struct slice tenant, struct hash128 id, struct slice labels, struct err *err),
                        void *add_self)
{
    struct verify *verify = self;
    bool ok = true;
    for (size_t i = 0; ok && i < day->manifest.name_count; i++) {
        struct segment *segment = NULL;
        if (!segment_open(day->disk, day->folder, day->manifest.names[i], &segment, err))
            return false;
        add_totals(verify->totals, segment_stats(segment));
        for (size_t k = 0; ok && k < segment_stream_count(segment); k++) {
            const struct segment_stream *stream = segment_stream_at(segment, k);
            ok = add(add_self, stream->tenant, stream->id, stream->encoded_labels, err);
        }
        segment_unref(segment);
    }
    return ok;
}

static bool rebuild_day(void *self, struct day *day, bool is_damaged, struct err *err)
{
    struct verify *verify = self;
    struct day_streams streams = {.self = verify, .each = segments_of};
    struct day_index *index;
    (void)is_damaged; // the next start takes what the manifest may have lost
    verify->totals->days++;
    day->index_must_rebuild = true;
    if (!day_index_hold(day, &streams, 0, &index, err))
        return false;
    day_index_release(day, false);
    return day_index_close_idle(day) || err_set(err, ERR_IO, "index of %s could not be closed", day->folder);
}

bool store_rebuild_index(const struct store_config *config, struct store_totals *out, struct err *err)
{
    struct verify verify = {.totals = out};
    *out = (struct store_totals){0};
    bool ok = begin(&verify, config, err) && day_set_load(verify.days, rebuild_day, &verify, err);
    end(&verify);
    return ok;
}
