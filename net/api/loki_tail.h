/* loki_tail.h: /loki/api/v1/tail and /api/prom/tail: what is checked before the upgrade; the rest is net/tail. Thread: a pool thread. */
#pragma once

#include "net/api/api.h"

void loki_tail(struct http_request *http);
void loki_tail_legacy(struct http_request *http);
