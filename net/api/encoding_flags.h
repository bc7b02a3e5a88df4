/* encoding_flags.h: the header X-Loki-Response-Encoding-Flags: how a client wants labels shown. Thread: any. */
#pragma once

#include "net/http/request.h"

#define ENCODING_FLAGS_MAX 8

struct encoding_flags {
    struct slice flags[ENCODING_FLAGS_MAX]; /* of the request; echoed in answers */
    size_t count;
    bool categorize; /* keep metadata and parsed labels apart from the stream's */
};

void encoding_flags_parse(const struct http_request *http, struct encoding_flags *out);
