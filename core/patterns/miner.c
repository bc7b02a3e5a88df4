#include "core/patterns/miner.h"

#include <assert.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/patterns/line_shape.h"

#define CACHE_ENTRIES ((size_t)4096)
#define SLOTS_MIN ((size_t)1024)
#define GROUP_STRICT ((uint32_t)16) /* templates of a group: up to here more than half of the words must agree */
#define GROUP_LOOSE ((uint32_t)48)  /* ... up to here half */
#define GROUP_MAX ((uint32_t)64)    /* ... up to here a quarter; then the nearest takes the line */

struct mined_word {
    const char *text; /* NULL: variable */
    uint32_t len, hash;
};

struct mined {
    uint32_t owner, word_count;
    enum level level;
    uint32_t next; /* in its group, plus one; 0: none */
    struct mined_word *words;
    struct slice *runs; /* word_count + 1 */
};

struct group {
    uint64_t hash;
    uint32_t first, count; /* templates; first plus one, 0: the slot is free */
};

struct cached {
    uint64_t hash;
    uint32_t id; /* plus one; 0: none */
};

struct miner {
    struct miner_config config;
    struct arena arena;
    size_t text_bytes;
    struct mined *templates; /* less the fixed ones */
    uint32_t count, cap;
    struct group *groups; /* slots, a power of two */
    size_t group_slots, group_count;
    struct cached *cache;
    uint64_t evicted;
};

enum level pattern_level_of(struct slice metadata)
{
    struct slice text;
    if (!label_encoded_get(metadata, SLICE("detected_level"), &text))
        return LEVEL_UNKNOWN;
    for (unsigned i = 0; i < LEVEL_COUNT; i++)
        if (slice_eq_nocase(text, level_text((enum level)i)))
            return (enum level)i;
    return LEVEL_UNKNOWN;
}

struct miner *miner_create(const struct miner_config *config)
{
    assert(config->templates_max >= MINER_FIXED);
    struct miner *miner = mem_zero(sizeof(*miner));
    miner->config = *config;
    miner->arena = ARENA_INIT;
    miner->cache = mem_array(CACHE_ENTRIES, sizeof(*miner->cache));
    miner->group_slots = SLOTS_MIN;
    miner->groups = mem_array(miner->group_slots, sizeof(*miner->groups));
    return miner;
}

void miner_destroy(struct miner *miner)
{
    if (miner == NULL)
        return;
    arena_fini(&miner->arena);
    mem_free(miner->templates);
    mem_free(miner->groups);
    mem_free(miner->cache);
    mem_free(miner);
}

void miner_reset(struct miner *miner)
{
    arena_reset(&miner->arena);
    miner->text_bytes = 0;
    miner->count = 0;
    miner->group_count = 0;
    memset(miner->groups, 0, miner->group_slots * sizeof(*miner->groups));
    memset(miner->cache, 0, CACHE_ENTRIES * sizeof(*miner->cache));
}

/* ---- groups ---- */

static uint64_t group_hash(const struct miner *miner, const struct line_shape *shape, uint64_t seed)
{
    uint64_t hash = hash64_seeded(slice_of(&shape->count, sizeof(shape->count)), seed ^ miner->config.seed);
    for (uint32_t i = 0; i <= shape->count; i++) {
        struct slice run = line_shape_run(shape, i);
        hash = run.len == 1 ? hash * UINT64_C(0x9e3779b97f4a7c15) + (uint8_t)run.ptr[0] : hash64_seeded(run, hash);
    }
    return hash;
}

static bool is_of_group(const struct mined *mined, uint32_t owner, enum level level, const struct line_shape *shape)
{
    bool is = mined->owner == owner && mined->level == level && mined->word_count == shape->count;
    for (uint32_t i = 0; is && i <= shape->count; i++)
        is = slice_eq(mined->runs[i], line_shape_run(shape, i));
    return is;
}

static void groups_grow(struct miner *miner)
{
    struct group *old = miner->groups;
    size_t old_slots = miner->group_slots;
    miner->group_slots *= 2;
    miner->groups = mem_array(miner->group_slots, sizeof(*miner->groups));
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].first == 0)
            continue;
        size_t at = old[i].hash & (miner->group_slots - 1);
        while (miner->groups[at].first != 0)
            at = (at + 1) & (miner->group_slots - 1);
        miner->groups[at] = old[i];
    }
    mem_free(old);
}

