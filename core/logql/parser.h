/* parser.h: LogQL text to an AST, with Loki's semantic checks and error words (spec logql.md sections 2, 3, 19). */
#pragma once

#include "core/logql/ast.h"

#define QUERY_BYTES_MAX ((size_t)131072)
#define QUERY_REGEXES_MAX 1000u /* Loki has no such bound */

/* Parses and checks a whole query; literals are folded. ERR_INVALID: "parse error at line 1, col 5: syntax error: unexpected ..." or
 * "parse error : ...". Of regexes, those of matchers and of label_replace are compiled here; what else stages take (regexp, pattern, ip(), paths, templates,
 * regex line filters) is checked by pipeline_check of core/pipeline, to be called next on each log expression. The tree lives in the arena; end it
 * with expr_fini. */
bool logql_parse(struct slice text, struct arena *arena, struct expr **out, struct err *err) MUST_CHECK;

/* A log query whose selector may match every stream ({}), as delete requests may have it: ERR_INVALID for a metric query. Its pipeline is to be checked too. */
bool logql_parse_delete(struct slice text, struct arena *arena, struct expr **out, struct err *err) MUST_CHECK;

/* A selector only, for series, labels, index routes: "only label matchers are supported" for a pipeline or metric. With allow_empty, {} is fine. */
bool logql_parse_matchers(struct slice text, bool allow_empty, struct arena *arena, struct matcher **out, size_t *out_count,
                          struct err *err) MUST_CHECK;

/* A log query only, for tail and detected_fields: ERR_INVALID "only log selector is supported" for a metric. */
bool logql_parse_log(struct slice text, struct arena *arena, struct log_expr **out, struct err *err) MUST_CHECK;
