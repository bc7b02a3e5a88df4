#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "storage/log/log_files.h"
#include "tests/fault/fault_disk.h"

#define RECORDS_MAX 4096

static char folder[128];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/logi-log-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    strcat(folder, "/log");
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    struct err err;
    bool ok = disk_remove_folder(&system_disk, folder, &err);
    *strrchr(folder, '/') = '\0';
    return ok && rmdir(folder) == 0 ? 0 : 1;
}

static struct log_files_config config_of(const struct disk *disk)
{
    return (struct log_files_config){.disk = disk, .clock = &system_clock, .folder = folder, .durability = LOG_SYNC, .file_bytes = 1024,
                                     .queue_bytes = 1 << 20, .batch_bytes = 1 << 16, .record_bytes_max = 8192};
}

struct job {
    struct log_append append;
    atomic_int answer; // 0: none, 1: ok, 2: refused
    char text[64];
};

static void job_done(struct log_append *append, bool ok, const struct err *err)
{
    (void)err;
    atomic_store(&((struct job *)append)->answer, ok ? 1 : 2);
}

/* True: acknowledged. The text is "record <n>" and some padding, so that records differ in size. */
static bool append_one(struct log *log, struct job *job, unsigned n)
{
    struct err err;
    memset(job, 0, sizeof(*job));
    (void)snprintf(job->text, sizeof(job->text), "record %u %.*s", n, (int)(n % 17), "................");
    job->append = (struct log_append){.pieces = {slice_of(job->text, 3), slice_str(job->text + 3)}, .piece_count = 2, .charge_bytes = 64, .done = job_done};
    if (!log->append(log->self, &job->append, &err))
        return false;
    while (atomic_load(&job->answer) == 0)
        (void)usleep(20);
    return atomic_load(&job->answer) == 1;
}

struct seen {
    unsigned numbers[RECORDS_MAX];
    uint64_t sequences[RECORDS_MAX];
    size_t count, damages;
    char damage[256];
};

static bool see(void *self, uint64_t sequence, struct slice payload, struct err *err)
{
    struct seen *seen = self;
    (void)err;
    char text[128] = {0};
    unsigned n;
    assert_true(payload.len < sizeof(text));
    memcpy(text, payload.ptr, payload.len);
    assert_int_equal(sscanf(text, "record %u", &n), 1);
    assert_int_equal(payload.len, strlen("record  ") + (n >= 1000 ? 4u : n >= 100 ? 3u : n >= 10 ? 2u : 1u) + (n % 17 > 16 ? 16 : n % 17));
    assert_true(seen->count < RECORDS_MAX);
    assert_true(seen->count == 0 || sequence > seen->sequences[seen->count - 1]);
    seen->numbers[seen->count] = n;
    seen->sequences[seen->count++] = sequence;
    return true;
}

static void see_damage(void *self, const char *what)
{
    struct seen *seen = self;
    seen->damages++;
    (void)snprintf(seen->damage, sizeof(seen->damage), "%s", what);
}

static struct seen *replay_all(void)
{
    static struct seen seen;
    memset(&seen, 0, sizeof(seen));
    struct log_files_config config = config_of(&system_disk);
    struct log log;
    struct err err = {.code = ERR_NONE};
    if (!log_files_open(&config, &log, &err) || !log.replay(log.self, (struct log_span){0, 0}, see, see_damage, &seen, &err))
        fail_msg("%s", err.text);
    log.close(log.self);
    return &seen;
}

static void what_was_acknowledged_is_replayed_in_order_across_files_and_restarts(void **state)
{
    (void)state;
    struct log_files_config config = config_of(&system_disk);
    unsigned n = 0;
    for (int life = 0; life < 3; life++) {
        struct log log;
        struct err err;
        assert_true(log_files_open(&config, &log, &err));
        for (int i = 0; i < 50; i++) {
            struct job job;
            assert_true(append_one(&log, &job, n++));
            assert_int_equal(job.append.sequence, n);
        }
        log.close(log.self);
    }
    struct seen *seen = replay_all();
    assert_int_equal(seen->damages, 0);
    assert_int_equal(seen->count, n);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(seen->numbers[i], i);
        assert_int_equal(seen->sequences[i], i + 1);
    }
}

