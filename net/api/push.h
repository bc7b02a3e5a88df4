/* push.h: a push from its HTTP request to its answer, for every API that pushes: decode, rules, store, reply.
 *
 * Thread: push_handle on a loop; large bodies go on on the pool; the store answers on a thread of its own. */
#pragma once

#include "core/ingest/push.h"
#include "net/api/api.h"
#include "net/api/push_body.h"

struct push_flavour {
    const char *name;  /* of metrics' format label: loki, otlp, ochi_json */
    bool adds_labels;  /* service_name, detected_level */
    /* Fills body; on failure err. */
    bool (*decode)(struct http_request *http, const struct limits *limits, size_t unpacked_bytes_max, struct arena *arena,
                   struct push_body *body, struct err *err);
    /* Answers: status and text as ingest or the store said. */
    void (*reply)(struct http_request *http, int status, struct slice text);
    bool takes_old; /* reject_old_samples is Loki's rule, not this API's */
};

void push_handle(struct http_request *http, const struct push_flavour *flavour);

size_t push_cache_bytes(void); /* of the caches of known streams of all threads. Thread: any */

/* Loki's answer: 204, or the text with a newline. */
void loki_push_reply(struct http_request *http, int status, struct slice text);
