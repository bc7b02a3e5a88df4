#include "core/base/buf.h"
#include "core/model/label_set.h"
#include "storage/segment/segment.h"

/* Names whose values tell instances of one program apart, and say nothing of what its lines look like. */
static const char *const instance_names[] = {
    "container_id", "endpoint_id", "file",       "filename",   "host",       "host_ip", "host_name",  "hostname", "id",      "instance",  "instance_id",
    "ip",           "machine",     "node",       "node_name",  "nodename",   "pid",     "pod",        "pod_ip",   "pod_name", "pod_uid",  "request_id",
    "server",       "session_id",  "session",    "span_id",    "thread",     "trace_id", "uid",       "uuid",     "version",
};

/* A run of five letters or digits or more with two digits, or a number of three digits: build hashes, pod suffixes, ids. */
static bool looks_generated(struct slice value)
{
    size_t run = 0;
    size_t digits = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool is_digit = c >= '0' && c <= '9';
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        run = is_digit || is_letter ? run + 1 : 0;
        digits = run == 0 ? 0 : digits + is_digit;
        if (digits >= 3 || (digits >= 2 && run >= 5))
            return true;
    }
    return false;
}

static bool tells_instances(struct slice name)
{
    for (size_t i = 0; i < LENGTH(instance_names); i++) {
        if (slice_eq_str(name, instance_names[i]))
            return true;
    }
    return false;
}

uint64_t segment_similarity(struct slice tenant, struct slice encoded_labels)
{
    struct label label;
    uint64_t hash = hash64(tenant);
    while (label_next(&encoded_labels, &label)) {
        if (tells_instances(label.name) || looks_generated(label.value))
            continue;
        hash = hash64_seeded(label.name, hash);
        hash = hash64_seeded(label.value, hash);
    }
    return hash;
}
