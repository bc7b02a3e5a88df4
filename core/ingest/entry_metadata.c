#include "core/ingest/entry_metadata.h"

#include "core/ingest/push_wire.h"
#include "core/model/go_text.h"

#define DETECTED_LEVEL SLICE("detected_level")
#define SEVERITY_NUMBER SLICE("severity_number")

// ---- reading ----

static bool pair_add(void *self, struct slice name, struct slice value)
{
    struct entry_metadata *metadata = self;
    if (metadata->count == metadata->cap) {
        size_t cap = metadata->cap == 0 ? 16 : metadata->cap * 2;
        struct label *pairs = arena_alloc(metadata->arena, cap * sizeof(*pairs), _Alignof(struct label));
        if (metadata->count > 0)
            memcpy(pairs, metadata->pairs, metadata->count * sizeof(*pairs));
        metadata->pairs = pairs;
        metadata->cap = cap;
    }
    metadata->pairs[metadata->count++] = (struct label){name, value};
    if (!slice_eq(name, DETECTED_LEVEL)) {
        metadata->sent_bytes += name.len + value.len;
        metadata->sent_count++;
    }
    return true;
}

bool entry_metadata_read(struct entry_metadata *metadata, const struct push_entry *entry, enum push_metadata_form form)
{
    metadata->count = metadata->sent_bytes = metadata->sent_count = 0;
    if (form == PUSH_METADATA_WIRE) {
        return push_wire_metadata(entry->metadata, pair_add, metadata);
    }
    struct slice in = entry->metadata;
    struct label pair;
    while (label_next(&in, &pair))
        (void)pair_add(metadata, pair.name, pair.value);
    return in.len == 0;
}

// ---- normal names and values ----

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Letters and digits with single underscores between them; most names are so already.
static bool name_is_normal(struct slice name)
{
    if (name.len == 0 || (name.ptr[0] >= '0' && name.ptr[0] <= '9'))
        return false;
    bool has_alnum = false;
    for (size_t i = 0; i < name.len; i++) {
        bool is_letter = is_alnum(name.ptr[i]);
        if (!is_letter && (name.ptr[i] != '_' || (i > 0 && name.ptr[i - 1] == '_')))
            return false;
        has_alnum = has_alnum || is_letter;
    }
    return has_alnum;
}

bool metadata_name_normalize(struct arena *arena, struct slice *name, struct err *err)
{
    if (name_is_normal(*name))
        return true;
    if (name->len == 0)
        return err_set(err, ERR_INVALID, "label name is empty");
    struct slice inner = *name;
    bool is_reserved = name->len > 4 && slice_starts(*name, SLICE("__")) && slice_ends(*name, SLICE("__"));
    if (is_reserved)
        inner = slice_of(name->ptr + 2, name->len - 4);
    char *out = arena_alloc(arena, name->len + 4, 1); // "key_", or the four underscores that inner is short of
    size_t len = 0;
    bool has_alnum = false;
    if (is_reserved) {
        out[len++] = '_';
        out[len++] = '_';
    } else if (inner.ptr[0] >= '0' && inner.ptr[0] <= '9') {
        memcpy(out, "key_", 4);
        len = 4;
    }
    size_t start = len;
    for (size_t i = 0; i < inner.len; i++) {
        bool is_letter = is_alnum(inner.ptr[i]);
        has_alnum = has_alnum || is_letter;
        if (is_letter)
            out[len++] = inner.ptr[i];
        else if (len == start || out[len - 1] != '_')
            out[len++] = '_';
    }
    if (is_reserved) {
        out[len++] = '_';
        out[len++] = '_';
    }
    if (!has_alnum)
        return err_set(err, ERR_INVALID, "normalization for label name \"%.*s\" resulted in invalid name \"%.*s\"", SLICE_ARG(*name),
                       (int)len, out);
    *name = slice_of(out, len);
    return true;
}

struct slice metadata_value_normalize(struct arena *arena, struct slice value)
{
    bool is_good = utf8_is_valid(value);
    if (is_good && memmem(value.ptr, value.len, "\xef\xbf\xbd", 3) == NULL)
        return value;
    char *out = arena_alloc(arena, value.len, 1);
    size_t len = 0;
    while (value.len > 0) {
        size_t n = 1;
        uint32_t rune = utf8_decode(value, &n);
        if (rune == 0xfffd) {
            out[len++] = ' ';
        } else {
            memcpy(out + len, value.ptr, n);
            len += n;
        }
        value = slice_from(value, n);
    }
    return slice_of(out, len);
}

