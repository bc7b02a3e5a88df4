#include "core/ingest/push_wire.h"

#include <stdio.h>

#include "core/base/bytes.h"
#include "core/base/clock.h"

enum wire_type { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_GROUP_START, WIRE_GROUP_END, WIRE_FIXED32 };

#define GROUP_DEPTH_MAX 64
#define ENTRY_BYTES_GUESS ((size_t)128) /* of the message: room for as many entries is taken at first */
#define ENTRIES_GUESS_MAX ((size_t)16384)
#define SECONDS_FIRST INT64_C(-62135596800) // year 1
#define SECONDS_END INT64_C(253402300800)   // year 10000
#define SECONDS_PLAIN_END (INT64_MAX / NS_PER_S) // times that an int64_t of nanoseconds holds, in year 2262

struct decoder {
    struct arena *arena;
    const struct push_wire_limits *limits;
    struct push_request request;
    size_t stream_cap, entry_cap;
    struct err *err;
};

static bool fail_eof(struct err *err)
{
    return err_set(err, ERR_INVALID, "unexpected EOF");
}

// Most varints of a push are one or two bytes long.
static inline bool varint_read(struct slice *in, uint64_t *out)
{
    if (in->len >= 1 && (uint8_t)in->ptr[0] < 0x80) {
        *out = (uint8_t)in->ptr[0];
        *in = slice_from(*in, 1);
        return true;
    }
    if (in->len >= 2 && (uint8_t)in->ptr[1] < 0x80) {
        *out = ((uint64_t)in->ptr[0] & 0x7f) | (uint64_t)(uint8_t)in->ptr[1] << 7;
        *in = slice_from(*in, 2);
        return true;
    }
    return varint_take(in, out);
}

static inline bool bytes_read(struct slice *in, struct slice *out)
{
    uint64_t len = 0;
    return varint_read(in, &len) && len <= in->len && slice_take(in, (size_t)len, out);
}

// Takes a tag: field number and wire type.
static inline bool tag_read(struct slice *in, const char *message, uint64_t *field, enum wire_type *type, struct err *err)
{
    uint64_t tag = 0;
    if (!varint_read(in, &tag))
        return fail_eof(err);
    *field = (tag >> 3) & UINT32_MAX;
    *type = (enum wire_type)(tag & 7);
    if (*field == 0 || *field > INT32_MAX)
        return err_set(err, ERR_INVALID, "proto: %s: illegal tag %d (wire type %u)", message, (int)(uint32_t)*field, *type);
    if (*type == WIRE_GROUP_END)
        return err_set(err, ERR_INVALID, "proto: %s: wiretype end group for non-group", message);
    return true;
}

// Passes over the value of an unknown field; a group, by its own end.
static bool value_skip(struct slice *in, enum wire_type type, struct err *err)
{
    unsigned depth = 0;
    uint64_t number = 0;
    struct slice bytes;
    for (;;) {
        bool ok = true;
        switch (type) {
        case WIRE_VARINT:
            ok = varint_read(in, &number);
            break;
        case WIRE_FIXED64:
            ok = slice_take(in, 8, &bytes);
            break;
        case WIRE_BYTES:
            ok = bytes_read(in, &bytes);
            break;
        case WIRE_GROUP_START:
            if (++depth > GROUP_DEPTH_MAX)
                return err_set(err, ERR_INVALID, "proto: groups nested deeper than %d", GROUP_DEPTH_MAX);
            break;
        case WIRE_GROUP_END:
            if (depth == 0)
                return err_set(err, ERR_INVALID, "proto: unexpected end of group");
            depth--;
            break;
        case WIRE_FIXED32:
            ok = slice_take(in, 4, &bytes);
            break;
        default:
            return err_set(err, ERR_INVALID, "proto: illegal wireType %u", (unsigned)type);
        }
        if (!ok)
            return fail_eof(err);
        if (depth == 0)
            return true;
        if (!varint_read(in, &number))
            return fail_eof(err);
        type = (enum wire_type)(number & 7);
    }
}

static bool fail_type(struct err *err, enum wire_type type, const char *field)
{
    return err_set(err, ERR_INVALID, "proto: wrong wireType = %u for field %s", (unsigned)type, field);
}

// Takes the bytes of a known field, which must be of that type.
static inline bool field_bytes(struct slice *in, enum wire_type type, const char *name, struct slice *out, struct err *err)
{
    if (type != WIRE_BYTES)
        return fail_type(err, type, name);
    return bytes_read(in, out) || fail_eof(err);
}

