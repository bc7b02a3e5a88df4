#include "core/model/query_block.h"

#include "core/model/flow_text.h"
#include "core/model/go_text.h"
#include "core/model/regex.h"

static const struct {
    struct slice word;
    enum query_type type;
} types[] = {{{"metric", 6}, QUERY_TYPE_METRIC}, {{"filter", 6}, QUERY_TYPE_FILTER}, {{"limited", 7}, QUERY_TYPE_LIMITED}};

// ---- reading ----

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

static bool set_text(struct query_block *block, struct slice name, struct slice value, struct err *err)
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
    if (!slice_eq(name, SLICE("hash")))
        return err_set(err, ERR_INVALID, "unknown key %.*s: pattern, regex, types, hash and query_tags are known", SLICE_ARG(name));
    if (!go_parse_int(value, &number, err) || number < 0 || number > UINT32_MAX)
        return err_set(err, ERR_INVALID, "hash: %.*s is no number of 32 bits", SLICE_ARG(value));
    block->hash = (uint32_t)number;
    return true;
}

// A text of types by commas, or a list of them.
static bool set_types(struct query_block *block, const struct flow_value *value, struct err *err)
{
    if (value->kind == FLOW_TEXT)
        return add_types(value->text, block, err);
    bool ok = value->kind == FLOW_LIST || err_set(err, ERR_INVALID, "types: a list is wanted");
    for (size_t i = 0; ok && i < value->count; i++)
        ok = value->items[i].kind == FLOW_TEXT ? add_types(value->items[i].text, block, err) : err_set(err, ERR_INVALID, "types: words are wanted");
    return ok;
}

// Added to the tags that the block has.
static bool set_tags(struct query_block *block, const struct flow_value *value, struct arena *arena, struct err *err)
{
    if (value->kind == FLOW_TEXT && value->text.len == 0)
        return true;
    if (value->kind != FLOW_MAP)
        return err_set(err, ERR_INVALID, "query_tags: {name: value, ...} is wanted");
    if (block->tag_count + value->count > QUERY_TAGS_MAX)
        return err_set(err, ERR_INVALID, "query_tags: more than %d", QUERY_TAGS_MAX);
    struct query_tag *tags = ARENA_ARRAY(arena, struct query_tag, block->tag_count + value->count);
    for (size_t i = 0; i < block->tag_count; i++)
        tags[i] = block->tags[i];
    block->tags = tags;
    for (size_t i = 0; i < value->count; i++) {
        if (value->keys[i].len == 0 || value->items[i].kind != FLOW_TEXT)
            return err_set(err, ERR_INVALID, "query_tags: {name: value, ...} is wanted");
        tags[block->tag_count++] = (struct query_tag){value->keys[i], value->items[i].text};
    }
    return true;
}

static bool set_field(struct query_block *block, struct slice name, const struct flow_value *value, struct arena *arena, struct err *err)
{
    if (slice_eq(name, SLICE("query_tags")) || slice_eq(name, SLICE("tags")))
        return set_tags(block, value, arena, err);
    if (slice_eq(name, SLICE("types")))
        return set_types(block, value, err);
    if (value->kind != FLOW_TEXT)
        return err_set(err, ERR_INVALID, "%.*s: a list or map is not wanted", SLICE_ARG(name));
    return set_text(block, name, value->text, err);
}

static bool read_block(const struct flow_value *value, struct arena *arena, struct query_block *block, struct err *err)
{
    *block = (struct query_block){.pattern = SLICE("")};
    if (value->kind != FLOW_MAP)
        return err_set(err, ERR_INVALID, "a list of {pattern, regex, types, hash, query_tags} is wanted");
    for (size_t i = 0; i < value->count; i++) {
        if (!set_field(block, value->keys[i], &value->items[i], arena, err))
            return false;
    }
    struct regex *probe = NULL; // a bad pattern is told when the configuration is read, with its line
    bool ok = !block->is_regex || regex_compile(block->pattern, REGEX_SEARCH, &probe, err);
    regex_free(probe);
    return ok;
}

bool query_blocks_parse(struct slice text, struct arena *arena, struct query_block_list *out, struct err *err)
{
    struct flow_value tree;
    *out = (struct query_block_list){NULL, 0};
    if (slice_trim(text).len == 0)
        return true;
    if (!flow_read(text, arena, &tree, err))
        return false;
    if (tree.kind != FLOW_LIST)
        return err_set(err, ERR_INVALID, "a list of {pattern, regex, types, hash, query_tags} is wanted");
    if (tree.count > QUERY_BLOCKS_MAX)
        return err_set(err, ERR_INVALID, "more than %d items", QUERY_BLOCKS_MAX);
    struct query_block *items = ARENA_ARRAY(arena, struct query_block, tree.count);
    for (size_t i = 0; i < tree.count; i++) {
        if (!read_block(&tree.items[i], arena, &items[i], err))
            return false;
    }
    *out = (struct query_block_list){items, tree.count};
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
