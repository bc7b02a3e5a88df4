#include "core/model/limits.h"

#include <stddef.h>

#include "core/model/go_text.h"

enum limit_kind {
    LIMIT_KIND_BOOL,
    LIMIT_KIND_COUNT,
    LIMIT_KIND_BYTES,
    LIMIT_KIND_DURATION,
    LIMIT_KIND_RATE_MB,
    LIMIT_KIND_TEXT,
    LIMIT_KIND_LIST,
    LIMIT_KIND_BLOCKS,
    LIMIT_KIND_OTLP,
};

static const struct limit_row {
    const char *name;
    enum limit_kind kind;
    size_t offset;
    const char *help;
} rows[] = {
#define LIMIT_ROW(kind, field, value, help) {#field, LIMIT_KIND_##kind, offsetof(struct limits, field), help},
    LIMITS_TABLE(LIMIT_ROW)
#undef LIMIT_ROW
};

static void *field_of(struct limits *limits, const struct limit_row *row)
{
    return (char *)limits + row->offset;
}

static const void *const_field_of(const struct limits *limits, const struct limit_row *row)
{
    return (const char *)limits + row->offset;
}

// ---- defaults ----

#define LIST_MAX 32

// Up to the next comma that is not inside double quotes.
static size_t item_end(struct slice text)
{
    bool is_quoted = false;
    size_t start = 0;
    while (start < text.len && text.ptr[start] == ' ')
        start++;
    for (size_t i = start; i < text.len; i++) {
        if (text.ptr[i] == '"' && (i == start || is_quoted))
            is_quoted = !is_quoted;
        else if (text.ptr[i] == '\\' && is_quoted)
            i++;
        else if (text.ptr[i] == ',' && !is_quoted)
            return i;
    }
    return text.len;
}

// Splits at commas; items are slices of text. Returns how many there are, also beyond LIST_MAX.
static size_t split(struct slice text, struct slice items[LIST_MAX])
{
    size_t count = 0;
    while (text.len > 0) {
        size_t end = item_end(text);
        struct slice item = slice_trim(slice_of(text.ptr, end));
        if (item.len > 0 && count < LIST_MAX)
            items[count] = item;
        count += item.len > 0 ? 1 : 0;
        text = slice_from(text, end < text.len ? end + 1 : end);
    }
    return count;
}

// The lists' items, one array a list, filled before main: texts of the table stay where they are.
#define DEFAULT_BOOL(field, value) (void)0
#define DEFAULT_COUNT(field, value) (void)0
#define DEFAULT_BYTES(field, value) (void)0
#define DEFAULT_DURATION(field, value) (void)0
#define DEFAULT_RATE_MB(field, value) (void)0
#define DEFAULT_TEXT(field, value) (void)0
#define DEFAULT_BLOCKS(field, value) (void)0
#define DEFAULT_OTLP(field, value) (void)0
#define DEFAULT_LIST(field, value)                                                                                     \
    do {                                                                                                               \
        static struct slice items[LIST_MAX];                                                                           \
        defaults.field = (struct slice_list){items, split(slice_str(value), items)};                                   \
    } while (0)

#define VALUE_BOOL(value) (value)
#define VALUE_COUNT(value) (value)
#define VALUE_BYTES(value) (value)
#define VALUE_DURATION(value) (value)
#define VALUE_RATE_MB(value) (value)
#define VALUE_TEXT(value) {(value), sizeof(value) - 1}
#define VALUE_LIST(value) {NULL, 0}
#define VALUE_BLOCKS(value) {NULL, 0}
#define VALUE_OTLP(value) {.ignores_defaults = false}

static struct limits defaults = {
#define LIMIT_VALUE(kind, field, value, help) .field = VALUE_##kind(value),
    LIMITS_TABLE(LIMIT_VALUE)
#undef LIMIT_VALUE
};

__attribute__((constructor)) static void defaults_init(void)
{
#define LIMIT_DEFAULT(kind, field, value, help) DEFAULT_##kind(field, value);
    LIMITS_TABLE(LIMIT_DEFAULT)
#undef LIMIT_DEFAULT
}

void limits_defaults(struct limits *out)
{
    *out = defaults;
}

// ---- names ----

#define NAME_MAX_BYTES 64

// Insertions, deletions and replacements that make b of a.
static size_t distance(struct slice a, struct slice b)
{
    size_t row[NAME_MAX_BYTES + 1];
    if (a.len > NAME_MAX_BYTES || b.len > NAME_MAX_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.len];
}

static bool refuse_name(struct slice name, struct err *err)
{
    const struct limit_row *nearest = &rows[0];
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        size_t d = distance(name, slice_str(rows[i].name));
        if (d < least) {
            least = d;
            nearest = &rows[i];
        }
    }
    if (least == SIZE_MAX)
        return err_set(err, ERR_NOT_FOUND, "unknown limit %.*s", SLICE_ARG(name));
    return err_set(err, ERR_NOT_FOUND, "unknown limit %.*s: is %s meant?", SLICE_ARG(name), nearest->name);
}

