#include "net/config/nearest.h"

#define NAME_BYTES_MAX 96

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance, by rows. */
static size_t distance(struct slice a, struct slice b)
{
    size_t row[NAME_BYTES_MAX + 1];
    if (a.len > NAME_BYTES_MAX || b.len > NAME_BYTES_MAX)
        return SIZE_MAX;
    for (size_t k = 0; k <= b.len; k++)
        row[k] = k;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < b.len; k++) {
            size_t above = row[k + 1];
            row[k + 1] = least(above + 1, row[k] + 1, diagonal + (a.ptr[i] != b.ptr[k]));
            diagonal = above;
        }
    }
    return row[b.len];
}

const char *nearest_name(struct slice text, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t edits = distance(text, slice_str(names[i]));
        if (edits < best_distance && edits <= strlen(names[i]) / 3) {
            best_distance = edits;
            best = names[i];
        }
    }
    return best;
}
