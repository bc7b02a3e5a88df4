#include "bench/node/fill.h"

#include <pthread.h>
#include <snappy-c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/node/client.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

#define PUSHES_MAX 65536
#define TRIES_MAX 1000 /* of a push that is told to come again, 20 ms apart */

struct fill {
    const char *url;
    const struct corpus_config *corpus;
    _Atomic size_t line_bytes;
    bool has_terminal;
};

struct writer {
    pthread_t thread;
    struct fill *fill;
    unsigned index;
    size_t lines, line_bytes, pushes, failed;
    int64_t *latency_ns;
};

static bool push(struct client *client, struct slice packed, struct buf *answer, int *status, struct err *err)
{
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (client_request(client, "POST", "/loki/api/v1/push", "Content-Type: application/x-protobuf\r\n", packed, status, answer, err) &&
            *status / 100 == 2)
            return true;
        if (*status != 429 && *status != 503) // these mean: again, later
            return false;
        (void)usleep(20000);
    }
    return false;
}

static void show_progress(struct fill *fill, size_t line_bytes)
{
    size_t sum = atomic_fetch_add(&fill->line_bytes, line_bytes) + line_bytes;
    if (fill->has_terminal)
        (void)fprintf(stderr, "\rfilling: %zu of %zu MB ", sum / 1000000, fill->corpus->bytes / 1000000);
}

static void *writer_main(void *self)
{
    struct writer *writer = self;
    struct client client;
    struct err err = {.code = ERR_NONE};
    struct corpus_push next = {.message = BUF_INIT};
    struct buf packed = BUF_INIT;
    struct buf answer = BUF_INIT;
    struct corpus *corpus = corpus_open(writer->fill->corpus, writer->index);
    if (!client_init(&client, writer->fill->url, &err))
        exit(2);
    while (corpus_next(corpus, &next) != 0 && writer->pushes < PUSHES_MAX) {
        size_t len = snappy_max_compressed_length(next.message.len);
        int status = 0;
        buf_reset(&packed);
        (void)snappy_compress(next.message.ptr, next.message.len, buf_room(&packed, len), &len);
        int64_t start = clock_mono_ns(&system_clock);
        bool ok = push(&client, slice_of(packed.ptr, len), &answer, &status, &err);
        writer->latency_ns[writer->pushes++] = clock_mono_ns(&system_clock) - start;
        writer->lines += next.lines;
        writer->line_bytes += next.line_bytes;
        show_progress(writer->fill, next.line_bytes);
        if (!ok && writer->failed++ == 0)
            (void)fprintf(stderr, "push failed: status %d, %.*s %s\n", status, SLICE_ARG(buf_slice(&answer)), err.text);
    }
    corpus_close(corpus);
    client_fini(&client);
    buf_fini(&next.message);
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

static void flush(const char *url)
{
    struct client client;
    struct err err = {.code = ERR_NONE};
    struct buf answer = BUF_INIT;
    int status = 0;
    if (!client_init(&client, url, &err) || !client_request(&client, "POST", "/flush", "", SLICE_NONE, &status, &answer, &err) ||
        status / 100 != 2)
        (void)fprintf(stderr, "flush: status %d %s\n", status, err.text);
    client_fini(&client);
    buf_fini(&answer);
}

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_mono_ns(&system_clock) - start_ns) / 1e9;
}

void fill_run(const char *url, const struct corpus_config *corpus, struct fill_result *out)
{
    struct fill fill = {.url = url, .corpus = corpus, .has_terminal = isatty(STDERR_FILENO) != 0};
    struct writer *writers = mem_array(corpus->writers, sizeof(*writers));
    int64_t start_ns = clock_mono_ns(&system_clock);
    *out = (struct fill_result){.latency_ns = mem_array((size_t)PUSHES_MAX * corpus->writers, sizeof(int64_t))};
    for (unsigned i = 0; i < corpus->writers; i++) {
        writers[i] = (struct writer){.fill = &fill, .index = i, .latency_ns = mem_array(PUSHES_MAX, sizeof(int64_t))};
        (void)pthread_create(&writers[i].thread, NULL, writer_main, &writers[i]);
    }
    for (unsigned i = 0; i < corpus->writers; i++) {
        (void)pthread_join(writers[i].thread, NULL);
        memcpy(out->latency_ns + out->pushes, writers[i].latency_ns, writers[i].pushes * sizeof(int64_t));
        out->lines += writers[i].lines;
        out->line_bytes += writers[i].line_bytes;
        out->pushes += writers[i].pushes;
        out->failed += writers[i].failed;
        mem_free(writers[i].latency_ns);
    }
    out->pushed_s = seconds_since(start_ns);
    flush(url);
    out->wall_s = seconds_since(start_ns);
    if (fill.has_terminal)
        (void)fputs("\r\033[K", stderr);
    qsort(out->latency_ns, out->pushes, sizeof(int64_t), by_value);
    mem_free(writers);
}

void fill_result_fini(struct fill_result *result)
{
    mem_free(result->latency_ns);
    result->latency_ns = NULL;
}
