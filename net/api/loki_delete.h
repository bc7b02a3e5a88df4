/* loki_delete.h: the handlers of delete requests. Thread: the pool. */
#pragma once

#include "net/http/request.h"

void loki_delete(struct http_request *http);           /* /loki/api/v1/delete: POST, PUT, GET, DELETE */
void loki_cache_generation(struct http_request *http); /* /loki/api/v1/cache/generation_numbers */
