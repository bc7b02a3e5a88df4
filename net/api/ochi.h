/* ochi.h: Ochi's API (spec http-api.md 15; docs/api/ochi.md): what its files share, and its tables of routes.
 *
 * Ochi's clients find it on a listener of its own (ochi.listen), and on the main one, where no path of it clashes but /flush.
 */
#pragma once

#include "net/api/api.h"

#define OCHI_BODY_BYTES_MAX ((size_t)4 << 20)

/* For every listener. */
struct route_table ochi_routes(void);
/* Only for Ochi's own: where Loki's routes have the same path. */
struct route_table ochi_own_routes(void);

/* Replies 400 for an empty body and 413 for one over OCHI_BODY_BYTES_MAX; true: neither. */
bool ochi_body_check(struct http_request *http);

/* A text without Loki's newline, and JSON where the text is JSON. */
void ochi_reply_text(struct http_request *http, int status, struct slice text);
void ochi_reply_err(struct http_request *http, const struct err *err);

void ochi_push(struct http_request *http);
void ochi_query(struct http_request *http);
void ochi_stream_ids(struct http_request *http);