static const struct limit_row *row_of(struct slice name)
{
    for (size_t i = 0; i < LENGTH(rows); i++) {
        if (slice_eq_str(name, rows[i].name))
            return &rows[i];
    }
    return NULL;
}

bool limits_is_tree(struct slice name)
{
    const struct limit_row *row = row_of(name);
    return row != NULL && row->kind >= LIMIT_KIND_BLOCKS;
}

// ---- reading ----

// A text may come with its quotes: in double ones it means exactly what they hold. Lives in the arena.
static struct slice without_quotes(struct slice text, struct arena *arena)
{
    bool quoted = text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\'') && text.ptr[text.len - 1] == text.ptr[0];
    struct buf plain = BUF_INIT;
    if (quoted && text.ptr[0] == '"' && go_unquote(text, &plain))
        text = arena_copy(arena, buf_slice(&plain));
    else
        text = arena_copy(arena, quoted ? slice_of(text.ptr + 1, text.len - 2) : text);
    buf_fini(&plain);
    return text;
}

static bool read_bool(struct slice text, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"yes", true}, {"no", false}, {"on", true}, {"off", false}};
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (slice_eq_nocase(text, slice_str(words[i].word))) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

static bool read_bytes(struct slice text, int64_t *out, struct err *err)
{
    uint64_t bytes = 0;
    if (!config_parse_bytes(text, &bytes, err))
        return false;
    if (bytes > (uint64_t)INT64_MAX)
        return err_set(err, ERR_INVALID, "%.*s is too large a size", SLICE_ARG(text));
    *out = (int64_t)bytes;
    return true;
}

// Prometheus' form, else Go's (1.5h), as Loki takes both.
static bool read_duration(struct slice text, int64_t *out, struct err *err)
{
    int64_t ns = 0;
    struct err other;
    if (!prom_parse_duration(text, &ns, err) && !go_parse_duration(text, &ns, &other))
        return false;
    if (ns < 0)
        return err_set(err, ERR_INVALID, "%.*s is negative", SLICE_ARG(text));
    *out = ns;
    return true;
}

static bool read_list(struct slice text, struct arena *arena, struct slice_list *out, struct err *err)
{
    struct slice items[LIST_MAX];
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = slice_of(text.ptr + 1, text.len - 2);
    size_t count = split(text, items);
    if (count > LIST_MAX)
        return err_set(err, ERR_INVALID, "a list of %zu items, at most %d", count, LIST_MAX);
    struct slice *copy = ARENA_ARRAY(arena, struct slice, count);
    size_t kept = 0; // an empty one, which quotes can hold, names nothing
    for (size_t i = 0; i < count; i++) {
        copy[kept] = without_quotes(items[i], arena);
        kept += copy[kept].len > 0 ? 1 : 0;
    }
    *out = (struct slice_list){copy, kept};
    return true;
}

static bool read_value(const struct limit_row *row, struct slice text, void *field, struct arena *arena, struct err *err)
{
    switch (row->kind) {
    case LIMIT_KIND_BOOL:
        return read_bool(text, field) || err_set(err, ERR_INVALID, "%.*s is neither true nor false", SLICE_ARG(text));
    case LIMIT_KIND_COUNT: {
        int64_t count = 0;
        if (!go_parse_int(text, &count, err))
            return false;
        if (count < 0)
            return err_set(err, ERR_INVALID, "%.*s is negative", SLICE_ARG(text));
        *(int64_t *)field = count;
        return true;
    }
    case LIMIT_KIND_BYTES:
        return read_bytes(text, field, err);
    case LIMIT_KIND_DURATION:
        return read_duration(text, field, err);
    case LIMIT_KIND_RATE_MB: {
        double rate = 0;
        if (!go_parse_float(text, &rate, err))
            return false;
        if (!(rate >= 0 && rate < 1e9))
            return err_set(err, ERR_INVALID, "%.*s is no rate", SLICE_ARG(text));
        *(double *)field = rate;
        return true;
    }
    case LIMIT_KIND_TEXT:
        *(struct slice *)field = arena_copy(arena, text);
        return true;
    case LIMIT_KIND_LIST:
        return read_list(text, arena, field, err);
    case LIMIT_KIND_BLOCKS:
        return query_blocks_parse(text, arena, field, err);
    case LIMIT_KIND_OTLP:
        return otlp_config_parse(text, arena, field, err);
    }
    return false;
}

bool limits_set(struct limits *limits, struct slice name, struct slice value, struct arena *arena, struct err *err)
{
    const struct limit_row *row = row_of(name);
    if (row == NULL)
        return refuse_name(name, err);
    struct slice text = slice_trim(value);
    if (row->kind < LIMIT_KIND_TEXT)
        text = without_quotes(text, arena);
    if (!read_value(row, text, field_of(limits, row), arena, err))
        return err_wrap(err, "%s", row->name);
    struct slice mode = limits->deletion_mode;
    if (slice_eq(name, SLICE("deletion_mode")) && !slice_eq(mode, SLICE("disabled")) && !slice_eq(mode, SLICE("filter-only")) &&
        !slice_eq(mode, SLICE("filter-and-delete")))
        return err_set(err, ERR_INVALID, "deletion_mode: \"%.*s\" is not disabled, filter-only or filter-and-delete", SLICE_ARG(mode));
    return true;
}