/* The group of the shape, or the free slot for it. */
static struct group *group_find(struct miner *miner, uint64_t hash, uint32_t owner, enum level level, const struct line_shape *shape)
{
    size_t at = hash & (miner->group_slots - 1);
    for (;; at = (at + 1) & (miner->group_slots - 1)) {
        struct group *group = &miner->groups[at];
        if (group->first == 0 || (group->hash == hash && is_of_group(&miner->templates[group->first - 1], owner, level, shape)))
            return group;
    }
}

/* ---- templates ---- */

static uint32_t word_hash(struct slice word)
{
    return (uint32_t)hash64(word);
}

static size_t text_bytes_of(const struct line_shape *shape)
{
    size_t bytes = sizeof(struct mined) + (shape->count + 1) * sizeof(struct slice) + shape->count * sizeof(struct mined_word) + shape->text.len;
    for (uint32_t i = 0; i < shape->count; i++)
        bytes -= shape->words[i].is_variable ? shape->words[i].len : 0;
    return bytes;
}

/* 0: there is no room for one more. Else its number, plus one. */
static uint32_t mined_new(struct miner *miner, uint32_t owner, enum level level, const struct line_shape *shape, const uint32_t *hashes)
{
    size_t bytes = text_bytes_of(shape);
    if (miner->count + MINER_FIXED >= miner->config.templates_max || miner->text_bytes + bytes > miner->config.text_max)
        return 0;
    if (miner->count == miner->cap) {
        miner->cap = miner->cap == 0 ? 64 : miner->cap * 2;
        miner->templates = mem_grow(miner->templates, miner->cap, sizeof(*miner->templates));
    }
    miner->text_bytes += bytes;
    struct mined *mined = &miner->templates[miner->count++];
    *mined = (struct mined){.owner = owner, .word_count = shape->count, .level = level};
    mined->words = ARENA_ARRAY(&miner->arena, struct mined_word, shape->count);
    mined->runs = ARENA_ARRAY(&miner->arena, struct slice, shape->count + 1);
    for (uint32_t i = 0; i <= shape->count; i++)
        mined->runs[i] = arena_copy(&miner->arena, line_shape_run(shape, i));
    for (uint32_t i = 0; i < shape->count; i++) {
        if (shape->words[i].is_variable)
            continue;
        struct slice word = arena_copy(&miner->arena, line_shape_word(shape, i));
        mined->words[i] = (struct mined_word){word.ptr, (uint32_t)word.len, hashes[i]};
    }
    return miner->count;
}

struct agreement {
    uint32_t equal, both; /* words that both have, and of these the same */
};

static struct agreement agreement_of(const struct mined *mined, const struct line_shape *shape, const uint32_t *hashes, const bool *counts)
{
    struct agreement agreement = {0};
    for (uint32_t i = 0; i < shape->count; i++) {
        if (!counts[i] || mined->words[i].text == NULL)
            continue;
        agreement.both++;
        agreement.equal += mined->words[i].hash == hashes[i] ? 1 : 0;
    }
    return agreement;
}

/* words: those that count in the line. */
static bool agrees(struct agreement agreement, uint32_t words, uint32_t templates)
{
    if (templates >= GROUP_MAX)
        return true;
    if (2 * agreement.both < words) // the template is too general for it
        return false;
    if (words == 0 || templates >= GROUP_LOOSE)
        return 4 * agreement.equal >= agreement.both;
    return templates >= GROUP_STRICT ? 2 * agreement.equal >= agreement.both : 2 * agreement.equal > agreement.both;
}

static void generalise(struct mined *mined, const struct line_shape *shape)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        struct mined_word *word = &mined->words[i];
        if (word->text != NULL && (shape->words[i].is_variable || !slice_eq(slice_of(word->text, word->len), line_shape_word(shape, i))))
            *word = (struct mined_word){0};
    }
}

