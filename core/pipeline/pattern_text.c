#include "core/pipeline/pattern_text.h"

static bool is_name_byte(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!is_first && c >= '0' && c <= '9');
}

// Length of the <name> at the head, or 0.
static size_t capture_at(struct slice in)
{
    if (in.len < 3 || in.ptr[0] != '<')
        return 0;
    size_t n = 1;
    while (n < in.len && is_name_byte(in.ptr[n], n == 1))
        n++;
    return n > 1 && n < in.len && in.ptr[n] == '>' ? n + 1 : 0;
}

bool pattern_parse(struct slice text, struct arena *arena, struct pattern *out, struct err *err)
{
    struct pattern_part *parts = ARENA_ARRAY(arena, struct pattern_part, text.len);
    size_t count = 0;
    for (struct slice in = text; in.len > 0;) {
        struct pattern_part *part = &parts[count++];
        size_t n = capture_at(in);
        part->is_capture = n > 0;
        if (n > 0) {
            part->text = slice_of(in.ptr + 1, n - 2);
            if (count > 1 && parts[count - 2].is_capture)
                return err_set(err, ERR_INVALID, "found consecutive capture '<%.*s><%.*s>': invalid expression",
                               SLICE_ARG(parts[count - 2].text), SLICE_ARG(part->text));
        } else {
            do
                n++;
            while (n < in.len && capture_at(slice_from(in, n)) == 0);
            part->text = slice_of(in.ptr, n);
            text_needle_init(&part->needle, part->text, false);
        }
        in = slice_from(in, n);
    }
    *out = (struct pattern){parts, count};
    return true;
}

bool pattern_matches(const struct pattern *pattern, struct slice line)
{
    if (line.len == 0 || pattern->count == 0)
        return line.len == 0 && pattern->count == 0;
    size_t at = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        if (part->is_capture)
            continue;
        size_t found = text_find(&part->needle, line.ptr, line.len, at);
        if (found == TEXT_ABSENT || (i > 0 && found == at))
            return false;
        at = found + part->text.len;
    }
    return pattern->parts[pattern->count - 1].is_capture == (at != line.len);
}