// ---- copying ----

static void copy_list(const struct slice_list *from, struct arena *arena, struct slice_list *out)
{
    struct slice *items = ARENA_ARRAY(arena, struct slice, from->count);
    for (size_t i = 0; i < from->count; i++)
        items[i] = arena_copy(arena, from->items[i]);
    *out = (struct slice_list){items, from->count};
}

void limits_copy(const struct limits *from, struct arena *arena, struct limits *out)
{
    *out = *from;
#define COPY_BOOL(field)
#define COPY_COUNT(field)
#define COPY_BYTES(field)
#define COPY_DURATION(field)
#define COPY_RATE_MB(field)
#define COPY_TEXT(field) out->field = arena_copy(arena, from->field);
#define COPY_LIST(field) copy_list(&from->field, arena, &out->field);
#define COPY_BLOCKS(field) query_blocks_copy(&from->field, arena, &out->field);
#define COPY_OTLP(field) otlp_config_copy(&from->field, arena, &out->field);
#define COPY(kind, field, value, help) COPY_##kind(field)
    LIMITS_TABLE(COPY)
#undef COPY
}

// ---- printing ----

static void print_size(struct buf *out, int64_t bytes)
{
    static const char *const units[] = {"", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < LENGTH(units)) {
        bytes /= 1024;
        unit++;
    }
    buf_i64(out, bytes);
    buf_str(out, units[unit]);
}

// Means the same without quotes, in YAML and in split().
static bool is_plain(struct slice item)
{
    for (size_t i = 0; i < item.len; i++) {
        char c = item.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '.' || c == '-')))
            return false;
    }
    return item.len > 0 && !slice_eq(item, SLICE("null"));
}

static void print_list(struct buf *out, const struct slice_list *list)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        buf_str(out, i > 0 ? ", " : "");
        if (is_plain(list->items[i]))
            buf_put(out, list->items[i]);
        else
            go_quote(out, list->items[i]);
    }
    buf_byte(out, ']');
}

static void print_value(struct buf *out, const struct limit_row *row, const void *field)
{
    switch (row->kind) {
    case LIMIT_KIND_BOOL:
        buf_str(out, *(const bool *)field ? "true" : "false");
        break;
    case LIMIT_KIND_COUNT:
        buf_i64(out, *(const int64_t *)field);
        break;
    case LIMIT_KIND_BYTES:
        print_size(out, *(const int64_t *)field);
        break;
    case LIMIT_KIND_DURATION:
        prom_print_duration(out, *(const int64_t *)field);
        break;
    case LIMIT_KIND_RATE_MB:
        go_print_float_f(out, *(const double *)field);
        break;
    case LIMIT_KIND_TEXT:
        go_quote(out, *(const struct slice *)field);
        break;
    case LIMIT_KIND_LIST:
        print_list(out, field);
        break;
    case LIMIT_KIND_BLOCKS:
        query_blocks_print(field, out);
        break;
    case LIMIT_KIND_OTLP:
        otlp_config_print(field, out);
        break;
    }
}

void limits_print_yaml(const struct limits *limits, struct buf *out, size_t indent)
{
    for (size_t i = 0; i < LENGTH(rows); i++) {
        for (size_t space = 0; space < indent; space++)
            buf_byte(out, ' ');
        buf_str(out, rows[i].name);
        buf_str(out, ": ");
        print_value(out, &rows[i], const_field_of(limits, &rows[i]));
        buf_byte(out, '\n');
    }
}

static const char *kind_text(enum limit_kind kind)
{
    switch (kind) {
    case LIMIT_KIND_BOOL:
        return "true or false";
    case LIMIT_KIND_COUNT:
        return "number";
    case LIMIT_KIND_BYTES:
        return "size";
    case LIMIT_KIND_DURATION:
        return "duration";
    case LIMIT_KIND_RATE_MB:
        return "MiB a second";
    case LIMIT_KIND_TEXT:
        return "text";
    case LIMIT_KIND_LIST:
        return "list";
    case LIMIT_KIND_BLOCKS:
        return "list of mappings";
    case LIMIT_KIND_OTLP:
        return "mapping";
    }
    return "";
}

void limits_print_markdown(struct buf *out)
{
    buf_str(out, "| name | kind | default | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < LENGTH(rows); i++) {
        buf_printf(out, "| `%s` | %s | `", rows[i].name, kind_text(rows[i].kind));
        print_value(out, &rows[i], const_field_of(&defaults, &rows[i]));
        buf_printf(out, "` | %s |\n", rows[i].help);
    }
}
