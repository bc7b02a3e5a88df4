/* tail_json.h: the parts of a live tail's messages. Source: spec http-api.md 10 and 14. Thread: any. */
#pragma once

#include "core/plan/query.h"

struct tail_form {
    bool is_legacy;  /* /api/prom/tail */
    bool categorize; /* labels of the stream only; beside the line, what it has of its own; legacy: what it has of its own is left out */
    const struct slice *encoding_flags; /* echoed; not in legacy */
    size_t flag_count;
};

/* {"a":"1"}, or as legacy writes it "{a=\"1\"}". */
void tail_json_labels_put(struct buf *out, const struct tail_form *form, const struct result_label *labels, size_t count);

/* What follows the labels of a stream with this one entry, up to the end of the stream's object: ,"values":[["<ns>","<line>"]]} */
void tail_json_entry_put(struct buf *out, const struct tail_form *form, const struct result_entry *entry);

/* A message: begin; streams, with commas between them; dropped; the end. `dropped` is a list of tail_json_dropped_put with commas between them, or empty. */
void tail_json_begin(struct buf *out);
void tail_json_stream_begin(struct buf *out, const struct tail_form *form); /* the labels follow, then what tail_json_entry_put gives */
void tail_json_dropped_put(struct buf *out, const struct tail_form *form, int64_t ts_ns, struct slice labels_json);
void tail_json_end(struct buf *out, const struct tail_form *form, struct slice dropped);
