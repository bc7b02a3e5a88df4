/* line_shape.h: a line as words and the runs of delimiters between them, and which words are taken for values from the start.
 *
 * A delimiter is white space or one of = , ; " ' ( ) [ ] { } |; a run of them may go on with ':' (so "key":1 has the run ":). All else is in words.
 * A word is variable if it has digits (but for one behind a letter, as in /api/v1, for up to two in a key, and for HTTP/1.1), is longer than
 * SHAPE_WORD_BYTES, has a '<', or is no UTF-8. Past SHAPE_WORDS_MAX words or SHAPE_BYTES_MAX bytes the rest of the line is the last, variable word.
 *
 * Since a word has no delimiter and the run behind it begins with one, the text of the words and runs, with <_> for variable ones, is a pattern that the line
 * filter |> finds at the same places: it accepts the line, and every line of the same runs whose other words are the same.
 *
 * Thread: any.
 */
#pragma once

#include "core/base/slice.h"

#define SHAPE_WORDS_MAX ((uint32_t)96)
#define SHAPE_WORD_BYTES ((uint32_t)64)
#define SHAPE_BYTES_MAX ((size_t)4096)

struct shape_word {
    uint32_t start, len; /* not empty */
    bool is_variable;
    bool is_key;     /* "key": or key= */
    bool is_message; /* in the value of msg or message */
};

struct line_shape {
    struct slice text; /* borrowed */
    uint32_t count;
    struct shape_word words[SHAPE_WORDS_MAX];
};

void line_shape_cut(struct line_shape *out, struct slice line);
/* The same, without wide instructions. */
void line_shape_cut_portable(struct line_shape *out, struct slice line);

/* The run before word i; i == count: the one at the end. */
static inline struct slice line_shape_run(const struct line_shape *shape, uint32_t i)
{
    uint32_t first = i == 0 ? 0 : shape->words[i - 1].start + shape->words[i - 1].len;
    return slice_of(shape->text.ptr + first, (i == shape->count ? shape->text.len : shape->words[i].start) - first);
}
static inline struct slice line_shape_word(const struct line_shape *shape, uint32_t i)
{
    return slice_of(shape->text.ptr + shape->words[i].start, shape->words[i].len);
}

/* Of all that is not variable. */
uint64_t line_shape_hash(const struct line_shape *shape, uint64_t seed);
