/* remote_batch.h: a batch of samples as the bytes of a remote write request: protobuf, snappy. Thread: any; pure. */
#pragma once

#include "core/model/label_set.h"

struct remote_point {
    struct slice labels; /* encoded */
    double value;
    int64_t ts_ms;
};

/* Appends the packed request. */
void remote_batch_put(struct buf *out, const struct remote_point *points, size_t count);
