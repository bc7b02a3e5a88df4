#include "storage/log/log_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "storage/log/log_writer.h"

#define BATCH_RECORDS_MAX 4096
#define IDLE_NS (10 * NS_PER_S)          // then space that is not used is given back
#define SPACE_CHECK_NS (250 * NS_PER_MS) // how often the file system is asked how much is free

struct log_files {
    struct log_files_config config;
    char *path;
    struct queue *queue;
    pthread_t committer;
    atomic_bool is_stopping, is_failed, is_full;

    // Held by who touches the writer: the committer for a batch, repair. Taken before `lists`.
    pthread_mutex_t work;
    struct log_writer writer;
    uint64_t next_number, next_sequence;
    bool is_dirty; // LOG_ASYNC: written and not synced
    int64_t synced_mono_ns, appended_mono_ns, space_checked_mono_ns;
    struct log_append *held; // popped, too large for the batch before
    struct log_append *batch[BATCH_RECORDS_MAX];

    // Held by who touches the folder's lists: never for the length of a sync.
    pthread_mutex_t lists;
    struct log_folder folder;
    uint64_t beginning;    // a file of this number is being made, perhaps of a spare; 0: none
    uint64_t replay_below; // files with smaller numbers were there at open

    _Atomic uint64_t trimmed, first_sequence, last_sequence; // last: acknowledged
    atomic_bool renews;           // the next append begins a new file
    _Atomic uint64_t wiped_below; // files with smaller numbers do not become spares
    _Atomic uint64_t durable;                                // synced, so also after a power cut
    _Atomic uint64_t bytes_logged, records_logged, syncs, disk_full_failures;
};

static int64_t now_ns(const struct log_files *log)
{
    return clock_mono_ns(log->config.clock);
}

/* ---- answers ---- */

static void answer(struct log_files *log, struct log_append *append, bool ok, const struct err *err)
{
    size_t charged = append->node.bytes; // done may free the append
    append->done(append, ok, err);
    queue_paid(log->queue, charged);
}

static void refuse(struct log_files *log, struct log_append *const *appends, size_t count, const struct err *err)
{
    if (err->code == ERR_DISK_FULL) {
        PUBLISH(&log->is_full, true);
        atomic_fetch_add(&log->disk_full_failures, 1);
    }
    for (size_t i = 0; i < count; i++)
        answer(log, appends[i], false, err);
}

static void acknowledge(struct log_files *log, struct log_append *const *appends, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += log_append_bytes(appends[i]);
    atomic_fetch_add(&log->bytes_logged, bytes);
    atomic_fetch_add(&log->records_logged, count);
    PUBLISH(&log->last_sequence, appends[count - 1]->sequence);
    for (size_t i = 0; i < count; i++)
        answer(log, appends[i], true, NULL);
}

/* ---- files; the caller holds work ---- */

/* Closes the file that is written. Not good: nothing may follow in it, and what was refused is cut off so that it is not replayed, if that works. */
static void end_file(struct log_files *log, uint64_t end)
{
    if (log->writer.fd < 0)
        return;
    if (end > 0) {
        log->writer.at = end;
        log_writer_shrink(&log->writer);
    }
    pthread_mutex_lock(&log->lists);
    log->folder.files[log->folder.count - 1].bytes = log->writer.allocated;
    pthread_mutex_unlock(&log->lists);
    log_writer_end(&log->writer);
    log->is_dirty = false;
}

static bool begin_file(struct log_files *log, struct err *err)
{
    uint64_t seed[3] = {(uint64_t)clock_wall_ns(log->config.clock), (uint64_t)now_ns(log), log->next_number};
    struct log_file_head head = {
        .number = log->next_number++, // also of a file that could not be made: a number is never used twice
        .epoch = hash64(slice_of(seed, sizeof(seed))),
        .first_sequence = log->next_sequence,
        .durable_sequence = atomic_load(&log->durable),
    };
    pthread_mutex_lock(&log->lists);
    log->beginning = head.number;
    uint64_t spare = log_folder_take_spare(&log->folder);
    pthread_mutex_unlock(&log->lists);
    bool is_named = false; // also of one that failed after: it goes when it is trimmed, in its order
    bool ok = log_writer_begin(&log->writer, &log->folder, spare, &head, &is_named, err);
    pthread_mutex_lock(&log->lists);
    log->beginning = 0;
    if (is_named)
        log_folder_add(&log->folder, (struct log_folder_file){
                                         .number = head.number,
                                         .first_sequence = head.first_sequence,
                                         .durable_sequence = head.durable_sequence,
                                         .bytes = ok ? log->writer.allocated : 0,
                                     });
    if (is_named && log->folder.count == 1)
        PUBLISH(&log->first_sequence, head.first_sequence);
    pthread_mutex_unlock(&log->lists);
    return ok;
}

