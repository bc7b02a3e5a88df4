/* otlp.h: an ExportLogsServiceRequest of OpenTelemetry, however it was encoded: what otlp_proto and otlp_json decode to, and otlp_map reads.
 *
 * Slices and arrays live in the arena or in the body that was decoded.
 * Thread: any, one at a time.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"

/* Arrays and maps inside a value, one in the other; deeper is refused. */
#define OTLP_DEPTH_MAX 16

#define OTLP_TRACE_ID_BYTES ((size_t)16)
#define OTLP_SPAN_ID_BYTES ((size_t)8)

enum otlp_kind { OTLP_NONE, OTLP_TEXT, OTLP_BOOL, OTLP_INT, OTLP_DOUBLE, OTLP_BYTES, OTLP_ARRAY, OTLP_MAP };

struct otlp_pair;

struct otlp_value {
    enum otlp_kind kind;
    uint32_t count; /* of items or pairs */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct slice text; /* OTLP_TEXT, OTLP_BYTES */
        const struct otlp_value *items;
        const struct otlp_pair *pairs;
    };
};

struct otlp_pair {
    struct slice key;
    struct otlp_value value;
};

struct otlp_pairs {
    const struct otlp_pair *items;
    size_t count;
};

struct otlp_record {
    uint64_t time_ns, observed_ns; /* 0: not given */
    int32_t severity_number;
    uint32_t dropped_attributes, flags;
    struct slice severity_text;
    struct otlp_value body;
    struct otlp_pairs attributes;
    struct slice trace_id, span_id; /* raw bytes of the right length, or empty */
};

struct otlp_scope {
    struct slice name, version;
    uint32_t dropped_attributes;
    struct otlp_pairs attributes;
    const struct otlp_record *records;
    size_t record_count;
};

struct otlp_resource {
    struct otlp_pairs attributes;
    const struct otlp_scope *scopes;
    size_t scope_count;
};

struct otlp_request {
    const struct otlp_resource *resources;
    size_t resource_count;
};

/* What one request may take, decoded and mapped: two bytes on the wire can ask for a hundred in memory, and each record repeats its resource's
 * attributes. */
struct otlp_memory {
    struct arena *arena;
    size_t bytes_left;
    bool is_exhausted; /* something was refused */
};

/* The budget of a body: what honest exporters need, with room, and never over 128 MiB. */
struct otlp_memory otlp_memory_for(struct arena *arena, size_t body_bytes);

/* Cleared. NULL: over the budget. */
void *otlp_alloc(struct otlp_memory *memory, size_t count, size_t size, size_t align) MUST_CHECK;
#define OTLP_ARRAY_OF(memory, type, count) ((type *)otlp_alloc((memory), (count), sizeof(type), _Alignof(type)))

/* The error for it. */
bool otlp_too_large(struct err *err);
