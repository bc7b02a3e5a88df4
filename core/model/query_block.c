#include "core/model/query_block.h"

#include "core/model/go_text.h"
#include "core/model/regex.h"

static const struct {
    struct slice word;
    enum query_type type;
} types[] = {{{"metric", 6}, QUERY_TYPE_METRIC}, {{"filter", 6}, QUERY_TYPE_FILTER}, {{"limited", 7}, QUERY_TYPE_LIMITED}};

// ---- reading ----

static void skip_space(struct slice *in)
{
    while (in->len > 0 && (in->ptr[0] == ' ' || in->ptr[0] == '\t' || in->ptr[0] == '\n' || in->ptr[0] == '\r'))
        *in = slice_from(*in, 1);
}

static bool take_byte(struct slice *in, char c)
{
    skip_space(in);
    bool is_there = in->len > 0 && in->ptr[0] == c;
    if (is_there)
        *in = slice_from(*in, 1);
    return is_there;
}

// A quoted literal, or what stands before the next byte that ends a word.
static bool take_word(struct slice *in, struct arena *arena, struct slice *out, struct err *err)
{
    skip_space(in);
    size_t end = 0;
    if (in->len > 0 && in->ptr[0] == '"') {
        end = 1;
        while (end < in->len && in->ptr[end] != '"')
            end += in->ptr[end] == '\\' ? 2 : 1;
        struct buf text = BUF_INIT;
        bool ok = end < in->len && go_unquote(slice_of(in->ptr, end + 1), &text);
        *out = arena_copy(arena, buf_slice(&text));
        buf_fini(&text);
        *in = slice_from(*in, ok ? end + 1 : in->len);
        return ok || err_set(err, ERR_INVALID, "a text without its closing quote, or with a bad escape");
    }
    while (end < in->len && strchr(",:[]{}", in->ptr[end]) == NULL)
        end++;
    *out = arena_copy(arena, slice_trim(slice_of(in->ptr, end)));
    *in = slice_from(*in, end);
    return true;
}

static bool add_types(struct slice text, struct query_block *block, struct err *err)
{
    while (text.len > 0) {
        size_t end = slice_find_byte(text, ',');
        struct slice word = slice_trim(slice_of(text.ptr, end));
        text = slice_from(text, end < text.len ? end + 1 : end);
        unsigned type = 0;
        for (size_t i = 0; i < LENGTH(types); i++)
            type |= slice_eq(word, types[i].word) ? (unsigned)types[i].type : 0;
        if (type == 0 && word.len > 0)
            return err_set(err, ERR_INVALID, "type \"%.*s\" is not metric, filter or limited", SLICE_ARG(word));
        block->types |= type;
    }
    return true;
}

static bool set_field(struct query_block *block, struct slice name, struct slice value, struct err *err)
{
    int64_t number = 0;
    if (slice_eq(name, SLICE("pattern"))) {
        block->pattern = value;
        return true;
    }
    if (slice_eq(name, SLICE("regex"))) {
        block->is_regex = slice_eq_nocase(value, SLICE("true"));
        return block->is_regex || slice_eq_nocase(value, SLICE("false")) ||
               err_set(err, ERR_INVALID, "regex: %.*s is neither true nor false", SLICE_ARG(value));
    }
    if (slice_eq(name, SLICE("types")))
        return add_types(value, block, err);
    if (!slice_eq(name, SLICE("hash")))
        return err_set(err, ERR_INVALID, "unknown key %.*s: pattern, regex, types, hash and query_tags are known", SLICE_ARG(name));
    if (!go_parse_int(value, &number, err) || number < 0 || number > UINT32_MAX)
        return err_set(err, ERR_INVALID, "hash: %.*s is no number of 32 bits", SLICE_ARG(value));
    block->hash = (uint32_t)number;
    return true;
}

