#include "core/rules/alert_state.h"

#include "core/base/bytes.h"
#include "core/base/crc32c.h"

#define MAGIC SLICE("LOGIALRT")
#define VERSION 1
#define HEADER_BYTES ((size_t)24)
#define TIMES 4

void alert_state_begin(struct buf *out)
{
    char *header = buf_room(out, HEADER_BYTES);
    memset(header, 0, HEADER_BYTES);
    buf_took(out, HEADER_BYTES);
}

static void put_text(struct buf *out, struct slice text)
{
    buf_varint(out, text.len);
    buf_put(out, text);
}

static void put_alert(struct buf *out, const struct alert *alert)
{
    const int64_t times[TIMES] = {alert->active_ns, alert->fired_ns, alert->resolved_ns, alert->keep_since_ns};
    uint64_t value;
    put_text(out, alert->labels);
    put_text(out, alert->annotations);
    buf_byte(out, (char)alert->state);
    memcpy(&value, &alert->value, sizeof(value));
    le64_put(buf_room(out, 8), value);
    buf_took(out, 8);
    for (size_t i = 0; i < TIMES; i++) {
        le64_put(buf_room(out, 8), (uint64_t)times[i]);
        buf_took(out, 8);
    }
}

void alert_state_put(struct buf *out, const struct alert_state_key *key, const struct alert_set *set)
{
    if (set->count == 0)
        return;
    put_text(out, key->rule_namespace);
    put_text(out, key->group);
    put_text(out, key->alert);
    put_text(out, key->labels);
    buf_varint(out, set->count);
    for (size_t i = 0; i < set->count; i++)
        put_alert(out, &set->alerts[i]);
}

void alert_state_end(struct buf *out)
{
    struct slice payload = slice_of(out->ptr + HEADER_BYTES, out->len - HEADER_BYTES);
    memcpy(out->ptr, MAGIC.ptr, MAGIC.len);
    le32_put(out->ptr + 8, VERSION);
    le32_put(out->ptr + 12, crc32c(0, payload));
    le64_put(out->ptr + 16, payload.len);
}

static bool take_labels(struct slice *in, struct slice *out)
{
    struct label label;
    if (!varint_slice_take(in, out))
        return false;
    struct slice rest = *out;
    while (label_next(&rest, &label))
        ;
    return rest.len == 0;
}

static bool take_alert(struct slice *in, struct alert *out)
{
    int64_t times[TIMES];
    struct slice fixed;
    if (!take_labels(in, &out->labels) || !take_labels(in, &out->annotations) || !slice_take(in, 1 + 8 + TIMES * 8, &fixed))
        return false;
    uint8_t state = (uint8_t)fixed.ptr[0];
    uint64_t value = le64_get(fixed.ptr + 1);
    memcpy(&out->value, &value, sizeof(value));
    for (size_t i = 0; i < TIMES; i++)
        times[i] = (int64_t)le64_get(fixed.ptr + 9 + i * 8);
    out->active_ns = times[0];
    out->fired_ns = times[1];
    out->resolved_ns = times[2];
    out->keep_since_ns = times[3];
    out->state = (enum alert_state)state;
    return state <= ALERT_FIRING;
}

static bool take_rule(struct slice *in, struct alert_state_key *key, struct alert_set *set)
{
    uint64_t count = 0;
    if (!varint_slice_take(in, &key->rule_namespace) || !varint_slice_take(in, &key->group) || !varint_slice_take(in, &key->alert) ||
        !take_labels(in, &key->labels) || !varint_take(in, &count))
        return false;
    for (uint64_t i = 0; i < count; i++) { // each takes bytes of `in`, so the count cannot ask for more than there is
        struct alert alert = {0};
        if (!take_alert(in, &alert) || !alert_set_append(set, &alert))
            return false;
    }
    return true;
}

bool alert_state_read(struct slice bytes, void (*each)(void *self, const struct alert_state_key *key, struct alert_set *set), void *self,
                      struct err *err)
{
    struct slice header;
    if (!slice_take(&bytes, HEADER_BYTES, &header))
        return err_set(err, ERR_CORRUPT, "%zu of %zu header bytes", bytes.len, HEADER_BYTES);
    if (!slice_eq(slice_of(header.ptr, MAGIC.len), MAGIC))
        return err_set(err, ERR_CORRUPT, "no alert state: wrong magic");
    if (le32_get(header.ptr + 8) != VERSION)
        return err_set(err, ERR_INVALID, "alert state of version %u, this program reads %d", le32_get(header.ptr + 8), VERSION);
    if (le64_get(header.ptr + 16) != bytes.len || le32_get(header.ptr + 12) != crc32c(0, bytes))
        return err_set(err, ERR_CORRUPT, "alert state: %zu bytes that do not fit their length or checksum", bytes.len);
    while (bytes.len > 0) {
        struct alert_state_key key;
        struct alert_set set = {0};
        if (!take_rule(&bytes, &key, &set)) {
            alert_set_fini(&set);
            return err_set(err, ERR_CORRUPT, "alert state: a rule that cannot be read, %zu bytes from the end", bytes.len);
        }
        each(self, &key, &set);
    }
    return true;
}
