/* bench_patterns: what finding the templates of lines costs a byte, over each kind of application of the node benchmark's corpus (bench/node/corpus.h) and over all
 * of them mixed; and which templates are found. Floor: one pass of crc32c over the same lines.
 * Usage: bench_patterns [print] */
#include "bench/bench.h"

#include "bench/node/corpus.h"
#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "core/ingest/level.h"
#include "core/patterns/line_shape.h"
#include "core/patterns/miner.h"

#define LINE_BYTES ((size_t)24 << 20)

static struct slice level_names[] = {{"level", 5}, {"severity", 8}, {"lvl", 3}};
static const struct slice_list level_list = {level_names, LENGTH(level_names)};
static struct level_fields level_fields; /* set by main */

struct lines {
    struct buf text;
    struct line {
        size_t at, len;
        enum level level;
    } *lines;
    size_t count, cap;
    struct miner *miner;
};

/* The generator's own messages are well-formed: what is not, is a bug of it. */
static struct slice field_take(struct slice *in, uint64_t tag)
{
    struct slice value;
    uint64_t found = 0;
    if (!varint_take(in, &found) || found != tag || !varint_slice_take(in, &value))
        abort();
    return value;
}

static void line_add(struct lines *lines, struct slice line)
{
    if (lines->count == lines->cap) {
        lines->cap = lines->cap == 0 ? 4096 : lines->cap * 2;
        lines->lines = mem_grow(lines->lines, lines->cap, sizeof(*lines->lines));
    }
    lines->lines[lines->count++] = (struct line){lines->text.len, line.len, level_of_line(line, &level_fields)};
    buf_put(&lines->text, line);
}

static void gather(struct lines kinds[APP_COUNT + 1])
{
    struct corpus_config config;
    corpus_config_defaults(&config);
    struct corpus *corpus = corpus_open(&config, 0);
    struct corpus_push push = {.message = BUF_INIT};
    while (kinds[APP_COUNT].text.len < LINE_BYTES && corpus_next(corpus, &push)) {
        for (struct slice in = buf_slice(&push.message); in.len > 0;) {
            struct slice stream = field_take(&in, 1 << 3 | 2);
            struct slice labels = field_take(&stream, 1 << 3 | 2);
            size_t kind = 0;
            while (kind + 1 < APP_COUNT && memmem(labels.ptr, labels.len, app_names[kind], strlen(app_names[kind])) == NULL)
                kind++;
            while (stream.len > 0) {
                struct slice entry = field_take(&stream, 2 << 3 | 2);
                (void)field_take(&entry, 1 << 3 | 2);
                struct slice line = field_take(&entry, 2 << 3 | 2);
                line_add(&kinds[kind], line);
                line_add(&kinds[APP_COUNT], line);
            }
        }
    }
    corpus_close(corpus);
    buf_fini(&push.message);
}

static uint64_t mine(void *state, size_t n)
{
    struct lines *lines = state;
    uint64_t sum = 0;
    for (size_t round = 0; round < n; round++) {
        miner_reset(lines->miner);
        for (size_t i = 0; i < lines->count; i++) {
            const struct line *line = &lines->lines[i];
            sum += miner_add(lines->miner, 0, line->level, slice_of(lines->text.ptr + line->at, line->len));
        }
    }
    return sum;
}

static uint64_t cut(void *state, size_t n)
{
    const struct lines *lines = state;
    uint64_t sum = 0;
    for (size_t round = 0; round < n; round++) {
        for (size_t i = 0; i < lines->count; i++) {
            struct line_shape shape;
            line_shape_cut(&shape, slice_of(lines->text.ptr + lines->lines[i].at, lines->lines[i].len));
            sum += shape.count;
        }
    }
    return sum;
}

static uint64_t floor_crc(void *state, size_t n)
{
    const struct lines *lines = state;
    uint64_t sum = 0;
    for (size_t round = 0; round < n; round++)
        for (size_t i = 0; i < lines->count; i++)
            sum += crc32c(0, slice_of(lines->text.ptr + lines->lines[i].at, lines->lines[i].len));
    return sum;
}

static void print_templates(const struct lines *lines, const char *name)
{
    struct buf text = BUF_INIT;
    uint64_t *counts = mem_array(miner_count(lines->miner), sizeof(*counts));
    miner_reset(lines->miner);
    for (size_t i = 0; i < lines->count; i++)
        counts[miner_add(lines->miner, 0, lines->lines[i].level, slice_of(lines->text.ptr + lines->lines[i].at, lines->lines[i].len))]++;
    for (uint32_t id = 0; id < miner_count(lines->miner); id++) {
        buf_reset(&text);
        miner_print(lines->miner, id, &text);
        if (counts[id] > 0)
            printf("%s %8llu %-8.*s %.*s\n", name, (unsigned long long)counts[id], SLICE_ARG(level_text(miner_level(lines->miner, id))), SLICE_ARG(buf_slice(&text)));
    }
    buf_fini(&text);
    mem_free(counts);
}

int main(int argc, char **argv)
{
    level_fields_init(&level_fields, &level_list);
    static struct lines kinds[APP_COUNT + 1];
    gather(kinds);
    (void)argv;
    for (size_t i = 0; i <= APP_COUNT; i++) {
        struct lines *lines = &kinds[i];
        const char *name = i < APP_COUNT ? app_names[i] : "all";
        char title[64];
        lines->miner = miner_create(&(struct miner_config){.templates_max = 4096, .text_max = (size_t)4 << 20, .seed = 7});
        (void)snprintf(title, sizeof(title), "miner_add/%s", name);
        (void)bench(title, lines->text.len, mine, lines);
        (void)snprintf(title, sizeof(title), "line_shape_cut/%s", name);
        (void)bench(title, lines->text.len, cut, lines);
        (void)snprintf(title, sizeof(title), "floor: crc32c/%s", name);
        (void)bench(title, lines->text.len, floor_crc, lines);
        printf("%s: %zu lines, %u templates, %zu bytes of memory\n", name, lines->count, miner_count(lines->miner) - MINER_FIXED, miner_bytes(lines->miner));
        if (argc > 1 && i < APP_COUNT)
            print_templates(lines, name);
        miner_destroy(lines->miner);
    }
    return 0;
}