/* After a write or sync that failed. The file is given up; a full disk is not the disk's failure. */
static void give_up_file(struct log_files *log, uint64_t good_end, const struct err *err)
{
    end_file(log, good_end);
    if (err->code != ERR_DISK_FULL)
        PUBLISH(&log->is_failed, true);
}

static bool sync_file(struct log_files *log, struct err *err)
{
    uint64_t written = log->next_sequence - 1;
    if (!log_writer_sync(&log->writer, err))
        return false;
    atomic_fetch_add(&log->syncs, 1);
    PUBLISH(&log->durable, written);
    log->is_dirty = false;
    log->synced_mono_ns = now_ns(log);
    return true;
}

/* A file with room for at least `bytes`. */
static bool make_room(struct log_files *log, size_t bytes, struct err *err)
{
    bool is_fitting = false;
    if (log->writer.fd >= 0 && !log_writer_reserve(&log->writer, bytes, &is_fitting, err))
        return false;
    if (is_fitting && !(atomic_load(&log->renews) && atomic_exchange(&log->renews, false)))
        return true;
    if (log->is_dirty && !sync_file(log, err)) {
        give_up_file(log, log->writer.at, err);
        return false;
    }
    end_file(log, 0);
    return begin_file(log, err) && log_writer_reserve(&log->writer, bytes, &is_fitting, err);
}

static bool check_space(struct log_files *log, struct err *err)
{
    int64_t now = now_ns(log);
    if (!RELAXED(&log->is_full) && log->space_checked_mono_ns != 0 && now - log->space_checked_mono_ns < SPACE_CHECK_NS)
        return true;
    uint64_t free_bytes;
    uint64_t size;
    if (log->config.disk->free_bytes(log->config.disk, log->path, &free_bytes, &size) != 0)
        return err_errno(err, "log: free space");
    log->space_checked_mono_ns = now;
    bool is_full = free_bytes < log->config.free_bytes_reserve;
    PUBLISH(&log->is_full, is_full);
    return !is_full || err_set(err, ERR_DISK_FULL, "log: %llu bytes are free, %llu are kept in reserve: free some space or shorten the retention",
                               (unsigned long long)free_bytes, (unsigned long long)log->config.free_bytes_reserve);
}

/* ---- batches; the caller holds work ---- */

/* The first of the batch that fit into the file, written and synced. Returns how many were answered, all if something failed. */
static size_t commit_some(struct log_files *log, struct log_append **appends, size_t count)
{
    struct err err = {.code = ERR_NONE};
    size_t first = log_record_bytes(log_append_bytes(appends[0]));
    if (!make_room(log, first, &err)) {
        refuse(log, appends, count, &err);
        return count;
    }
    uint64_t good_end = log->writer.at;
    uint64_t end = good_end + first;
    appends[0]->sequence = log->next_sequence++;
    size_t n = 1;
    for (; n < count; n++) {
        size_t bytes = log_record_bytes(log_append_bytes(appends[n]));
        if (end + bytes > log->writer.allocated)
            break;
        end += bytes;
        appends[n]->sequence = log->next_sequence++;
    }
    int64_t start = now_ns(log);
    bool ok = log_writer_write(&log->writer, appends, n, atomic_load(&log->durable), &err);
    int64_t wrote = now_ns(log);
    if (ok && log->config.durability == LOG_SYNC)
        ok = sync_file(log, &err);
    if (!ok) {
        give_up_file(log, good_end, &err);
        refuse(log, appends, count, &err);
        return count;
    }
    log->is_dirty = log->config.durability != LOG_SYNC;
    if (log->config.observe != NULL)
        log->config.observe(log->config.observe_self, wrote - start, now_ns(log) - wrote, n, (size_t)(end - good_end));
    acknowledge(log, appends, n);
    return n;
}

