/* main.c: bench_node: pushes the corpus to a server that speaks Loki's push API, flushes, runs the queries of docs/benchmarks.md, and prints what it took.
 *
 *   build/release/bench_node --url http://127.0.0.1:3100 --pid $(pidof logi) --data ./data
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/node/cost_check.h"
#include "bench/node/fill.h"
#include "bench/node/process.h"
#include "bench/node/queries.h"
#include "core/base/clock.h"

struct options {
    const char *url, *data;
    const struct cost_size *cost; /* NULL: no cost check */
    int pid;
    unsigned rounds;
    bool only_queries, no_queries;
    struct corpus_config corpus;
};

static void ingest(const struct options *options)
{
    struct process_usage before = process_usage(options->pid);
    struct fill_result fill;
    fill_run(options->url, &options->corpus, &fill);
    struct process_usage after = process_usage(options->pid);
    double cpu_s = after.cpu_s - before.cpu_s;
    double mb = (double)fill.line_bytes / 1e6;
    printf("ingest   %.1f MB raw, %zu lines, %zu pushes (%zu failed), %u connections, %.2f s (%.2f s with flush)\n", mb, fill.lines, fill.pushes,
           fill.failed, options->corpus.writers, fill.pushed_s, fill.wall_s);
    if (options->pid > 0)
        printf("         %.1f MB raw per CPU-second (%.2f CPU s incl. flush), peak RSS %.1f MB, RSS %.1f MB\n", mb / cpu_s, cpu_s,
               (double)after.peak_rss_bytes / 1e6, (double)after.rss_bytes / 1e6);
    if (fill.pushes > 0)
        printf("         push p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", (double)fill.latency_ns[fill.pushes / 2] / 1e6,
               (double)fill.latency_ns[fill.pushes * 99 / 100] / 1e6, (double)fill.latency_ns[fill.pushes - 1] / 1e6);
    if (options->data != NULL) {
        uint64_t stored = folder_bytes(options->data, "log");
        uint64_t log = folder_bytes(options->data, NULL) - stored;
        printf("         disk %.1f MB: %.2f to 1, filters and index included; log beside it %.1f MB\n", (double)stored / 1e6,
               (double)fill.line_bytes / (double)stored, (double)log / 1e6);
    }
    fill_result_fini(&fill);
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
               "  --late-ms N        lines come up to so many ms more out of order (0)\n"
               "  --rounds N         of each query (7)\n"
               "  --only-queries, --no-queries\n"
               "  --check-cost short|long\n"
               "                     instead of all this: do selective queries cost the same when much more is stored? Needs --pid and an empty node.\n"
               "                     short: 80 and 800 MB, 2,000 and 100,000 streams; long: 442 and 4,420 MB, 10,000 and 1,000,000. Status 1: some do not");
}

static bool options_parse(int argc, char **argv, struct options *out)
{
    static const struct option flags[] = {
        {"url", 1, NULL, 'u'},     {"pid", 1, NULL, 'p'},     {"data", 1, NULL, 'd'},      {"mb", 1, NULL, 'm'},
        {"streams", 1, NULL, 's'}, {"push-kb", 1, NULL, 'k'}, {"writers", 1, NULL, 'w'},   {"seed", 1, NULL, 'r'},
        {"start-ns", 1, NULL, 't'}, {"late-ms", 1, NULL, 'l'}, {"rounds", 1, NULL, 'n'}, {"only-queries", 0, NULL, 'q'}, {"no-queries", 0, NULL, 'x'},
        {"check-cost", 1, NULL, 'c'}, {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
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
        case 'l': out->corpus.late_ms = (unsigned)number; break;
        case 'n': out->rounds = (unsigned)number; break;
        case 'q': out->only_queries = true; break;
        case 'x': out->no_queries = true; break;
        case 'c':
            out->cost = cost_size_find(optarg);
            if (out->cost == NULL)
                return false;
            break;
        default: return false;
        }
    }
    return optind == argc && (out->cost == NULL || out->pid > 0) && out->corpus.writers > 0 && out->corpus.streams > 0;
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
    if (options.cost != NULL)
        return cost_check_run(options.url, options.pid, options.cost) ? 0 : 1;
    if (!options.only_queries)
        ingest(&options);
    if (!options.no_queries)
        queries_run(options.url, options.pid, &options.corpus, options.rounds);
    return 0;
}
