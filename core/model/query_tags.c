#include "core/model/query_tags.h"

#include <string.h>

static bool is_kept(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-=.@, ", c) != NULL);
}

static struct slice clean(struct slice header, struct arena *arena)
{
    char *text = arena_alloc(arena, header.len, 1);
    size_t len = 0;
    for (size_t i = 0; i < header.len; i++) {
        if (is_kept(header.ptr[i]))
            text[len++] = header.ptr[i];
        else if (i == 0 || is_kept(header.ptr[i - 1]))
            text[len++] = '_';
    }
    return slice_of(text, len);
}

static struct slice lower(struct slice text, struct arena *arena)
{
    char *copy = arena_alloc(arena, text.len, 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] + 32) : text.ptr[i];
    return slice_of(copy, text.len);
}

/* `a=b`, also with more than one `=` before, between or behind; no third part. */
static bool tag_parse(struct slice text, struct query_tag *out)
{
    struct slice parts[2];
    size_t count = 0;
    while (text.len > 0) {
        size_t end = slice_find_byte(text, '=');
        if (end > 0 && count == LENGTH(parts))
            return false;
        if (end > 0)
            parts[count++] = slice_trim(slice_of(text.ptr, end));
        text = slice_from(text, end < text.len ? end + 1 : end);
    }
    if (count < LENGTH(parts) || parts[0].len == 0)
        return false;
    *out = (struct query_tag){parts[0], parts[1]};
    return true;
}

void query_tags_parse(struct slice header, struct arena *arena, struct query_tags *out)
{
    struct slice rest = clean(header, arena);
    out->count = 0;
    while (rest.len > 0 && out->count < QUERY_TAGS_MAX) {
        size_t end = slice_find_byte(rest, ',');
        struct query_tag *tag = &out->items[out->count];
        if (tag_parse(slice_of(rest.ptr, end), tag)) {
            tag->name = lower(tag->name, arena);
            out->count++;
        }
        rest = slice_from(rest, end < rest.len ? end + 1 : end);
    }
}

bool query_tags_have(const struct query_tags *tags, struct slice name, struct slice value)
{
    for (size_t i = 0; i < tags->count; i++) {
        if (slice_eq_nocase(tags->items[i].name, name) && slice_eq_nocase(tags->items[i].value, value))
            return true;
    }
    return false;
}
