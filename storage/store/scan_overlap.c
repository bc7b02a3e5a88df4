/* scan_overlap.c: parts of a stream that overlap in time, cut by time into what is read in which way.
 *
 * Where few parts lie over an instant, each is read for itself, with its block's other streams; of a younger part the rows that an older one (an elder) has too
 * are dropped (duplicate_sieve.h). Where many do, comparing each with all its elders would read the same blocks again and again: there one unit merges them.
 * No instant is read in both ways, so neither ties nor duplicates are torn apart. decisions/0041 has the figures.
 */
#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/store/scan_plan.h"

struct deep_window { /* more than parts_apart_max parts lie over each instant of it */
    int64_t first_ns, last_ns;
};

struct member { /* of a window */
    size_t window;
    struct merge_piece piece;
};

struct elder_pair {
    uint32_t younger, elder;
};

struct cut { /* of one chain: pieces of a stream, each of which overlaps one before it */
    struct scan_plan *plan;
    const struct scan_piece *pieces;
    size_t count;
    struct deep_window *windows;
    size_t window_count;
    struct member *members;
    size_t member_count, member_cap;
    struct scan_piece *apart; /* what lies outside of the windows; by merge_piece_cmp */
    size_t apart_count, apart_cap;
    struct elder_pair *pairs;
    size_t pair_count, pair_cap;
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Walks over all beginnings and ends in order of time. */
static void find_windows(struct cut *cut)
{
    const size_t deep = (size_t)cut->plan->state->store->config.parts_apart_max + 1;
    int64_t *ends = mem_array(cut->count, sizeof(*ends));
    for (size_t i = 0; i < cut->count; i++)
        ends[i] = cut->pieces[i].merge.last_ns;
    qsort(ends, cut->count, sizeof(*ends), by_value);
    cut->windows = mem_array(cut->count, sizeof(*cut->windows)); // one begins with a piece
    for (size_t begun = 0, ended = 0; ended < cut->count;) {
        if (begun < cut->count && cut->pieces[begun].merge.first_ns <= ends[ended]) {
            if (++begun - ended == deep)
                cut->windows[cut->window_count].first_ns = cut->pieces[begun - 1].merge.first_ns;
        } else {
            if (begun - ended++ == deep)
                cut->windows[cut->window_count++].last_ns = ends[ended - 1];
        }
    }
    mem_free(ends);
}

/* The piece's entries of [first_ns, last_ns] only. */
static struct merge_piece narrowed(const struct merge_piece *piece, int64_t first_ns, int64_t last_ns)
{
    struct merge_piece part = *piece;
    part.first_ns = first_ns > part.first_ns ? first_ns : part.first_ns;
    part.last_ns = last_ns < part.last_ns ? last_ns : part.last_ns;
    return part;
}

static void member_add(struct cut *cut, size_t window, const struct merge_piece *piece)
{
    if (cut->member_count == cut->member_cap) {
        cut->member_cap = cut->member_cap == 0 ? 64 : cut->member_cap * 2;
        cut->members = mem_grow(cut->members, cut->member_cap, sizeof(*cut->members));
    }
    const struct deep_window *at = &cut->windows[window];
    cut->members[cut->member_count++] = (struct member){window, narrowed(piece, at->first_ns, at->last_ns)};
}

static void apart_add(struct cut *cut, const struct scan_piece *piece, int64_t first_ns, int64_t last_ns)
{
    if (cut->apart_count == cut->apart_cap) {
        cut->apart_cap = cut->apart_cap == 0 ? 64 : cut->apart_cap * 2;
        cut->apart = mem_grow(cut->apart, cut->apart_cap, sizeof(*cut->apart));
    }
    cut->apart[cut->apart_count++] = (struct scan_piece){.stream = piece->stream, .merge = narrowed(&piece->merge, first_ns, last_ns)};
}

static int apart_cmp(const void *a, const void *b)
{
    return merge_piece_cmp(&((const struct scan_piece *)a)->merge, &((const struct scan_piece *)b)->merge);
}

static int member_cmp(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    return x->window != y->window ? (x->window < y->window ? -1 : 1) : merge_piece_cmp(&x->piece, &y->piece);
}

/* Each piece into what of it lies in windows and what lies outside. */
static void cut_pieces(struct cut *cut)
{
    size_t from = 0; // windows before this end before the piece begins, and so before all that follow
    for (size_t i = 0; i < cut->count; i++) {
        const struct scan_piece *piece = &cut->pieces[i];
        int64_t next_ns = piece->merge.first_ns;
        bool is_used_up = false;
        while (from < cut->window_count && cut->windows[from].last_ns < next_ns)
            from++;
        for (size_t w = from; w < cut->window_count && cut->windows[w].first_ns <= piece->merge.last_ns; w++) {
            if (cut->windows[w].first_ns > next_ns)
                apart_add(cut, piece, next_ns, cut->windows[w].first_ns - 1);
            member_add(cut, w, &piece->merge);
            is_used_up = cut->windows[w].last_ns >= piece->merge.last_ns;
            next_ns = is_used_up ? next_ns : cut->windows[w].last_ns + 1;
        }
        if (!is_used_up)
            apart_add(cut, piece, next_ns, piece->merge.last_ns);
    }
    if (cut->window_count > 0 && cut->apart_count > 1)
        qsort(cut->apart, cut->apart_count, sizeof(*cut->apart), apart_cmp);
    if (cut->member_count > 1)
        qsort(cut->members, cut->member_count, sizeof(*cut->members), member_cmp);
}

/* Runs that were compared before. */
static bool are_known(const struct cut *cut, const struct merge_piece *younger, const struct merge_piece *elder)
{
    return younger->segment != NULL && elder->segment != NULL &&
           known_pairs_have(cut->plan->state->store->known_pairs, (struct known_run){younger->segment, younger->run},
                            (struct known_run){elder->segment, elder->run});
}

static void pair_add(struct cut *cut, uint32_t a, uint32_t b)
{
    bool is_first = cut->apart[a].merge.age < cut->apart[b].merge.age;
    struct elder_pair pair = is_first ? (struct elder_pair){b, a} : (struct elder_pair){a, b};
    const struct merge_piece *younger = &cut->apart[pair.younger].merge, *elder = &cut->apart[pair.elder].merge;
    if (younger->age == elder->age || are_known(cut, younger, elder)) // runs of one segment have no entry in common
        return;
    if (cut->pair_count == cut->pair_cap) {
        cut->pair_cap = cut->pair_cap == 0 ? 64 : cut->pair_cap * 2;
        cut->pairs = mem_grow(cut->pairs, cut->pair_cap, sizeof(*cut->pairs));
    }
    cut->pairs[cut->pair_count++] = pair;
}

/* Who overlaps whom. Few are open at any time, so this is soon done. */
static void find_elders(struct cut *cut)
{
    uint32_t *open = mem_array(cut->apart_count + 1, sizeof(*open));
    size_t count = 0;
    for (uint32_t i = 0; i < cut->apart_count; i++) {
        size_t kept = 0;
        for (size_t k = 0; k < count; k++) {
            if (cut->apart[open[k]].merge.last_ns < cut->apart[i].merge.first_ns)
                continue;
            pair_add(cut, i, open[k]);
            open[kept++] = open[k];
        }
        open[kept++] = i;
        count = kept;
    }
    mem_free(open);
}

static int by_younger(const void *a, const void *b)
{
    const struct elder_pair *x = a, *y = b;
    if (x->younger != y->younger)
        return x->younger < y->younger ? -1 : 1;
    return (x->elder > y->elder) - (x->elder < y->elder);
}

/* What is read apart becomes the plan's, with its elders. */
static void keep_apart(struct cut *cut)
{
    struct arena *arena = &cut->plan->state->arena;
    struct scan_piece *kept = ARENA_ARRAY(arena, struct scan_piece, cut->apart_count);
    const struct merge_piece **elders = ARENA_ARRAY(arena, const struct merge_piece *, cut->pair_count);
    if (cut->pair_count > 1)
        qsort(cut->pairs, cut->pair_count, sizeof(*cut->pairs), by_younger);
    for (size_t i = 0, p = 0; i < cut->apart_count; i++) {
        kept[i] = cut->apart[i];
        kept[i].elders.pieces = &elders[p];
        for (; p < cut->pair_count && cut->pairs[p].younger == i; p++) {
            elders[p] = &kept[cut->pairs[p].elder].merge;
            kept[i].elders.count++;
        }
        scan_plan_apart(cut->plan, &kept[i]);
    }
}

static void keep_merged(struct cut *cut)
{
    for (size_t i = 0; i < cut->member_count;) {
        size_t end = i;
        while (end < cut->member_count && cut->members[end].window == cut->members[i].window)
            end++;
        struct merge_piece *pieces = ARENA_ARRAY(&cut->plan->state->arena, struct merge_piece, end - i);
        for (size_t k = i; k < end; k++)
            pieces[k - i] = cut->members[k].piece;
        scan_plan_merged(cut->plan, cut->pieces[0].stream, pieces, end - i);
        i = end;
    }
}

static void cut_chain(struct scan_plan *plan, const struct scan_piece *pieces, size_t count)
{
    struct cut cut = {.plan = plan, .pieces = pieces, .count = count};
    find_windows(&cut);
    cut_pieces(&cut);
    find_elders(&cut);
    if (cut.apart_count > 0)
        keep_apart(&cut);
    keep_merged(&cut);
    mem_free(cut.windows);
    mem_free(cut.members);
    mem_free(cut.apart);
    mem_free(cut.pairs);
}

/* pieces[next] begins at the instant with which a run of its own segment ends, and these have no entry in common: do they stand apart? Not if another part begins
 * there too. */
static bool stand_apart(const struct scan_plan *plan, size_t next)
{
    const struct scan_piece *piece = &plan->pieces[next];
    size_t i = next + 1;
    while (i < plan->count && plan->pieces[i].stream == piece->stream && plan->pieces[i].merge.first_ns == piece->merge.first_ns)
        if (plan->pieces[i++].merge.age != piece->merge.age)
            return false;
    return true;
}

void scan_plan_cut(struct scan_plan *plan)
{
    for (size_t i = 0; i < plan->count;) {
        struct scan_piece *piece = &plan->pieces[i];
        int64_t last = piece->merge.last_ns;
        bool is_one = true; // all so far are of one segment
        size_t end = i + 1;
        for (; end < plan->count && plan->pieces[end].stream == piece->stream; end++) {
            const struct merge_piece *next = &plan->pieces[end].merge;
            if (next->first_ns > last || (is_one && next->age == piece->merge.age && next->first_ns == last && stand_apart(plan, end)))
                break;
            is_one = is_one && next->age == piece->merge.age;
            last = next->last_ns > last ? next->last_ns : last;
        }
        if (end == i + 1)
            scan_plan_apart(plan, piece);
        else
            cut_chain(plan, piece, end - i);
        i = end;
    }
}