// {name: value, ...}, added to the tags that the block has.
static bool take_tags(struct slice *in, struct arena *arena, struct query_block *block, struct err *err)
{
    struct query_tag *tags = ARENA_ARRAY(arena, struct query_tag, QUERY_TAGS_MAX);
    for (size_t i = 0; i < block->tag_count; i++)
        tags[i] = block->tags[i];
    block->tags = tags;
    while (!take_byte(in, '}')) {
        struct query_tag tag;
        if (!take_word(in, arena, &tag.name, err))
            return false;
        if (tag.name.len == 0 || !take_byte(in, ':'))
            return err_set(err, ERR_INVALID, "query_tags: {name: value, ...} is wanted");
        if (!take_word(in, arena, &tag.value, err))
            return false;
        if (block->tag_count == QUERY_TAGS_MAX)
            return err_set(err, ERR_INVALID, "query_tags: more than %d", QUERY_TAGS_MAX);
        tags[block->tag_count++] = tag;
        if (!take_byte(in, ',') && (in->len == 0 || in->ptr[0] != '}'))
            return err_set(err, ERR_INVALID, "a comma or a closing brace is missing in query_tags");
    }
    return true;
}

// What follows `key:`: a word or, for types, a list of them, or, for query_tags, a mapping.
static bool take_value(struct slice *in, struct arena *arena, struct query_block *block, struct slice name, struct err *err)
{
    struct slice value;
    if (slice_eq(name, SLICE("query_tags")) || slice_eq(name, SLICE("tags"))) {
        if (take_byte(in, '{'))
            return take_tags(in, arena, block, err);
        if (!take_word(in, arena, &value, err))
            return false;
        return value.len == 0 || err_set(err, ERR_INVALID, "query_tags: {name: value, ...} is wanted");
    }
    if (!take_byte(in, '['))
        return take_word(in, arena, &value, err) && set_field(block, name, value, err);
    if (!slice_eq(name, SLICE("types")))
        return err_set(err, ERR_INVALID, "%.*s: a list is not wanted", SLICE_ARG(name));
    while (!take_byte(in, ']')) {
        if (in->len == 0)
            return err_set(err, ERR_INVALID, "a list without its closing bracket");
        if (!take_word(in, arena, &value, err) || !add_types(value, block, err))
            return false;
        if (!take_byte(in, ',') && (in->len == 0 || in->ptr[0] != ']'))
            return err_set(err, ERR_INVALID, "a comma is missing in types");
    }
    return true;
}

static bool take_block(struct slice *in, struct arena *arena, struct query_block *block, struct err *err)
{
    *block = (struct query_block){.pattern = SLICE("")};
    if (!take_byte(in, '{'))
        return err_set(err, ERR_INVALID, "a list of {pattern, regex, types, hash, query_tags} is wanted");
    while (!take_byte(in, '}')) {
        struct slice name;
        if (!take_word(in, arena, &name, err))
            return false;
        if (!take_byte(in, ':'))
            return err_set(err, ERR_INVALID, "a colon is missing after \"%.*s\"", SLICE_ARG(name));
        if (!take_value(in, arena, block, name, err))
            return false;
        if (!take_byte(in, ',') && (in->len == 0 || in->ptr[0] != '}'))
            return err_set(err, ERR_INVALID, "a comma or a closing brace is missing after %.*s", SLICE_ARG(name));
    }
    struct regex *probe = NULL; // a bad pattern is told when the configuration is read, with its line
    bool ok = !block->is_regex || regex_compile(block->pattern, REGEX_SEARCH, &probe, err);
    regex_free(probe);
    return ok;
}

bool query_blocks_parse(struct slice text, struct arena *arena, struct query_block_list *out, struct err *err)
{
    struct query_block_list list = {NULL, 0};
    struct slice in = slice_trim(text);
    bool has_more = in.len > 0;
    if (has_more && !take_byte(&in, '['))
        return err_set(err, ERR_INVALID, "a list of {pattern, regex, types, hash, query_tags} is wanted");
    while (has_more && !take_byte(&in, ']')) {
        if (list.count == QUERY_BLOCKS_MAX)
            return err_set(err, ERR_INVALID, "more than %d items", QUERY_BLOCKS_MAX);
        if (list.items == NULL)
            list.items = ARENA_ARRAY(arena, struct query_block, QUERY_BLOCKS_MAX);
        if (!take_block(&in, arena, &list.items[list.count], err))
            return false;
        list.count++;
        if (!take_byte(&in, ',') && (in.len == 0 || in.ptr[0] != ']'))
            return err_set(err, ERR_INVALID, "a comma or the closing bracket is missing after item %zu", list.count);
    }
    skip_space(&in);
    if (in.len > 0)
        return err_set(err, ERR_INVALID, "text after the closing bracket");
    *out = list;
    return true;
}

