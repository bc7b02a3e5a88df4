/* bench_day_index.c: streams added a second (new ones, 8 labels; and such as are there), and selections. */
#include <unistd.h>

#include "bench/bench.h"
#include "core/base/mem.h"
#include "storage/index/day_index.h"

#define STREAMS 300000

static struct slice encoded[STREAMS];
static struct hash128 ids[STREAMS];

static void add_all(struct day_index *index, const char *name)
{
    struct err err;
    double start = bench_cpu_s();
    bool ok = true;
    for (size_t i = 0; ok && i < STREAMS; i++)
        ok = day_index_add(index, SLICE("default"), ids[i], encoded[i], &err);
    if (!ok || !day_index_commit(index, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    double took = bench_cpu_s() - start;
    printf("%-44s %12.0f streams/s (%.2f CPU s for %d)\n", name, STREAMS / took, took, STREAMS);
}

struct lookup {
    struct day_index *index;
    struct matcher matcher;
};

static uint64_t look_up(void *state, size_t n)
{
    struct lookup *lookup = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        struct arena arena = ARENA_INIT;
        struct index_stream *streams;
        size_t count;
        struct err err;
        if (!day_index_select(lookup->index, SLICE("default"), &lookup->matcher, 1, &arena, NULL, &streams, &count, &err))
            abort();
        sum += count;
        arena_fini(&arena);
    }
    return sum;
}

int main(void)
{
    char folder[] = "./bench-index-XXXXXX";
    struct arena arena = ARENA_INIT;
    struct err err;
    bool rebuild;
    struct lookup lookup;
    if (mkdtemp(folder) == NULL || !day_index_open(&system_disk, folder, &lookup.index, &rebuild, &err))
        return 1;
    for (size_t i = 0; i < STREAMS; i++) {
        char text[8][32];
        struct label labels[8];
        static const unsigned values[8] = {5, 20, 100, 1000, 3, 50, 10000, STREAMS};
        for (size_t k = 0; k < 8; k++) {
            static const char names[8][3] = {"l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7"};
            (void)snprintf(text[k], 32, "value-%zu", i * 2654435761u % values[k]);
            labels[k] = (struct label){slice_of(names[k], 2), slice_str(text[k])};
        }
        struct label_set set = {labels, 8};
        encoded[i] = label_set_encode_in(&arena, &set);
        ids[i] = stream_id(SLICE("default"), encoded[i]);
    }
    if (!day_index_filled(lookup.index, &err))
        return 1;
    add_all(lookup.index, "day_index_add/new, 8 labels");
    add_all(lookup.index, "day_index_add/there");
    struct day_index_stats stats;
    day_index_stats(lookup.index, &stats);
    printf("%llu streams, %llu pairs, %.1f MB used\n", (unsigned long long)stats.streams, (unsigned long long)stats.pairs, (double)stats.used_bytes / 1e6);
    if (!matcher_init(&lookup.matcher, MATCH_EQ, SLICE("l7"), SLICE("value-77"), &arena, &err))
        return 1;
    bench("day_index_select/one stream", 0, look_up, &lookup);
    matcher_fini(&lookup.matcher);
    if (!matcher_init(&lookup.matcher, MATCH_RE, SLICE("l3"), SLICE("value-7.*"), &arena, &err))
        return 1;
    bench("day_index_select/regex, 33,000 streams", 0, look_up, &lookup);
    matcher_fini(&lookup.matcher);
    day_index_close(lookup.index);
    arena_fini(&arena);
    return disk_remove_folder(&system_disk, folder, &err) ? 0 : 1;
}
