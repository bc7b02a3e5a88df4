/* query_block.h: blocked_queries: what queries a tenant may not run. Meaning: Loki's limits_config.blocked_queries.
 *
 * TEXT FORM (flow_text.h): [{pattern: "...", regex: true, types: "metric,filter", hash: 123, query_tags: {source: "grafana"}}, ...]. Each
 * key may be left out; tags is another name of query_tags.
 *
 * Thread: any; a list in force is not changed.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/model/query_tags.h"

enum query_type {
    QUERY_TYPE_METRIC = 1,
    QUERY_TYPE_FILTER = 2,  /* a log query with a line or label filter */
    QUERY_TYPE_LIMITED = 4, /* a log query without one */
};

struct query_block {
    struct slice pattern; /* empty, without hash: every query */
    uint32_t hash;        /* not 0: the query with this query_block_hash, and the pattern is not looked at */
    unsigned types;       /* enum query_type, ORed; 0: all */
    bool is_regex;        /* matches anywhere in the query; else the whole query, but for outer spaces, is the pattern */
    struct regex *regex;  /* of query_blocks_compile */
    const struct query_tag *tags; /* the query must have all of them in its X-Query-Tags */
    size_t tag_count;
};

struct query_block_list {
    struct query_block *items;
    size_t count;
};

#define QUERY_BLOCKS_MAX 256
#define QUERY_BLOCKED_TEXT "query blocked by policy"

/* Reads the text form; empty: none. ERR_INVALID: not of this form, an unknown key or type, a bad regular expression. Copies to the arena. */
bool query_blocks_parse(struct slice text, struct arena *arena, struct query_block_list *out, struct err *err) MUST_CHECK;
void query_blocks_print(const struct query_block_list *list, struct buf *out);
void query_blocks_copy(const struct query_block_list *from, struct arena *arena, struct query_block_list *out);

/* Makes the regular expressions, once for a list; query_blocks_free ends them, not the list. */
bool query_blocks_compile(struct query_block_list *list, struct err *err) MUST_CHECK;
void query_blocks_free(struct query_block_list *list);

/* Some item of the compiled list blocks the query; tags: those it came with. */
bool query_blocks_match(const struct query_block_list *list, struct slice query, enum query_type type, const struct query_tags *tags);

/* What Loki's query log calls query_hash: FNV-1, 32 bits. */
uint32_t query_block_hash(struct slice query);
