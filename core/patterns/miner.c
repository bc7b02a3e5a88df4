#include "core/patterns/miner.h"

#define GROUPS_MAX (2 * PATTERNS_MAX + 64)

void miner_init(struct miner *miner, struct arena *arena, size_t bucket_count)
{
    *miner = (struct miner){.arena = arena, .bucket_count = bucket_count};
    miner->patterns = ARENA_ARRAY(arena, struct pattern *, GROUPS_MAX);
    miner->heads = ARENA_ARRAY(arena, struct pattern *, GROUPS_MAX);
}

void miner_fini(struct miner *miner)
{
    key_table_fini(&miner->groups);
}

static bool is_variable(struct slice word)
{
    bool is = false;
    for (size_t i = 0; !is && i < word.len; i++)
        is = word.ptr[i] >= '0' && word.ptr[i] <= '9';
    return is;
}

/* Words are cut at spaces, and behind '=': key= stays when its value varies. */
static size_t words_cut(struct slice line, struct slice words[PATTERN_WORDS_MAX])
{
    size_t count = 0;
    size_t at = 0;
    while (at < line.len && count < PATTERN_WORDS_MAX) {
        size_t first = at;
        while (at < line.len && line.ptr[at] != ' ' && line.ptr[at] != '=' && line.ptr[at] != '\n')
            at++;
        at += at < line.len ? 1 : 0;
        struct slice word = slice_of(line.ptr + first, at - first);
        words[count++] = is_variable(word) ? SLICE_NONE : word;
    }
    if (at < line.len)
        words[count - 1] = SLICE_NONE;
    return count;
}

static size_t words_agreeing(const struct pattern *pattern, const struct slice *words)
{
    size_t agree = 0;
    for (size_t i = 0; i < pattern->word_count; i++) {
        bool is_same = pattern->words[i].ptr == NULL || (words[i].ptr != NULL && slice_eq(pattern->words[i], words[i]));
        agree += is_same ? 1 : 0;
    }
    return agree;
}

static struct pattern *pattern_new(struct miner *miner, size_t group, const struct slice *words, size_t count, struct slice level)
{
    struct pattern *pattern = ARENA_NEW(miner->arena, struct pattern);
    pattern->words = ARENA_ARRAY(miner->arena, struct slice, count);
    pattern->word_count = count;
    for (size_t i = 0; i < count; i++)
        pattern->words[i] = words[i].ptr == NULL ? SLICE_NONE : arena_copy(miner->arena, words[i]);
    pattern->level = arena_copy(miner->arena, level);
    pattern->samples = ARENA_ARRAY(miner->arena, uint64_t, miner->bucket_count);
    pattern->next = miner->heads[group];
    miner->heads[group] = pattern;
    miner->patterns[miner->count++] = pattern;
    return pattern;
}

static struct pattern *pattern_for(struct miner *miner, const struct slice *words, size_t count, struct slice level)
{
    struct buf key = BUF_INIT;
    bool is_new;
    buf_put(&key, level);
    buf_byte(&key, 0);
    buf_u64(&key, count);
    buf_byte(&key, 0);
    if (count > 0)
        buf_put(&key, words[0]);
    if (miner->count >= PATTERNS_MAX && key_table_find(&miner->groups, buf_slice(&key)) == KEY_NONE)
        key.len = 0; // one group takes the rest, whatever its level: levels are the clients' words, without bound
    size_t group = key_table_add(&miner->groups, buf_slice(&key), miner->arena, &is_new);
    bool is_rest = key.len == 0;
    buf_fini(&key);
    struct pattern *best = NULL;
    size_t most = 0;
    for (struct pattern *p = miner->heads[group]; p != NULL; p = p->next) {
        size_t agree = is_rest ? 1 : words_agreeing(p, words);
        if (best == NULL || agree > most) {
            best = p;
            most = agree;
        }
    }
    bool is_full = miner->count >= PATTERNS_MAX;
    if (best != NULL && (is_full || is_rest || most * 2 >= count))
        return best;
    static const struct slice rest = {NULL, 0};
    return is_rest ? pattern_new(miner, group, &rest, 1, SLICE("unknown")) : pattern_new(miner, group, words, count, level);
}

void miner_add(struct miner *miner, struct slice line, struct slice level, size_t bucket)
{
    struct slice words[PATTERN_WORDS_MAX];
    size_t count = words_cut(line, words);
    struct pattern *pattern = pattern_for(miner, words, count, level);
    for (size_t i = 0; i < pattern->word_count && i < count; i++) {
        if (pattern->words[i].ptr != NULL && (words[i].ptr == NULL || !slice_eq(pattern->words[i], words[i])))
            pattern->words[i] = SLICE_NONE;
    }
    pattern->lines++;
    pattern->samples[bucket]++;
}

void pattern_print(const struct pattern *pattern, struct buf *out)
{
    bool after_variable = false;
    for (size_t i = 0; i < pattern->word_count; i++) {
        struct slice word = pattern->words[i];
        if (after_variable)
            buf_byte(out, ' ');
        after_variable = word.ptr == NULL;
        buf_put(out, after_variable ? SLICE("<_>") : word);
    }
}