static bool timestamp_check(int64_t seconds, int32_t nanos, int64_t *out, struct err *err)
{
    const char *wrong = nanos < 0 || nanos >= NS_PER_S    ? ": nanos not in range [0, 1e9)"
                        : seconds < SECONDS_FIRST ? " before 0001-01-01"
                        : seconds >= SECONDS_END  ? " after 10000-01-01"
                                                  : NULL;
    if (wrong != NULL) {
        char fields[64] = "";
        int at = seconds == 0 ? 0 : snprintf(fields, sizeof(fields), "seconds:%lld%s", (long long)seconds, nanos == 0 ? "" : " ");
        if (nanos != 0)
            (void)snprintf(fields + at, sizeof(fields) - (size_t)at, "nanos:%d", nanos);
        return err_set(err, ERR_INVALID, "timestamp: %s%s", fields, wrong);
    }
    __int128 ns = (__int128)seconds * NS_PER_S + nanos; // the seconds alone may lie just before the first int64_t
    *out = ns < INT64_MIN || ns > INT64_MAX ? PUSH_TS_INVALID : (int64_t)ns;
    return true;
}

static bool timestamp_decode(struct slice in, int64_t *out, struct err *err)
{
    uint64_t seconds = 0;
    uint64_t nanos = 0;
    while (in.len > 0) {
        uint64_t field = 0;
        enum wire_type type = WIRE_VARINT;
        if (!tag_read(&in, "Timestamp", &field, &type, err))
            return false;
        if (field > 2) {
            if (!value_skip(&in, type, err))
                return false;
            continue;
        }
        if (type != WIRE_VARINT)
            return fail_type(err, type, field == 1 ? "Seconds" : "Nanos");
        if (!varint_read(&in, field == 1 ? &seconds : &nanos))
            return fail_eof(err);
    }
    return timestamp_check((int64_t)seconds, (int32_t)(uint32_t)nanos, out, err);
}

static bool pair_decode(struct slice in, struct slice *name, struct slice *value, struct err *err)
{
    *name = *value = SLICE("");
    while (in.len > 0) {
        uint64_t field = 0;
        enum wire_type type = WIRE_VARINT;
        if (!tag_read(&in, "LabelPairAdapter", &field, &type, err))
            return false;
        bool ok = field == 1   ? field_bytes(&in, type, "Name", name, err)
                  : field == 2 ? field_bytes(&in, type, "Value", value, err)
                               : value_skip(&in, type, err);
        if (!ok)
            return false;
    }
    return true;
}

// A varint of up to eight bytes at p, where eight can be read: its end is the first byte without the high bit, and the groups of seven are moved together in
// three steps. Returns its bytes, or 0 if it is longer.
static inline size_t varint_wide(const char *p, uint64_t *out)
{
    uint64_t bytes = le64_get(p);
    uint64_t ends = ~bytes & UINT64_C(0x8080808080808080);
    if (ends == 0)
        return 0;
    bytes &= ends ^ (ends - 1); // up to the first end
    bytes = (bytes & UINT64_C(0x007f007f007f007f)) | (bytes & UINT64_C(0x7f007f007f007f00)) >> 1;
    bytes = (bytes & UINT64_C(0x00003fff00003fff)) | (bytes & UINT64_C(0x3fff00003fff0000)) >> 2;
    *out = (bytes & UINT64_C(0x000000000fffffff)) | (bytes & UINT64_C(0x0fffffff00000000)) >> 4;
    return (size_t)__builtin_ctzll(ends) / 8 + 1;
}

#define PLAIN_BYTES_MIN ((size_t)32)

// The entry as senders write nearly all: seconds and nanoseconds, then the line, and nothing else. False: it is of another form, for the walk below to read.
static inline bool plain_entry_decode(struct slice message, struct push_entry *out)
{
    const char *p = message.ptr;
    const char *end = p + message.len;
    uint64_t seconds = 0, nanos = 0, len = 0;
    if (message.len < PLAIN_BYTES_MIN || p[0] != (1 << 3 | WIRE_BYTES) || p[2] != (1 << 3 | WIRE_VARINT))
        return false;
    p += 3;
    size_t n = varint_wide(p, &seconds); // ends at 11 at most
    p += n;
    if (n == 0 || *p != (2 << 3 | WIRE_VARINT))
        return false;
    n = varint_wide(++p, &nanos); // at 20
    p += n;
    if (n == 0 || (size_t)(p - message.ptr) != (size_t)2 + (uint8_t)message.ptr[1] || *p != (2 << 3 | WIRE_BYTES))
        return false;
    n = varint_wide(++p, &len); // reads up to 29
    p += n;
    if (n == 0 || len != (uint64_t)(end - p) || seconds >= (uint64_t)SECONDS_PLAIN_END || nanos >= (uint64_t)NS_PER_S)
        return false;
    *out = (struct push_entry){.ts_ns = (int64_t)seconds * NS_PER_S + (int64_t)nanos, .line = slice_of(p, (size_t)len)};
    return true;
}