bool entry_metadata_normalize(struct entry_metadata *metadata, struct err *err)
{
    for (size_t i = 0; i < metadata->count; i++) {
        struct label *pair = &metadata->pairs[i];
        if (!metadata_name_normalize(metadata->arena, &pair->name, err))
            return false;
        pair->value = metadata_value_normalize(metadata->arena, pair->value);
    }
    if (metadata->count > 0)
        metadata->count = label_sort(metadata->pairs, metadata->count, true);
    return true;
}

// ---- level ----

struct slice level_normalized(struct slice value)
{
    enum level level = LEVEL_UNKNOWN;
    return level_of_word(value, &level) ? level_text(level) : value;
}

struct slice level_metadata(enum level level)
{
#define ENCODED(length, text) SLICE("\x0e" "detected_level" length text)
    static const struct slice encoded[LEVEL_COUNT] = {
        [LEVEL_UNKNOWN] = ENCODED("\x07", "unknown"),   [LEVEL_TRACE] = ENCODED("\x05", "trace"),
        [LEVEL_DEBUG] = ENCODED("\x05", "debug"),       [LEVEL_INFO] = ENCODED("\x04", "info"),
        [LEVEL_WARN] = ENCODED("\x04", "warn"),         [LEVEL_ERROR] = ENCODED("\x05", "error"),
        [LEVEL_CRITICAL] = ENCODED("\x08", "critical"), [LEVEL_FATAL] = ENCODED("\x05", "fatal"),
    };
#undef ENCODED
    return encoded[level];
}

// OpenTelemetry's severity numbers.
static enum level level_of_severity(struct slice number)
{
    static const enum level levels[] = {LEVEL_TRACE, LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR, LEVEL_FATAL};
    int64_t n = 0;
    struct err err;
    if (!go_parse_atoi(number, &n, &err))
        return LEVEL_INFO;
    if (n == 0 || n > 24)
        return LEVEL_UNKNOWN;
    return n < 0 ? LEVEL_TRACE : levels[(n - 1) / 4];
}

static struct label *pair_find(const struct entry_metadata *metadata, struct slice name)
{
    for (size_t i = 0; i < metadata->count; i++) {
        if (slice_eq(metadata->pairs[i].name, name))
            return &metadata->pairs[i];
    }
    return NULL;
}

// Rules 2 to 6.
static struct slice level_find(const struct entry_metadata *metadata, struct slice stream_level, struct slice line,
                               const struct level_fields *fields)
{
    if (stream_level.len > 0)
        return stream_level;
    for (size_t i = 0; metadata->count > 0 && i < fields->names->count; i++) {
        const struct label *pair = pair_find(metadata, fields->names->items[i]);
        if (pair != NULL)
            return level_normalized(pair->value);
    }
    const struct label *severity = pair_find(metadata, SEVERITY_NUMBER);
    return level_text(severity != NULL ? level_of_severity(severity->value) : level_of_line(line, fields));
}

void entry_metadata_add_level(struct entry_metadata *metadata, struct slice stream_level, struct slice line,
                              const struct level_fields *fields)
{
    struct label *sent = pair_find(metadata, DETECTED_LEVEL);
    if (sent != NULL) {
        sent->value = level_normalized(sent->value);
        return;
    }
    struct slice level = level_find(metadata, stream_level, line, fields);
    (void)pair_add(metadata, DETECTED_LEVEL, level);
    metadata->count = label_sort(metadata->pairs, metadata->count, true);
}

struct slice entry_metadata_encode(const struct entry_metadata *metadata, size_t *stored_bytes)
{
    *stored_bytes = 0;
    for (size_t i = 0; i < metadata->count; i++) {
        if (!slice_eq(metadata->pairs[i].name, DETECTED_LEVEL))
            *stored_bytes += metadata->pairs[i].name.len + metadata->pairs[i].value.len;
    }
    if (metadata->count == 0)
        return SLICE_NONE;
    return label_set_encode_in(metadata->arena, &(struct label_set){metadata->pairs, metadata->count});
}
