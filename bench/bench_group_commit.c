/* bench_group_commit.c: records a second and the time to an acknowledgement, by writers that wait for each; against a bare pwrite + fdatasync. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "storage/log/log_files.h"

#define RECORD_BYTES 4096
#define RECORDS 2000 // of each writer

static char payload[RECORD_BYTES];

struct job {
    struct log_append append;
    sem_t done;
    bool ok;
};

struct writer {
    pthread_t thread;
    struct log *log;
    int64_t took_ns[RECORDS];
};

static void job_done(struct log_append *append, bool ok, const struct err *err)
{
    struct job *job = (struct job *)append;
    (void)err;
    job->ok = ok;
    sem_post(&job->done);
}

static void *write_all(void *self)
{
    struct writer *writer = self;
    for (size_t i = 0; i < RECORDS; i++) {
        struct job job = {.append = {.pieces = {slice_of(payload, RECORD_BYTES)}, .piece_count = 1, .charge_bytes = RECORD_BYTES, .done = job_done}};
        struct err err;
        int64_t start = clock_mono_ns(&system_clock);
        sem_init(&job.done, 0, 0);
        if (!writer->log->append(writer->log->self, &job.append, &err))
            abort();
        while (sem_wait(&job.done) != 0)
            continue;
        if (!job.ok)
            abort();
        writer->took_ns[i] = clock_mono_ns(&system_clock) - start;
    }
    return NULL;
}

static int by_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void show(const char *name, int64_t *took_ns, size_t count, int64_t all_ns)
{
    qsort(took_ns, count, sizeof(took_ns[0]), by_ns);
    printf("%-28s %9.0f records/s   p50 %8.1f us   p99 %8.1f us\n", name, (double)count * 1e9 / (double)all_ns,
           (double)took_ns[count / 2] / 1e3, (double)took_ns[count * 99 / 100] / 1e3);
}

static void run(const char *folder, size_t writer_count)
{
    struct log_files_config config = {.disk = &system_disk, .clock = &system_clock, .folder = folder, .durability = LOG_SYNC, .file_bytes = 64 << 20,
                                      .queue_bytes = 64 << 20, .batch_bytes = 4 << 20, .record_bytes_max = 1 << 20};
    struct log log;
    struct err err;
    if (!log_files_open(&config, &log, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    struct writer *writers = mem_array(writer_count, sizeof(*writers));
    int64_t start = clock_mono_ns(&system_clock);
    for (size_t i = 0; i < writer_count; i++) {
        writers[i].log = &log;
        if (pthread_create(&writers[i].thread, NULL, write_all, &writers[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < writer_count; i++)
        pthread_join(writers[i].thread, NULL);
    int64_t all_ns = clock_mono_ns(&system_clock) - start;
    int64_t *took_ns = mem_array(writer_count * RECORDS, sizeof(int64_t));
    for (size_t i = 0; i < writer_count; i++)
        memcpy(took_ns + i * RECORDS, writers[i].took_ns, sizeof(writers[i].took_ns));
    char name[64];
    (void)snprintf(name, sizeof(name), "log, 4 KiB, %zu writers", writer_count);
    show(name, took_ns, writer_count * RECORDS, all_ns);
    log.trim(log.self, UINT64_MAX);
    log.close(log.self);
    mem_free(took_ns);
    mem_free(writers);
}

static void floor_sync(const char *folder)
{
    char path[256];
    static int64_t took_ns[RECORDS];
    (void)snprintf(path, sizeof(path), "%s/floor", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, (off_t)RECORDS * RECORD_BYTES) != 0)
        abort();
    int64_t all = clock_mono_ns(&system_clock);
    for (size_t i = 0; i < RECORDS; i++) {
        int64_t start = clock_mono_ns(&system_clock);
        if (pwrite(fd, payload, RECORD_BYTES, (off_t)(i * RECORD_BYTES)) != RECORD_BYTES || fdatasync(fd) != 0)
            abort();
        took_ns[i] = clock_mono_ns(&system_clock) - start;
    }
    show("floor: pwrite + fdatasync", took_ns, RECORDS, clock_mono_ns(&system_clock) - all);
    (void)close(fd);
    (void)unlink(path);
}

int main(int argc, char **argv)
{
    char folder[] = "./bench-log-XXXXXX";
    (void)argv;
    if (argc > 1 || mkdtemp(folder) == NULL)
        return 1;
    floor_sync(folder);
    run(folder, 1);
    run(folder, 8);
    run(folder, 32);
    struct err ignored;
    return disk_remove_folder(&system_disk, folder, &ignored) ? 0 : 1;
}