/* The slow way, of a shape that the cache has not: its template's number. */
static uint32_t place(struct miner *miner, uint32_t owner, enum level level, const struct line_shape *shape, uint64_t seed)
{
    uint32_t hashes[SHAPE_WORDS_MAX];
    bool counts[SHAPE_WORDS_MAX];
    uint32_t words = 0;
    bool has_message = false;
    for (uint32_t i = 0; i < shape->count; i++)
        has_message = has_message || (shape->words[i].is_message && !shape->words[i].is_variable);
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct shape_word *word = &shape->words[i];
        hashes[i] = word->is_variable ? 0 : word_hash(line_shape_word(shape, i));
        counts[i] = !word->is_variable && !word->is_key && (word->is_message || !has_message);
        words += counts[i] ? 1 : 0;
    }
    uint64_t hash = group_hash(miner, shape, seed);
    struct group *group = group_find(miner, hash, owner, level, shape);
    struct mined *best = NULL;
    struct agreement most = {0};
    for (uint32_t id = group->first; id != 0; id = miner->templates[id - 1].next) {
        struct agreement agreement = agreement_of(&miner->templates[id - 1], shape, hashes, counts);
        // More in common, and of these the one with fewer words that differ.
        if (best == NULL || agreement.equal > most.equal || (agreement.equal == most.equal && agreement.both < most.both)) {
            best = &miner->templates[id - 1];
            most = agreement;
        }
    }
    if (best != NULL && agrees(most, words, group->count)) {
        generalise(best, shape);
        return MINER_FIXED + (uint32_t)(best - miner->templates);
    }
    uint32_t id = mined_new(miner, owner, level, shape, hashes);
    if (id == 0) {
        miner->evicted++;
        return (uint32_t)level;
    }
    miner->templates[id - 1].next = group->first;
    miner->group_count += group->first == 0 ? 1 : 0;
    *group = (struct group){.hash = hash, .first = id, .count = group->count + 1};
    if (miner->group_count * 2 > miner->group_slots)
        groups_grow(miner);
    return MINER_FIXED + id - 1;
}

uint32_t miner_add(struct miner *miner, uint32_t owner, enum level level, struct slice line)
{
    if (line.len == 0)
        return LEVEL_COUNT + (uint32_t)level;
    struct line_shape shape;
    line_shape_cut(&shape, line);
    uint64_t seed = ((uint64_t)owner << 8 | level) * UINT64_C(0xa0761d6478bd642f);
    uint64_t hash = line_shape_hash(&shape, seed ^ miner->config.seed);
    struct cached *cached = &miner->cache[hash >> 32 & (CACHE_ENTRIES - 1)];
    // 64 bits of a seeded hash: two shapes are not told apart once in 2^64 / (shapes in the cache) lines.
    if (cached->id != 0 && cached->hash == hash)
        return cached->id - 1;
    bool is_one_word = shape.count == 1 && shape.words[0].is_variable && shape.words[0].len == line.len;
    uint32_t id = is_one_word ? (uint32_t)level : place(miner, owner, level, &shape, seed);
    *cached = (struct cached){hash, id + 1};
    return id;
}

uint32_t miner_count(const struct miner *miner)
{
    return MINER_FIXED + miner->count;
}

static const struct mined *mined_at(const struct miner *miner, uint32_t id)
{
    assert(id >= MINER_FIXED && id - MINER_FIXED < miner->count);
    return &miner->templates[id - MINER_FIXED];
}

enum level miner_level(const struct miner *miner, uint32_t id)
{
    return id < MINER_FIXED ? (enum level)(id % LEVEL_COUNT) : mined_at(miner, id)->level;
}

void miner_print(const struct miner *miner, uint32_t id, struct buf *out)
{
    if (id < MINER_FIXED) {
        buf_str(out, id < LEVEL_COUNT ? "<_>" : "");
        return;
    }
    const struct mined *mined = mined_at(miner, id);
    for (uint32_t i = 0; i < mined->word_count; i++) {
        const struct mined_word *word = &mined->words[i];
        buf_put(out, mined->runs[i]);
        buf_put(out, word->text == NULL ? SLICE("<_>") : slice_of(word->text, word->len));
    }
    buf_put(out, mined->runs[mined->word_count]);
}

uint64_t miner_evicted(const struct miner *miner)
{
    return miner->evicted;
}

size_t miner_bytes(const struct miner *miner)
{
    return sizeof(*miner) + miner->arena.bytes + miner->cap * sizeof(*miner->templates) + miner->group_slots * sizeof(*miner->groups) +
           CACHE_ENTRIES * sizeof(*miner->cache);
}
