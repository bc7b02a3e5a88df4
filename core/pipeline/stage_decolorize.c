/* stage_decolorize.c: `| decolorize`. logql.md 10. */
#include "core/pipeline/decolorize.h"
#include "core/pipeline/step.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_final(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'P') || (c >= 'f' && c <= 'n') || (c != '\0' && strchr("RZcqrty=><~", c) != NULL);
}

// ESC, or U+009B; 0: neither.
static size_t introducer(struct slice in)
{
    if (in.len >= 1 && in.ptr[0] == '\x1b')
        return 1;
    return in.len >= 2 && in.ptr[0] == '\xc2' && in.ptr[1] == '\x9b' ? 2 : 0;
}

static size_t skip_digits(struct slice in, size_t at, size_t max)
{
    size_t end = at;
    while (end < in.len && end - at < max && is_digit(in.ptr[end]))
        end++;
    return end;
}

// digits{1,4}(;digits{0,4})* and a final byte, from `at` on. A final byte may be a digit: then the last one of the numbers is it. 0: none.
static size_t control_end(struct slice in, size_t at)
{
    size_t end = skip_digits(in, at, 4);
    size_t last_digit = end;
    if (end > at) {
        while (end < in.len && in.ptr[end] == ';') {
            size_t next = skip_digits(in, end + 1, 4);
            if (next > end + 1)
                last_digit = next;
            end = next;
        }
    }
    if (end < in.len && is_final(in.ptr[end]))
        return end + 1;
    return last_digit > at ? last_digit : 0;
}

// Length of the sequence at the head, or 0.
static size_t sequence_length(struct slice in)
{
    size_t at = introducer(in);
    if (at == 0)
        return 0;
    while (at < in.len && in.ptr[at] != '\0' && strchr("[]()#;?", in.ptr[at]) != NULL)
        at++;
    size_t end = at;
    while (end < in.len && (is_alnum(in.ptr[end]) || in.ptr[end] == ';'))
        end++;
    return end < in.len && in.ptr[end] == '\a' ? end + 1 : control_end(in, at);
}

// The next byte that may begin a sequence, or the end.
static size_t plain_length(struct slice in)
{
    size_t n = slice_find_byte(in, '\x1b');
    struct slice before = {in.ptr, n};
    return slice_find_byte(before, '\xc2');
}

struct slice line_decolorize(struct slice line, struct arena *arena)
{
    if (slice_find_byte(line, '\x1b') == line.len && slice_find_byte(line, '\xc2') == line.len)
        return line;
    char *out = arena_alloc(arena, line.len, 1);
    size_t count = 0;
    while (line.len > 0) {
        size_t plain = plain_length(line);
        memcpy(out + count, line.ptr, plain);
        count += plain;
        line = slice_from(line, plain);
        size_t skip = sequence_length(line);
        if (skip == 0 && line.len > 0) {
            out[count++] = line.ptr[0];
            skip = 1;
        }
        line = slice_from(line, skip);
    }
    return slice_of(out, count);
}

static bool run_decolorize(const struct step *step, struct row *row)
{
    (void)step;
    row->line = line_decolorize(row->line, row->arena);
    return true;
}

bool stage_decolorize_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    (void)stage;
    (void)arena;
    (void)err;
    *out = (struct step){.kind = STAGE_DECOLORIZE, .run = run_decolorize};
    return true;
}