static void commit(struct log_files *log, struct log_append **appends, size_t count)
{
    struct err err = {.code = ERR_NONE};
    pthread_mutex_lock(&log->work);
    bool ok = !RELAXED(&log->is_failed) || err_set(&err, ERR_UNAVAILABLE, "the log has failed and waits for repair");
    ok = ok && check_space(log, &err);
    if (ok) {
        log->appended_mono_ns = now_ns(log);
        for (size_t done = 0; done < count;)
            done += commit_some(log, appends + done, count - done);
    } else {
        refuse(log, appends, count, &err);
    }
    pthread_mutex_unlock(&log->work);
}

/* What waits, up to a batch. Thread: the committer. */
static size_t gather(struct log_files *log)
{
    size_t count = 0;
    size_t bytes = 0;
    int64_t until = 0;
    while (count < BATCH_RECORDS_MAX) {
        struct log_append *append = log->held != NULL ? log->held : (struct log_append *)queue_pop(log->queue);
        log->held = NULL;
        if (append == NULL) {
            if (count == 0 || log->config.gather_ns <= 0 || atomic_load(&log->is_stopping))
                break;
            int64_t left = until - now_ns(log);
            if (left <= 0)
                break;
            queue_wait(log->queue, left);
            continue;
        }
        size_t more = log_record_bytes(log_append_bytes(append));
        if (count > 0 && bytes + more > log->config.batch_bytes) {
            log->held = append;
            break;
        }
        if (count == 0)
            until = now_ns(log) + log->config.gather_ns;
        bytes += more;
        log->batch[count++] = append;
    }
    return count;
}

/* ---- idle times ---- */

/* All that was logged is trimmed: begins a file that is nothing but a head (it keeps the numbers), and drops the rest. */
static void give_back_space(struct log_files *log)
{
    struct err ignored;
    bool is_empty = atomic_load(&log->trimmed) >= atomic_load(&log->last_sequence);
    bool is_fresh = log->writer.fd >= 0 && log->writer.at == LOG_FILE_START;
    if (log->is_dirty && !sync_file(log, &ignored)) {
        give_up_file(log, log->writer.at, &ignored);
        return;
    }
    pthread_mutex_lock(&log->lists); // trimming may drop files meanwhile
    bool has_files = log->folder.count > 0;
    pthread_mutex_unlock(&log->lists);
    if (is_empty && !is_fresh && has_files) {
        end_file(log, 0);
        if (!begin_file(log, &ignored))
            return; // the next append tries again
    }
    log_writer_shrink(&log->writer);
    pthread_mutex_lock(&log->lists);
    if (log->writer.fd >= 0)
        log->folder.files[log->folder.count - 1].bytes = log->writer.allocated;
    while (is_empty && log->folder.count > 1 && log_folder_drop_oldest(&log->folder, 0))
        continue;
    log_folder_drop_spares(&log->folder);
    if (log->folder.count > 0)
        PUBLISH(&log->first_sequence, log->folder.files[0].first_sequence);
    pthread_mutex_unlock(&log->lists);
}

/* What is due while nothing waits; returns how long to sleep. */
static int64_t rest(struct log_files *log)
{
    pthread_mutex_lock(&log->work);
    int64_t now = now_ns(log);
    int64_t sleep = IDLE_NS;
    if (log->is_dirty) {
        int64_t left = log->synced_mono_ns + log->config.sync_interval_ns - now;
        struct err err = {.code = ERR_NONE};
        if (left > 0)
            sleep = left;
        else if (!sync_file(log, &err))
            give_up_file(log, log->writer.at, &err);
    } else if (RELAXED(&log->is_full)) {
        struct err ignored;
        sleep = SPACE_CHECK_NS;
        (void)check_space(log, &ignored);
    } else if (now - log->appended_mono_ns >= IDLE_NS && !RELAXED(&log->is_failed)) {
        give_back_space(log);
    }
    pthread_mutex_unlock(&log->work);
    return sleep;
}

static void *run_committer(void *self)
{
    struct log_files *log = self;
    (void)pthread_setname_np(pthread_self(), "log committer");
    rcu_thread_join(); // done callbacks may read what others publish
    for (;;) {
        bool is_stopping = atomic_load(&log->is_stopping); // before gather: what came before it is taken
        size_t count = gather(log);
        if (count > 0)
            commit(log, log->batch, count);
        else if (is_stopping)
            break;
        else
            queue_wait(log->queue, rest(log));
    }
    rcu_thread_part();
    return NULL;
}