static void a_trimmed_log_takes_no_space_and_never_gives_old_records_or_numbers_again(void **state)
{
    (void)state;
    struct log_files_config config = config_of(&system_disk);
    struct log log;
    struct err err;
    struct job job;
    struct log_stats stats;
    assert_true(log_files_open(&config, &log, &err));
    for (unsigned i = 0; i < 300; i++) {
        assert_true(append_one(&log, &job, i));
        log.trim(log.self, job.append.sequence > 20 ? job.append.sequence - 20 : 0);
    }
    log.stats(log.self, &stats);
    assert_true(stats.files <= 4);
    assert_true(stats.first_sequence <= 281 && stats.first_sequence > 240);
    log.trim(log.self, 300);
    log.close(log.self);
    assert_int_equal(replay_all()->count, 0);
    assert_true(log_files_open(&config, &log, &err));
    log.stats(log.self, &stats);
    assert_int_equal(stats.files, 1);
    assert_true(stats.bytes_on_disk <= 128);
    assert_true(append_one(&log, &job, 1));
    assert_int_equal(job.append.sequence, 301);
    log.close(log.self);
    assert_int_equal(replay_all()->count, 1);
}

/* Files of the folder, of any name, that have the text. */
static unsigned files_with(const char *text)
{
    char command[256], answer[32] = "";
    (void)snprintf(command, sizeof(command), "grep -la '%s' %s/* 2>/dev/null | wc -l", text, folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(answer, sizeof(answer), pipe));
    (void)pclose(pipe);
    return (unsigned)atoi(answer);
}

static void a_renewed_log_leaves_nothing_of_what_was_trimmed_while_appends_go_on(void **state)
{
    (void)state;
    struct log_files_config config = config_of(&system_disk);
    struct log log;
    struct err err;
    struct job job;
    config.file_bytes = 4096;
    assert_true(log_files_open(&config, &log, &err));
    for (unsigned i = 0; i < 100; i++)
        assert_true(append_one(&log, &job, i)); // several files
    log.trim(log.self, 60);                     // some become spares
    assert_true(append_one(&log, &job, 900));
    assert_true(files_with("ord 900") == 1);
    log.renew(log.self);
    assert_true(append_one(&log, &job, 901));
    log.trim(log.self, job.append.sequence - 1);
    assert_int_equal(files_with("ord 1 "), 0);
    assert_int_equal(files_with("ord 99 "), 0);
    assert_int_equal(files_with("ord 900"), 0);
    assert_int_equal(files_with("ord 901"), 1);
    log.close(log.self);
    assert_int_equal(replay_all()->count, 1);
}

static void every_flipped_bit_is_found_or_is_the_tail(void **state)
{
    (void)state;
    struct log_files_config config = config_of(&system_disk);
    struct log log;
    struct err err;
    struct job job;
    assert_true(log_files_open(&config, &log, &err));
    for (unsigned i = 0; i < 6; i++)
        assert_true(append_one(&log, &job, i));
    log.close(log.self);
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/0000000000000001.log", folder);
    struct buf bytes = BUF_INIT;
    assert_true(disk_read_file(&system_disk, path, 1 << 20, &bytes, &err));
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ (1 << (bit % 8)));
        assert_true(disk_replace_file(&system_disk, path, buf_slice(&bytes), &err));
        struct seen seen = {.count = 0};
        uint64_t records;
        assert_true(log_files_verify(&system_disk, folder, see_damage, &seen, &records, &err));
        bool is_head = bit / 8 < 128;
        bool is_whole = records == 6;
        bool is_tail = records == 5 && seen.damages == 0 && bit / 8 > 128 + 5 * 40;
        if (is_head ? !is_whole || seen.damages != 1 : !is_whole && !is_tail && (records != 5 || seen.damages != 1))
            fail_msg("bit %zu: %llu records, %zu damages", bit, (unsigned long long)records, seen.damages);
        bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ (1 << (bit % 8)));
    }
    for (size_t keep = 0; keep < bytes.len; keep++) { // cut short, anywhere
        assert_true(disk_replace_file(&system_disk, path, slice_of(bytes.ptr, keep), &err));
        struct seen seen = {.count = 0};
        uint64_t records;
        assert_true(log_files_verify(&system_disk, folder, see_damage, &seen, &records, &err));
        assert_true((records < 6 || keep + 8 > bytes.len) && seen.damages <= 1); // of the last record the padding may go
    }
    buf_fini(&bytes);
}

