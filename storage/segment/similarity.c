#include "core/base/buf.h"
#include "core/model/label_set.h"
#include "storage/segment/segment.h"

/* Names whose values tell instances of one program apart, and say nothing of what its lines look like. */
static const struct slice instance_names[] = {
    {"container_id", 12}, {"endpoint_id", 11}, {"file", 4}, {"filename", 8}, {"host", 4}, {"host_ip", 7}, {"host_name", 9}, {"hostname", 8},
    {"id", 2}, {"instance", 8}, {"instance_id", 11}, {"ip", 2}, {"machine", 7}, {"node", 4}, {"node_name", 9}, {"nodename", 8}, {"pid", 3},
    {"pod", 3}, {"pod_ip", 6}, {"pod_name", 8}, {"pod_uid", 7}, {"request_id", 10}, {"server", 6}, {"session_id", 10}, {"session", 7}, {"span_id", 7},
    {"thread", 6}, {"trace_id", 8}, {"uid", 3}, {"uuid", 4}, {"version", 7},
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
        if (slice_eq(name, instance_names[i]))
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