// ---- printing, copying ----

static void print_types(const struct query_block *block, struct buf *out)
{
    buf_str(out, ", types: \"");
    bool is_first = true;
    for (size_t i = 0; i < LENGTH(types); i++) {
        if ((block->types & (unsigned)types[i].type) == 0)
            continue;
        buf_str(out, is_first ? "" : ",");
        buf_put(out, types[i].word);
        is_first = false;
    }
    buf_byte(out, '"');
}

static void print_tags(const struct query_block *block, struct buf *out)
{
    for (size_t i = 0; i < block->tag_count; i++) {
        buf_str(out, i == 0 ? ", query_tags: {" : ", ");
        go_quote(out, block->tags[i].name);
        buf_str(out, ": ");
        go_quote(out, block->tags[i].value);
    }
    buf_byte(out, '}');
}

void query_blocks_print(const struct query_block_list *list, struct buf *out)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct query_block *block = &list->items[i];
        buf_str(out, i > 0 ? ", {pattern: " : "{pattern: ");
        go_quote(out, block->pattern);
        if (block->is_regex)
            buf_str(out, ", regex: true");
        if (block->types != 0)
            print_types(block, out);
        if (block->hash != 0)
            buf_printf(out, ", hash: %u", (unsigned)block->hash);
        if (block->tag_count > 0)
            print_tags(block, out);
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
}

void query_blocks_copy(const struct query_block_list *from, struct arena *arena, struct query_block_list *out)
{
    struct query_block *items = ARENA_ARRAY(arena, struct query_block, from->count);
    for (size_t i = 0; i < from->count; i++) {
        items[i] = from->items[i];
        items[i].pattern = arena_copy(arena, from->items[i].pattern);
        items[i].regex = NULL;
        struct query_tag *tags = ARENA_ARRAY(arena, struct query_tag, from->items[i].tag_count);
        for (size_t k = 0; k < from->items[i].tag_count; k++)
            tags[k] = (struct query_tag){arena_copy(arena, from->items[i].tags[k].name), arena_copy(arena, from->items[i].tags[k].value)};
        items[i].tags = tags;
    }
    *out = (struct query_block_list){items, from->count};
}

// ---- in force ----

bool query_blocks_compile(struct query_block_list *list, struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        struct query_block *block = &list->items[i];
        if (block->is_regex && block->hash == 0 && !regex_compile(block->pattern, REGEX_SEARCH, &block->regex, err))
            return err_wrap(err, "blocked_queries");
    }
    return true;
}

void query_blocks_free(struct query_block_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        regex_free(list->items[i].regex);
        list->items[i].regex = NULL;
    }
}

uint32_t query_block_hash(struct slice query)
{
    uint32_t hash = UINT32_C(2166136261); // FNV-1: multiply, then xor
    for (size_t i = 0; i < query.len; i++)
        hash = (hash * UINT32_C(16777619)) ^ (uint8_t)query.ptr[i];
    return hash;
}

static bool is_meant(const struct query_block *block, struct slice query)
{
    if (block->hash != 0)
        return block->hash == query_block_hash(query);
    if (block->pattern.len == 0 || slice_eq(slice_trim(block->pattern), slice_trim(query)))
        return true;
    return block->regex != NULL && regex_matches(block->regex, query);
}

static bool has_tags(const struct query_block *block, const struct query_tags *tags)
{
    for (size_t i = 0; i < block->tag_count; i++) {
        if (!query_tags_have(tags, block->tags[i].name, block->tags[i].value))
            return false;
    }
    return true;
}

bool query_blocks_match(const struct query_block_list *list, struct slice query, enum query_type type, const struct query_tags *tags)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct query_block *block = &list->items[i];
        if ((block->types == 0 || (block->types & (unsigned)type) != 0) && has_tags(block, tags) && is_meant(block, query))
            return true;
    }
    return false;
}