// The bytes of an Entry from after its length on.
static bool entry_decode(struct slice message, struct push_entry *out, struct err *err)
{
    if (plain_entry_decode(message, out))
        return true;
    struct slice in = message;
    struct slice bytes = SLICE_NONE;
    struct slice name;
    struct slice value;
    *out = (struct push_entry){.ts_ns = PUSH_TS_INVALID, .line = SLICE("")};
    while (in.len > 0) {
        uint64_t field = 0;
        enum wire_type type = WIRE_VARINT;
        if (!tag_read(&in, "EntryAdapter", &field, &type, err))
            return false;
        bool ok = true;
        if (field == 1)
            ok = field_bytes(&in, type, "Timestamp", &bytes, err) && timestamp_decode(bytes, &out->ts_ns, err);
        else if (field == 2)
            ok = field_bytes(&in, type, "Line", &out->line, err);
        else if (field == 3)
            ok = field_bytes(&in, type, "StructuredMetadata", &bytes, err) && pair_decode(bytes, &name, &value, err);
        else
            ok = value_skip(&in, type, err);
        if (!ok)
            return false;
        if (field == 3)
            out->metadata = message; // push_wire_metadata looks for the pairs again: few entries have any
    }
    return true;
}

// A growing array of the arena; the old one is left to it.
static void *array_grow(struct arena *arena, const void *old, size_t count, size_t *cap, size_t size)
{
    *cap = *cap < 16 ? 32 : *cap * 2;
    void *new = arena_alloc(arena, *cap * size, _Alignof(max_align_t));
    if (count > 0)
        memcpy(new, old, count * size);
    return new;
}

static bool entry_add(struct decoder *decoder, struct slice message)
{
    struct push_request *request = &decoder->request;
    if (request->entry_count == decoder->limits->entries_max)
        return err_set(decoder->err, ERR_LIMIT, "push has more than %zu entries: send smaller batches", decoder->limits->entries_max);
    if (request->entry_count == decoder->entry_cap)
        request->entries = array_grow(decoder->arena, request->entries, request->entry_count, &decoder->entry_cap,
                                      sizeof(*request->entries));
    return entry_decode(message, &request->entries[request->entry_count++], decoder->err);
}

static bool stream_decode(struct decoder *decoder, struct slice in)
{
    struct push_request *request = &decoder->request;
    if (request->stream_count == decoder->limits->streams_max)
        return err_set(decoder->err, ERR_LIMIT, "push has more than %zu streams: send smaller batches", decoder->limits->streams_max);
    if (request->stream_count == decoder->stream_cap)
        request->streams = array_grow(decoder->arena, request->streams, request->stream_count, &decoder->stream_cap,
                                      sizeof(*request->streams));
    struct push_stream stream = {
        .label_text = SLICE(""), .first_entry = request->entry_count, .metadata_form = PUSH_METADATA_WIRE};
    while (in.len > 0) {
        uint64_t field = 0;
        uint64_t number = 0;
        enum wire_type type = WIRE_VARINT;
        struct slice bytes = SLICE_NONE;
        if (!tag_read(&in, "StreamAdapter", &field, &type, decoder->err))
            return false;
        bool ok = true;
        if (field == 2)
            ok = field_bytes(&in, type, "Entries", &bytes, decoder->err) && entry_add(decoder, bytes);
        else if (field == 1)
            ok = field_bytes(&in, type, "Labels", &stream.label_text, decoder->err);
        else if (field == 3)
            ok = type == WIRE_VARINT ? varint_read(&in, &number) || fail_eof(decoder->err) : fail_type(decoder->err, type, "Hash");
        else
            ok = value_skip(&in, type, decoder->err);
        if (!ok)
            return false;
    }
    stream.entry_count = request->entry_count - stream.first_entry;
    request->streams[request->stream_count++] = stream;
    return true;
}