/* Appends until n are through or the log is broken; notes which were acknowledged. Trims on its way. */
static size_t run_script(const struct disk *disk, bool acked[RECORDS_MAX], bool repairs)
{
    struct log_files_config config = config_of(disk);
    struct log log;
    struct err err;
    memset(acked, 0, RECORDS_MAX);
    if (!log_files_open(&config, &log, &err))
        return 0;
    size_t count = 0;
    for (unsigned i = 0; i < 60; i++) {
        struct job job;
        acked[i] = append_one(&log, &job, i);
        for (int tries = 0; repairs && !acked[i] && tries < 5000; tries++) { // as a client would: sent again until it is taken
            (void)usleep(100);
            (void)log.repair(log.self, &err);
            acked[i] = append_one(&log, &job, i);
        }
        count += acked[i];
        if (i % 20 == 19)
            log.trim(log.self, 5);
    }
    log.close(log.self);
    return count;
}

static void expect_acked(const bool acked[RECORDS_MAX], const char *what, unsigned n)
{
    struct seen *seen = replay_all();
    size_t at = 0;
    if (seen->damages > 0)
        fail_msg("%s %u: false damage: %s", what, n, seen->damage);
    for (unsigned i = 6; i < 60; i++) { // the first may be trimmed
        while (at < seen->count && seen->numbers[at] < i)
            at++;
        bool is_there = at < seen->count && seen->numbers[at] == i;
        if (acked[i] && !is_there)
            fail_msg("%s %u: record %u was acknowledged and is lost", what, n, i);
    }
}

static void clean_up(void)
{
    struct err err;
    assert_true(disk_remove_folder(&system_disk, folder, &err));
}

static void a_power_cut_at_any_call_loses_nothing_acknowledged_and_raises_no_false_alarm(void **state)
{
    (void)state;
    static bool acked[RECORDS_MAX];
    for (unsigned nth = 1;; nth++) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            struct fault_disk fault;
            fault_disk_init(&fault);
            fault.keeps_undo = true;
            fault.stops_at = nth;
            (void)run_script(&fault.disk, acked, false);
            bool was_reached = fault.calls >= nth;
            fault_disk_power_cut(&fault, seed == 0 ? 0 : seed * 7919 + nth);
            fault_disk_fini(&fault);
            if (access(folder, F_OK) == 0)
                expect_acked(acked, "power cut at call", nth);
            if (access(folder, F_OK) == 0)
                clean_up();
            if (!was_reached) {
                assert_true(nth > 100);
                assert_true(disk_make_folders(&system_disk, folder, &(struct err){.code = ERR_NONE}));
                return;
            }
        }
    }
}

static void any_single_failed_call_loses_nothing_acknowledged_and_the_log_recovers(void **state)
{
    (void)state;
    static bool acked[RECORDS_MAX];
    for (enum fault_kind kind = FAULT_EIO; kind <= FAULT_SHORT; kind++) {
        for (unsigned nth = 1;; nth++) {
            struct fault_disk fault;
            fault_disk_init(&fault);
            fault.fails_at = nth;
            fault.fault = kind;
            size_t count = run_script(&fault.disk, acked, true);
            unsigned faults = fault.faults;
            fault_disk_fini(&fault);
            if (count != 0 && count < 60)
                fail_msg("fault %d at call %u: %zu of 60 were taken", (int)kind, nth, count);
            if (access(folder, F_OK) == 0) {
                expect_acked(acked, "failed call", nth);
                clean_up();
            }
            if (faults == 0)
                break;
        }
    }
    assert_true(disk_make_folders(&system_disk, folder, &(struct err){.code = ERR_NONE}));
}

static void a_disk_below_its_reserve_refuses_and_comes_back(void **state)
{
    (void)state;
    struct fault_disk fault;
    fault_disk_init(&fault);
    struct log_files_config config = config_of(&fault.disk);
    config.free_bytes_reserve = 1000;
    struct log log;
    struct err err;
    struct job job;
    fault.free_bytes = 999;
    assert_true(log_files_open(&config, &log, &err));
    assert_false(append_one(&log, &job, 1));
    assert_false(log.append(log.self, &job.append, &err));
    assert_int_equal(err.code, ERR_DISK_FULL);
    pthread_mutex_lock(&fault.lock);
    fault.free_bytes = 100000;
    pthread_mutex_unlock(&fault.lock);
    for (int i = 0; i < 500 && !append_one(&log, &job, 1); i++)
        (void)usleep(10000);
    assert_int_equal(atomic_load(&job.answer), 1);
    log.close(log.self);
    fault_disk_fini(&fault);
}

struct writer {
    pthread_t thread;
    struct log *log;
    unsigned first;
};

