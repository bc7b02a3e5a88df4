/* The store alone: batches as ingest gives them, pushed flat out until 400 MB of lines are in segments: log, chunk lists, seal with signature, index. CPU of the
 * whole process; an argument opens so many taps first, as live tails of all streams do, each read by a thread of its own. Floor: memcpy of the lines is about 0.1 ns a byte; zstd 1 and the signature cost 2 to 2.5. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "storage/disk/disk.h"
#include "storage/store/store.h"

#define STREAMS 240u
#define RUNS 24u
#define LINES_A_RUN 290u
#define PUSHES 400u

static _Atomic unsigned in_flight;

static void done(struct push_job *job, bool ok, const struct err *err)
{
    (void)err;
    if (!ok)
        abort();
    arena_fini(job->owner);
    mem_free(job->owner);
    mem_free(job);
    atomic_fetch_sub(&in_flight, 1);
}

static double cpu_s(clockid_t whose)
{
    struct timespec now;
    (void)clock_gettime(whose, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static struct push_job *make_push(unsigned number, int64_t start_ns)
{
    struct push_job *job = mem_zero(sizeof(*job));
    struct arena *arena = mem_zero(sizeof(*arena));
    *arena = ARENA_INIT;
    job->owner = arena;
    job->done = done;
    struct push_run *runs = ARENA_ARRAY(arena, struct push_run, RUNS);
    job->batch = (struct push_batch){.tenant = SLICE("bench"), .runs = runs, .run_count = RUNS};
    for (unsigned r = 0; r < RUNS; r++) {
        unsigned stream = (number * RUNS + r) % STREAMS;
        struct label labels[] = {{SLICE("app"), arena_printf(arena, "app-%u", stream % 6)}, {SLICE("pod"), arena_printf(arena, "pod-%u", stream)}};
        runs[r].labels = label_set_encode_in(arena, &(struct label_set){labels, 2});
        runs[r].stream = stream_id(job->batch.tenant, runs[r].labels);
        runs[r].entries = ARENA_ARRAY(arena, struct push_entry, LINES_A_RUN);
        runs[r].count = LINES_A_RUN;
        for (unsigned i = 0; i < LINES_A_RUN; i++) {
            unsigned random = (number * 7919 + r * 104729 + i) * 2654435761u;
            struct slice line = arena_printf(arena, "10.%u.%u.%u - - [21/Nov/2026:05:%02u:%02u +0000] \"GET /api/v1/items/%u HTTP/1.1\" 200 %u \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\" id=%08x%08x",
                                             random >> 30, (random >> 22) & 255, (random >> 14) & 255, i % 60, r % 60, random % 5000, random % 90000, random, random * 40503u);
            runs[r].entries[i] = (struct push_entry){start_ns + (int64_t)number * NS_PER_S + i * 1000 + r, line, SLICE("\x0e" "detected_level\x04" "info")};
            runs[r].line_bytes += line.len;
        }
        runs[r].first_ns = runs[r].entries[0].ts_ns;
        runs[r].last_ns = runs[r].entries[LINES_A_RUN - 1].ts_ns;
        job->batch.line_bytes += runs[r].line_bytes;
        job->batch.entry_count += LINES_A_RUN;
    }
    job->memory_bytes = arena->bytes;
    job->record_body = SLICE("a body that stands for the client's; it is not replayed");
    return job;
}

#define TAPS_MAX 64u

static atomic_bool reading_ends;
static _Atomic uint64_t tapped;

/* Reads what comes, as a tail does, without its pipeline. */
static void *read_tap(void *self)
{
    struct tap *tap = self;
    rcu_thread_join();
    while (!atomic_load(&reading_ends)) {
        struct tap_run *run = tap_take(tap);
        if (run == NULL) {
            (void)usleep(1000);
            continue;
        }
        atomic_fetch_add(&tapped, run->batch.count);
        tap_run_unref(run);
    }
    tap_close(tap);
    rcu_thread_part();
    return NULL;
}

static unsigned taps_open(struct store *store, const char *count, pthread_t *threads)
{
    unsigned taps = 0;
    struct err err;
    for (unsigned wanted = (unsigned)strtoul(count, NULL, 10); taps < wanted && taps < TAPS_MAX; taps++) {
        struct tap *tap = NULL;
        if (!store_tap_open(store, &(struct tap_config){.tenant = SLICE("bench"), .bytes_max = (size_t)4 << 20}, &tap, &err) ||
            pthread_create(&threads[taps], NULL, read_tap, tap) != 0)
            abort();
    }
    return taps;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/logi-bench-store-XXXXXX";
    if (mkdtemp(folder) == NULL)
        return 1;
    rcu_thread_join();
    struct store_config config;
    struct store *store;
    struct err err;
    store_config_defaults(&config);
    config.folder = folder;
    if (!store_open(&config, &store, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    while (!store_ready(store, &err))
        (void)sched_yield();
    pthread_t readers[TAPS_MAX];
    unsigned taps = argc > 1 ? taps_open(store, argv[1], readers) : 0;
    double made = 0, bytes = 0, start = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < PUSHES; i++) {
        double before = cpu_s(CLOCK_THREAD_CPUTIME_ID);
        struct push_job *job = make_push(i, clock_wall_ns(&system_clock) - NS_PER_HOUR);
        bytes += (double)job->batch.line_bytes;
        made += cpu_s(CLOCK_THREAD_CPUTIME_ID) - before;
        while (atomic_load(&in_flight) >= 4)
            (void)usleep(200);
        atomic_fetch_add(&in_flight, 1);
        while (!store_push(store, job, &err))
            (void)usleep(1000);
    }
    if (!store_flush(store, &err))
        fprintf(stderr, "%s\n", err.text);
    double cpu = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - start - made;
    struct store_stats stats;
    struct rusage usage;
    store_stats(store, &stats);
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("store_push: %.0f MB raw, %.0f MB stored, %.2f s CPU, %.0f MB raw a CPU-second (the making of batches, %.2f s, left out), peak RSS %ld MB\n", bytes / 1e6,
           (double)(stats.segment_bytes + stats.signature_bytes) / 1e6, cpu, bytes / 1e6 / cpu, made, usage.ru_maxrss / 1024);
    atomic_store(&reading_ends, true);
    for (unsigned i = 0; i < taps; i++)
        (void)pthread_join(readers[i], NULL);
    if (taps > 0)
        printf("store_push: %u taps took %.0f entries each\n", taps, (double)atomic_load(&tapped) / taps);
    store_close(store);
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}