bool push_wire_decode(struct slice message, const struct push_wire_limits *limits, struct arena *arena,
                      struct push_request *out, struct err *err)
{
    struct decoder decoder = {.arena = arena, .limits = limits, .err = err};
    size_t guess = message.len / ENTRY_BYTES_GUESS;
    decoder.entry_cap = guess < 8 ? 8 : guess > ENTRIES_GUESS_MAX ? ENTRIES_GUESS_MAX : guess;
    decoder.request.entries = arena_alloc(arena, decoder.entry_cap * sizeof(struct push_entry), _Alignof(struct push_entry));
    struct slice in = message;
    while (in.len > 0) {
        uint64_t field = 0;
        enum wire_type type = WIRE_VARINT;
        struct slice bytes = SLICE_NONE;
        if (!tag_read(&in, "PushRequest", &field, &type, err))
            return false;
        bool ok = field == 1   ? field_bytes(&in, type, "Streams", &bytes, err) && stream_decode(&decoder, bytes)
                  : field == 2 ? field_bytes(&in, type, "Format", &bytes, err)
                               : value_skip(&in, type, err);
        if (!ok)
            return false;
    }
    *out = decoder.request;
    return true;
}

bool push_wire_metadata(struct slice entry_message, bool (*each)(void *self, struct slice name, struct slice value), void *self)
{
    struct slice in = entry_message;
    struct err err; // decoded before: what fails here ends the walk
    while (in.len > 0) {
        uint64_t field = 0;
        enum wire_type type = WIRE_VARINT;
        struct slice bytes = SLICE_NONE;
        struct slice name;
        struct slice value;
        if (!tag_read(&in, "EntryAdapter", &field, &type, &err))
            return false;
        if (field != 3) {
            if (!value_skip(&in, type, &err))
                return false;
        } else if (!field_bytes(&in, type, "StructuredMetadata", &bytes, &err) || !pair_decode(bytes, &name, &value, &err) ||
                   !each(self, name, value)) {
            return false;
        }
    }
    return true;
}

// ---- encode ----

static void put_bytes(struct buf *out, unsigned field, struct slice bytes)
{
    buf_byte(out, (char)(field << 3 | WIRE_BYTES));
    buf_varint(out, bytes.len);
    buf_put(out, bytes);
}

static void put_pair(struct buf *entry, struct slice name, struct slice value)
{
    size_t bytes = 2 + varint_len(name.len) + name.len + varint_len(value.len) + value.len;
    buf_byte(entry, 3 << 3 | WIRE_BYTES);
    buf_varint(entry, bytes);
    put_bytes(entry, 1, name);
    put_bytes(entry, 2, value);
}

static bool put_pair_of_wire(void *self, struct slice name, struct slice value)
{
    put_pair(self, name, value);
    return true;
}

static void encode_entry(const struct push_entry *entry, enum push_metadata_form form, struct buf *out)
{
    if (entry->ts_ns != PUSH_TS_INVALID) { // without one, it decodes to the same
        int64_t seconds = entry->ts_ns / NS_PER_S - (entry->ts_ns % NS_PER_S < 0 ? 1 : 0);
        char text[2 + 2 * VARINT_MAX];
        size_t len = 0;
        text[len++] = 1 << 3 | WIRE_VARINT;
        len += varint_put(text + len, (uint64_t)seconds);
        text[len++] = 2 << 3 | WIRE_VARINT;
        len += varint_put(text + len, (uint64_t)((__int128)entry->ts_ns - (__int128)seconds * NS_PER_S));
        put_bytes(out, 1, slice_of(text, len));
    }
    put_bytes(out, 2, entry->line);
    if (form == PUSH_METADATA_WIRE) {
        (void)push_wire_metadata(entry->metadata, put_pair_of_wire, out);
        return;
    }
    struct slice pairs = entry->metadata;
    struct label pair;
    while (label_next(&pairs, &pair))
        put_pair(out, pair.name, pair.value);
}

void push_wire_encode(const struct push_request *request, struct buf *out)
{
    struct buf stream = BUF_INIT; // lengths come before contents: both are made apart
    struct buf part = BUF_INIT;
    for (size_t i = 0; i < request->stream_count; i++) {
        const struct push_stream *from = &request->streams[i];
        buf_reset(&stream);
        buf_reset(&part);
        if (from->labels != NULL)
            label_set_print(from->labels, &part);
        put_bytes(&stream, 1, from->labels != NULL ? buf_slice(&part) : from->label_text);
        for (size_t j = 0; j < from->entry_count; j++) {
            buf_reset(&part);
            encode_entry(&request->entries[from->first_entry + j], from->metadata_form, &part);
            put_bytes(&stream, 2, buf_slice(&part));
        }
        put_bytes(out, 1, buf_slice(&stream));
    }
    buf_fini(&stream);
    buf_fini(&part);
}