static _Atomic uint64_t last_done;

static void ordered_done(struct log_append *append, bool ok, const struct err *err)
{
    assert_true(ok && append->sequence == atomic_load(&last_done) + 1);
    atomic_store(&last_done, append->sequence);
    job_done(append, ok, err);
}

static void *write_many(void *self)
{
    struct writer *writer = self;
    static struct job jobs[4][500];
    struct err err;
    for (unsigned i = 0; i < 500; i++) {
        struct job *job = &jobs[writer->first / 500][i];
        (void)snprintf(job->text, sizeof(job->text), "record %u %.*s", writer->first + i, (int)((writer->first + i) % 17), "................");
        job->append = (struct log_append){.pieces = {slice_str(job->text)}, .piece_count = 1, .charge_bytes = 64, .done = ordered_done};
        while (!writer->log->append(writer->log->self, &job->append, &err))
            (void)usleep(100);
    }
    for (unsigned i = 0; i < 500; i++)
        while (atomic_load(&jobs[writer->first / 500][i].answer) == 0)
            (void)usleep(50);
    return NULL;
}

static void many_threads_share_syncs_and_are_answered_in_sequence_order(void **state)
{
    (void)state;
    struct log_files_config config = config_of(&system_disk);
    config.file_bytes = 1 << 20;
    struct log log;
    struct err err;
    struct log_stats stats;
    struct writer writers[4];
    assert_true(log_files_open(&config, &log, &err));
    for (unsigned i = 0; i < 4; i++) {
        writers[i] = (struct writer){.log = &log, .first = i * 500};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_many, &writers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++)
        pthread_join(writers[i].thread, NULL);
    log.stats(log.self, &stats);
    assert_int_equal(stats.records_logged, 2000);
    assert_true(stats.syncs < 2000);
    log.close(log.self);
    assert_int_equal(replay_all()->count, 2000);
}

/* ---- a disk that hangs ---- */

static atomic_bool hangs;
static atomic_int hanging;

static int hanging_fsync(const struct disk *disk, int fd)
{
    (void)disk;
    atomic_fetch_add(&hanging, 1);
    while (atomic_load(&hangs))
        (void)usleep(1000);
    atomic_fetch_sub(&hanging, 1);
    return system_disk.fsync(&system_disk, fd);
}

static atomic_int told;

static void *ask_stats(void *self)
{
    struct log *log = self;
    struct log_stats stats;
    log->stats(log->self, &stats);
    atomic_store(&told, 1);
    return NULL;
}

static void figures_are_told_while_the_disk_hangs_at_a_new_file(void **state)
{
    (void)state;
    struct disk disk = system_disk;
    disk.fsync = hanging_fsync; // of a file's head and of the folder: data go by fdatasync
    struct log_files_config config = config_of(&disk);
    struct log log;
    struct err err;
    pthread_t asking;
    static struct job job;
    assert_true(log_files_open(&config, &log, &err));
    atomic_store(&hangs, true);
    job = (struct job){.append = {.pieces = {SLICE("one")}, .piece_count = 1, .charge_bytes = 3, .done = job_done}};
    assert_true(log.append(log.self, &job.append, &err));
    while (atomic_load(&hanging) == 0)
        (void)usleep(1000);
    assert_int_equal(pthread_create(&asking, NULL, ask_stats, &log), 0);
    for (int i = 0; i < 10000 && atomic_load(&told) == 0; i++)
        (void)usleep(1000);
    int was_told = atomic_load(&told);
    atomic_store(&hangs, false);
    assert_int_equal(pthread_join(asking, NULL), 0);
    assert_int_equal(was_told, 1);
    while (atomic_load(&job.answer) == 0)
        (void)usleep(1000);
    assert_int_equal(atomic_load(&job.answer), 1);
    log.close(log.self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_acknowledged_is_replayed_in_order_across_files_and_restarts, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_trimmed_log_takes_no_space_and_never_gives_old_records_or_numbers_again, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_renewed_log_leaves_nothing_of_what_was_trimmed_while_appends_go_on, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_found_or_is_the_tail, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_power_cut_at_any_call_loses_nothing_acknowledged_and_raises_no_false_alarm, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(any_single_failed_call_loses_nothing_acknowledged_and_the_log_recovers, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_disk_below_its_reserve_refuses_and_comes_back, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(many_threads_share_syncs_and_are_answered_in_sequence_order, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(figures_are_told_while_the_disk_hangs_at_a_new_file, make_folder, drop_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