/* ---- the interface ---- */

static bool log_files_append(void *self, struct log_append *append, struct err *err)
{
    struct log_files *log = self;
    size_t bytes = log_append_bytes(append);
    assert(append->piece_count <= LENGTH(append->pieces));
    if (bytes == 0)
        return err_set(err, ERR_INVALID, "log: an empty record");
    if (bytes > log->config.record_bytes_max)
        return err_set(err, ERR_TOO_LARGE, "log: a record of %zu bytes, at most %zu are taken", bytes, log->config.record_bytes_max);
    if (OBSERVE(&log->is_failed))
        return err_set(err, ERR_UNAVAILABLE, "the log has failed and waits for repair");
    if (OBSERVE(&log->is_full))
        return err_set(err, ERR_DISK_FULL, "the disk of the log is full: free some space or shorten the retention");
    append->queued_mono_ns = now_ns(log);
    if (!queue_push(log->queue, &append->node, append->charge_bytes))
        return err_set(err, ERR_UNAVAILABLE, "log: %zu bytes wait for the disk, at most %zu may: send again later",
                       queue_bytes(log->queue), log->config.queue_bytes);
    return true;
}

static void log_files_trim(void *self, uint64_t upto)
{
    struct log_files *log = self;
    bool is_news = upto > atomic_load(&log->trimmed);
    if (is_news)
        PUBLISH(&log->trimmed, upto);
    pthread_mutex_lock(&log->lists);
    struct log_folder *folder = &log->folder;
    // The newest stays, whatever is in it: it keeps the numbers. A file whose head is damaged goes with the one behind it.
    while (folder->count > 1) {
        size_t next = 1;
        while (next < folder->count && folder->files[next].first_sequence == 0)
            next++;
        if (next == folder->count || folder->files[next].first_sequence - 1 > upto)
            break;
        bool is_wiped = folder->files[0].number < atomic_load(&log->wiped_below);
        if (!log_folder_drop_oldest(folder, is_wiped ? 0 : log->config.file_bytes))
            break;
    }
    if (folder->count > 0)
        PUBLISH(&log->first_sequence, folder->files[0].first_sequence);
    pthread_mutex_unlock(&log->lists);
    if (is_news)
        queue_wake(log->queue); // all may be trimmed now: see rest
}

/* Whether no record of file i can be in the span. */
static bool is_outside(const struct log_folder *folder, size_t i, struct log_span span)
{
    uint64_t next = i + 1 < folder->count ? folder->files[i + 1].first_sequence : 0; // 0: there is none, or its head is damaged
    bool is_empty = next != 0 && next == folder->files[i].first_sequence;
    return is_empty || (next != 0 && next <= span.first) || (span.last != 0 && folder->files[i].first_sequence > span.last);
}

static bool replay_files(const struct log_folder *folder, uint64_t below, struct log_span span, const struct log_visitor *visitor,
                         struct err *err)
{
    struct buf bytes = BUF_INIT;
    bool ok = true;
    for (size_t i = 0; ok && i < folder->count && folder->files[i].number < below; i++) {
        if (is_outside(folder, i, span))
            continue;
        char path[LOG_PATH_MAX];
        log_folder_path(folder, folder->files[i].number, path);
        const char *name = strrchr(path, '/') + 1;
        struct log_file_head head;
        struct log_file_found found;
        if (!log_folder_read(folder, folder->files[i].number, &bytes, err)) {
            if (err->code == ERR_NOT_FOUND)
                continue; // trimmed since the folder was listed
            ok = false;
            break;
        }
        uint64_t durable = i + 1 < folder->count ? folder->files[i + 1].durable_sequence : 0;
        durable = durable > span.last ? durable : span.last;
        ok = log_reader_walk(buf_slice(&bytes), name, folder->files[i].number, durable, visitor, &head, &found, err);
    }
    buf_fini(&bytes);
    return ok;
}

/* The files as this life knows them: one that is just being made is not among them. */
static void copy_folder(struct log_files *log, struct log_folder *out)
{
    pthread_mutex_lock(&log->lists);
    *out = (struct log_folder){.disk = log->config.disk, .path = mem_strdup(slice_str(log->path))};
    for (size_t i = 0; i < log->folder.count; i++)
        log_folder_add(out, log->folder.files[i]);
    pthread_mutex_unlock(&log->lists);
}

