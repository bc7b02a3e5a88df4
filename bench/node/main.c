/* main.c: bench_node: pushes the corpus to a server that speaks Loki's push API, flushes, runs the queries of docs/benchmarks.md, and prints what it took.
 *
 *   build/release/bench_node --url http://127.0.0.1:3100 --pid $(pidof logi) --data ./data
 */
#include <getopt.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/node/client.h"
#include "bench/node/corpus.h"
#include "bench/node/process.h"
#include "bench/node/queries.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

#define PUSHES_MAX 65536

struct options {
    const char *url, *data;
    int pid;
    unsigned rounds;
    bool only_queries, no_queries;
    struct corpus_config corpus;
};

struct writer {
    pthread_t thread;
    const struct options *options;
    unsigned index;
    size_t lines, line_bytes, pushes, failed;
    int64_t *latency_ns;
};

static void *writer_main(void *self)
{
    struct writer *writer = self;
    struct client client;
    struct err err = {.code = ERR_NONE};
    struct corpus_push push = {.message = BUF_INIT};
    struct buf packed = BUF_INIT;
    struct buf answer = BUF_INIT;
    struct corpus *corpus = corpus_open(&writer->options->corpus, writer->index);
    if (!client_init(&client, writer->options->url, &err))
        exit(2);
    while (corpus_next(corpus, &push) != 0 && writer->pushes < PUSHES_MAX) {
        size_t len = snappy_max_compressed_length(push.message.len);
        buf_reset(&packed);
        (void)snappy_compress(push.message.ptr, push.message.len, buf_room(&packed, len), &len);
        int status = 0;
        int64_t start = clock_mono_ns(&system_clock);
        bool ok = false;
        for (int tries = 0; tries < 100 && !ok; tries++) { // 429 and 503 mean: again, later
            ok = client_request(&client, "POST", "/loki/api/v1/push", "Content-Type: application/x-protobuf\r\n", slice_of(packed.ptr, len),
                                &status, &answer, &err) && status / 100 == 2;
            if (!ok && status != 429 && status != 503)
                break;
            if (!ok)
                (void)usleep(20000);
        }
        writer->latency_ns[writer->pushes++] = clock_mono_ns(&system_clock) - start;
        writer->lines += push.lines;
        writer->line_bytes += push.line_bytes;
        if (!ok && writer->failed++ == 0)
            (void)fprintf(stderr, "push failed: status %d, %.*s %s\n", status, SLICE_ARG(buf_slice(&answer)), err.text);
    }
    corpus_close(corpus);
    client_fini(&client);
    buf_fini(&push.message);
    buf_fini(&packed);
    buf_fini(&answer);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void flush(const struct options *options)
{
    struct client client;
    struct err err = {.code = ERR_NONE};
    struct buf answer = BUF_INIT;
    int status = 0;
    if (!client_init(&client, options->url, &err) ||
        !client_request(&client, "POST", "/flush", "", SLICE_NONE, &status, &answer, &err) || status / 100 != 2)
        (void)fprintf(stderr, "flush: status %d %s\n", status, err.text);
    client_fini(&client);
    buf_fini(&answer);
}

static void ingest(const struct options *options)
{
    unsigned count = options->corpus.writers;
    struct writer *writers = mem_array(count, sizeof(*writers));
    struct process_usage before = process_usage(options->pid);
    int64_t start = clock_mono_ns(&system_clock);
    for (unsigned i = 0; i < count; i++) {
        writers[i].options = options;
        writers[i].index = i;
        writers[i].latency_ns = mem_array(PUSHES_MAX, sizeof(int64_t));
        (void)pthread_create(&writers[i].thread, NULL, writer_main, &writers[i]);
    }
    size_t lines = 0;
    size_t bytes = 0;
    size_t pushes = 0;
    size_t failed = 0;
    int64_t *latency = mem_array((size_t)PUSHES_MAX * count, sizeof(int64_t));
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_join(writers[i].thread, NULL);
        memcpy(latency + pushes, writers[i].latency_ns, writers[i].pushes * sizeof(int64_t));
        lines += writers[i].lines;
        bytes += writers[i].line_bytes;
        pushes += writers[i].pushes;
        failed += writers[i].failed;
        mem_free(writers[i].latency_ns);
    }
    double pushed_s = (double)(clock_mono_ns(&system_clock) - start) / 1e9;
    flush(options);
    double wall_s = (double)(clock_mono_ns(&system_clock) - start) / 1e9;
    struct process_usage after = process_usage(options->pid);
    double cpu_s = after.cpu_s - before.cpu_s;
    double mb = (double)bytes / 1e6;
    qsort(latency, pushes, sizeof(*latency), by_value);
    printf("ingest   %.1f MB raw, %zu lines, %zu pushes (%zu failed), %u connections, %.2f s (%.2f s with flush)\n", mb, lines, pushes, failed,
           count, pushed_s, wall_s);
    if (options->pid > 0)
        printf("         %.1f MB raw per CPU-second (%.2f CPU s incl. flush), peak RSS %.1f MB, RSS %.1f MB\n", mb / cpu_s, cpu_s,
               (double)after.peak_rss_bytes / 1e6, (double)after.rss_bytes / 1e6);
    if (pushes > 0)
        printf("         push p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", (double)latency[pushes / 2] / 1e6,
               (double)latency[pushes * 99 / 100] / 1e6, (double)latency[pushes - 1] / 1e6);
    if (options->data != NULL) {
        uint64_t stored = folder_bytes(options->data, "log");
        uint64_t log = folder_bytes(options->data, NULL) - stored;
        printf("         disk %.1f MB: %.2f to 1, filters and index included; log beside it %.1f MB\n", (double)stored / 1e6,
               (double)bytes / (double)stored, (double)log / 1e6);
    }
    mem_free(latency);
    mem_free(writers);
}

