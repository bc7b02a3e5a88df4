#include "storage/store/known_pairs.h"

#include <pthread.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

#define SETS ((size_t)32768) /* a power of two */
#define WAYS 4u              /* pairs that a hash may have: 4 MiB in all, which are touched as pairs come */

struct pair { // of runs, each by its segment and its place in it; all zero: none
    uint64_t younger_segment, younger_at, elder_segment, elder_at;
};

struct known_pairs {
    pthread_mutex_t lock;
    unsigned next; // way that is given up
    struct pair (*sets)[WAYS];
};

struct known_pairs *known_pairs_create(void)
{
    struct known_pairs *pairs = mem_zero(sizeof(*pairs));
    (void)pthread_mutex_init(&pairs->lock, NULL);
    pairs->sets = mem_array(SETS, sizeof(*pairs->sets));
    return pairs;
}

void known_pairs_destroy(struct known_pairs *pairs)
{
    if (pairs == NULL)
        return;
    (void)pthread_mutex_destroy(&pairs->lock);
    mem_free(pairs->sets);
    mem_free(pairs);
}

static uint64_t place(const struct segment_run *run)
{
    return (uint64_t)run->block << 32 | run->first_row;
}

static struct pair pair_of(struct known_run younger, struct known_run elder)
{
    return (struct pair){segment_serial(younger.segment), place(younger.run), segment_serial(elder.segment), place(elder.run)};
}

static struct pair *set_of(const struct known_pairs *pairs, const struct pair *pair)
{
    return pairs->sets[hash64(slice_of((const char *)pair, sizeof(*pair))) & (SETS - 1)];
}

static bool is_in(const struct pair *set, const struct pair *pair)
{
    bool found = false;
    for (unsigned i = 0; i < WAYS; i++)
        found = found || (set[i].younger_segment == pair->younger_segment && set[i].younger_at == pair->younger_at &&
                          set[i].elder_segment == pair->elder_segment && set[i].elder_at == pair->elder_at);
    return found;
}

void known_pairs_add(struct known_pairs *pairs, struct known_run younger, struct known_run elder)
{
    struct pair pair = pair_of(younger, elder);
    struct pair *set = set_of(pairs, &pair);
    pthread_mutex_lock(&pairs->lock);
    if (!is_in(set, &pair)) {
        unsigned way = 0;
        while (way < WAYS && set[way].younger_segment != 0)
            way++;
        set[way < WAYS ? way : pairs->next++ % WAYS] = pair;
    }
    pthread_mutex_unlock(&pairs->lock);
}

bool known_pairs_have(struct known_pairs *pairs, struct known_run younger, struct known_run elder)
{
    struct pair pair = pair_of(younger, elder);
    const struct pair *set = set_of(pairs, &pair);
    pthread_mutex_lock(&pairs->lock);
    bool found = is_in(set, &pair);
    pthread_mutex_unlock(&pairs->lock);
    return found;
}