static bool log_files_replay(void *self, struct log_span span, bool (*each)(void *each_self, uint64_t sequence, struct slice payload, struct err *err),
                             void (*damaged)(void *each_self, const char *what), void *each_self, struct err *err)
{
    struct log_files *log = self;
    struct log_visitor visitor = {each_self, each, damaged, span.last};
    struct log_folder folder; // a view of its own: appends may add files meanwhile
    bool ok = true;
    if (span.last == 0)
        ok = log_folder_open(&folder, log->config.disk, log->path, err);
    else
        copy_folder(log, &folder);
    ok = ok && replay_files(&folder, span.last == 0 ? log->replay_below : UINT64_MAX, span, &visitor, err);
    log_folder_close(&folder);
    return ok;
}

static void log_files_renew(void *self)
{
    struct log_files *log = self;
    pthread_mutex_lock(&log->lists);
    uint64_t newest = log->folder.count > 0 ? log->folder.files[log->folder.count - 1].number : 0;
    atomic_store(&log->wiped_below, (log->beginning > newest ? log->beginning : newest) + 1);
    log_folder_drop_spares(&log->folder);
    pthread_mutex_unlock(&log->lists);
    atomic_store(&log->renews, true);
}

static void log_files_stats(void *self, struct log_stats *out)
{
    struct log_files *log = self;
    *out = (struct log_stats){
        .bytes_logged = RELAXED(&log->bytes_logged),
        .records_logged = RELAXED(&log->records_logged),
        .syncs = RELAXED(&log->syncs),
        .disk_full_failures = RELAXED(&log->disk_full_failures),
        .first_sequence = RELAXED(&log->first_sequence),
        .last_sequence = OBSERVE(&log->last_sequence),
        .is_failed = OBSERVE(&log->is_failed),
    };
    pthread_mutex_lock(&log->lists);
    out->files = log->folder.count;
    for (size_t i = 0; i < log->folder.count; i++)
        out->bytes_on_disk += log->folder.files[i].bytes;
    out->bytes_on_disk += log->folder.spare_count * log->config.file_bytes;
    pthread_mutex_unlock(&log->lists);
}

static bool log_files_repair(void *self, struct err *err)
{
    struct log_files *log = self;
    pthread_mutex_lock(&log->work);
    bool ok = true;
    if (RELAXED(&log->is_failed)) {
        end_file(log, 0);
        ok = begin_file(log, err); // writes a head and syncs it: the disk takes writes again
        if (ok)
            PUBLISH(&log->is_failed, false);
    }
    pthread_mutex_unlock(&log->work);
    return ok;
}

static void destroy(struct log_files *log)
{
    log_writer_end(&log->writer);
    log_folder_close(&log->folder);
    queue_destroy(log->queue);
    pthread_mutex_destroy(&log->work);
    pthread_mutex_destroy(&log->lists);
    mem_free(log->path);
    mem_free(log);
}

static void log_files_close(void *self)
{
    struct log_files *log = self;
    atomic_store(&log->is_stopping, true);
    queue_wake(log->queue);
    pthread_join(log->committer, NULL);
    if (!atomic_load(&log->is_failed))
        give_back_space(log);
    destroy(log);
}

/* ---- open ---- */

static bool ignore_record(void *self, uint64_t sequence, struct slice payload, struct err *err)
{
    (void)self, (void)sequence, (void)payload, (void)err;
    return true;
}

static void ignore_damage(void *self, const char *what)
{
    (void)self, (void)what; // replay reports it
}

/* What is replayed is durable: a file that a killed process wrote may be in the page cache only. */
static bool sync_old_file(const struct log_files *log, uint64_t number, struct err *err)
{
    char path[LOG_PATH_MAX];
    log_folder_path(&log->folder, number, path);
    const struct disk *disk = log->config.disk;
    int fd = disk->open(disk, path, O_RDWR, 0);
    if (fd < 0)
        return err_errno(err, "%s: open", path);
    bool ok = disk->fdatasync(disk, fd) == 0 || err_errno(err, "%s: sync", path);
    (void)disk->close(disk, fd); // synced
    return ok;
}