static void help(void)
{
    (void)puts("Usage: bench_node [FLAGS]\n"
               "  --url URL          the server (http://127.0.0.1:3100)\n"
               "  --pid PID          its process: CPU seconds and memory are taken from /proc\n"
               "  --data DIR         its data folder: bytes on disk\n"
               "  --mb N             MB of raw lines (442)\n"
               "  --streams N        streams (240)\n"
               "  --push-kb N        KB of raw lines a push (1000)\n"
               "  --writers N        connections (4)\n"
               "  --seed N           of the corpus (1)\n"
               "  --start-ns N       time of the first line (an hour before now)\n"
               "  --rounds N         of each query (7)\n"
               "  --only-queries, --no-queries");
}

static bool options_parse(int argc, char **argv, struct options *out)
{
    static const struct option flags[] = {
        {"url", 1, NULL, 'u'},     {"pid", 1, NULL, 'p'},     {"data", 1, NULL, 'd'},      {"mb", 1, NULL, 'm'},
        {"streams", 1, NULL, 's'}, {"push-kb", 1, NULL, 'k'}, {"writers", 1, NULL, 'w'},   {"seed", 1, NULL, 'r'},
        {"start-ns", 1, NULL, 't'}, {"rounds", 1, NULL, 'n'}, {"only-queries", 0, NULL, 'q'}, {"no-queries", 0, NULL, 'x'},
        {"help", 0, NULL, 'h'},    {NULL, 0, NULL, 0}};
    int flag = 0;
    while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
        unsigned long long number = optarg == NULL ? 0 : strtoull(optarg, NULL, 10);
        switch (flag) {
        case 'u': out->url = optarg; break;
        case 'p': out->pid = (int)number; break;
        case 'd': out->data = optarg; break;
        case 'm': out->corpus.bytes = (size_t)number * 1000000; break;
        case 's': out->corpus.streams = (size_t)number; break;
        case 'k': out->corpus.push_bytes = (size_t)number * 1000; break;
        case 'w': out->corpus.writers = (unsigned)number; break;
        case 'r': out->corpus.seed = number; break;
        case 't': out->corpus.start_ns = (int64_t)number; break;
        case 'n': out->rounds = (unsigned)number; break;
        case 'q': out->only_queries = true; break;
        case 'x': out->no_queries = true; break;
        default: return false;
        }
    }
    return optind == argc && out->corpus.writers > 0 && out->corpus.streams > 0;
}

int main(int argc, char **argv)
{
    struct options options = {
        .url = "http://127.0.0.1:3100",
        .rounds = 7,
        .corpus = {.seed = 1, .streams = 240, .bytes = 442000000, .span_ns = NS_PER_HOUR, .push_bytes = 1000000, .writers = 4},
    };
    options.corpus.start_ns = (clock_wall_ns(&system_clock) - NS_PER_HOUR) / NS_PER_MIN * NS_PER_MIN;
    if (!options_parse(argc, argv, &options)) {
        help();
        return 2;
    }
    if (!options.only_queries)
        ingest(&options);
    if (!options.no_queries)
        queries_run(options.url, options.pid, &options.corpus, options.rounds);
    return 0;
}