/* Where file i of the folder ends; its numbers go on from there. */
static bool take_end(struct log_files *log, size_t i, struct err *err)
{
    const struct log_visitor visitor = {NULL, ignore_record, ignore_damage, 0};
    const struct log_folder *folder = &log->folder;
    struct buf bytes = BUF_INIT;
    struct log_file_head head;
    struct log_file_found found;
    bool ok = sync_old_file(log, folder->files[i].number, err) && log_folder_read(folder, folder->files[i].number, &bytes, err) &&
              log_reader_walk(buf_slice(&bytes), "", folder->files[i].number, 0, &visitor, &head, &found, err);
    buf_fini(&bytes);
    if (!ok)
        return false;
    // Newer files, which cannot be read, may have held more: a gap in the sequences is allowed, a second use is not.
    uint64_t unread = folder->count - 1 - i;
    log->next_sequence = found.last_seen + 1 + ((unread < 16 ? unread : 16) << 27);
    atomic_init(&log->durable, found.records > 0 ? found.last_good : head.durable_sequence);
    atomic_init(&log->last_sequence, found.last_good);
    return true;
}

/* Where the last life ended: the newest file whose head can be read knows. */
static bool find_end(struct log_files *log, struct err *err)
{
    const struct log_folder *folder = &log->folder;
    log->next_sequence = 1;
    for (size_t i = folder->count; i > 0; i--) {
        if (folder->files[i - 1].first_sequence == 0)
            continue;
        if (!take_end(log, i - 1, err))
            return false;
        break;
    }
    log->next_number = folder->count > 0 ? folder->files[folder->count - 1].number + 1 : 1;
    for (size_t i = 0; i < folder->spare_count; i++)
        if (folder->spares[i] >= log->next_number)
            log->next_number = folder->spares[i] + 1;
    log->replay_below = log->next_number;
    atomic_init(&log->first_sequence, folder->count > 0 ? folder->files[0].first_sequence : 1);
    return true;
}

bool log_files_open(const struct log_files_config *config, struct log *out, struct err *err)
{
    assert(config->file_bytes >= LOG_FILE_START && config->file_bytes <= LOG_FILE_BYTES_MAX);
    assert(config->record_bytes_max > 0 && config->record_bytes_max <= LOG_RECORD_PAYLOAD_MAX);
    struct log_files *log = mem_zero(sizeof(*log));
    log->config = *config;
    log->path = mem_strdup(slice_str(config->folder));
    log->config.folder = log->path;
    log->queue = queue_create(config->queue_bytes);
    log->writer = (struct log_writer){.disk = config->disk, .fd = -1, .file_bytes = config->file_bytes};
    pthread_mutex_init(&log->work, NULL);
    pthread_mutex_init(&log->lists, NULL);
    log->appended_mono_ns = now_ns(log);
    bool ok = disk_make_folders(config->disk, log->path, err) && log_folder_open(&log->folder, config->disk, log->path, err) && find_end(log, err);
    if (ok) {
        int error = pthread_create(&log->committer, NULL, run_committer, log);
        errno = error;
        ok = error == 0 || err_errno(err, "start the committer");
    }
    if (!ok) {
        destroy(log);
        return err_wrap(err, "log");
    }
    *out = (struct log){log, log_files_append, log_files_trim, log_files_replay, log_files_stats, log_files_renew, log_files_repair, log_files_close};
    return true;
}

struct verification {
    void *self;
    void (*damaged)(void *self, const char *what);
    uint64_t records;
};

static bool verify_record(void *self, uint64_t sequence, struct slice payload, struct err *err)
{
    struct verification *verification = self;
    (void)sequence, (void)payload, (void)err; // the reader has checked it
    verification->records++;
    return true;
}

static void verify_damage(void *self, const char *what)
{
    struct verification *verification = self;
    verification->damaged(verification->self, what);
}

bool log_files_verify(const struct disk *disk, const char *path, void (*damaged)(void *self, const char *what), void *self,
                      uint64_t *out_records, struct err *err)
{
    struct verification verification = {self, damaged, 0};
    struct log_visitor visitor = {&verification, verify_record, verify_damage, 0};
    struct log_folder folder;
    bool ok = log_folder_open(&folder, disk, path, err) && replay_files(&folder, UINT64_MAX, (struct log_span){0, 0}, &visitor, err);
    log_folder_close(&folder);
    if (ok)
        *out_records = verification.records;
    return ok;
}
