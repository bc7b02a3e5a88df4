#include "core/base/logger.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/hash.h"

#define SITES 256

struct call_site { // repeats of one message within one second
    uint64_t hash;
    int64_t second;
    uint64_t lines, dropped;
};

static void write_stderr(void *self, struct slice line)
{
    (void)self;
    (void)fwrite(line.ptr, 1, line.len, stderr); // one call a line: stderr is not buffered
}

static struct {
    pthread_mutex_t lock; // keeps lines whole, and the sites
    enum log_format format;
    void (*write)(void *self, struct slice line);
    void *self;
    struct call_site sites[SITES];
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .write = write_stderr};

static _Atomic int level_min = LOG_INFO;
static _Atomic uint64_t level_lines[LOG_ERROR + 1];

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

void logger_init(enum log_format format, void (*write)(void *self, struct slice line), void *self)
{
    pthread_mutex_lock(&logger.lock);
    logger.format = format;
    logger.write = write != NULL ? write : write_stderr;
    logger.self = self;
    memset(logger.sites, 0, sizeof(logger.sites));
    pthread_mutex_unlock(&logger.lock);
}

void logger_set_level(enum log_level level)
{
    atomic_store_explicit(&level_min, (int)level, memory_order_relaxed);
}

enum log_level logger_level(void)
{
    return (enum log_level)atomic_load_explicit(&level_min, memory_order_relaxed);
}

bool log_level_parse(struct slice text, enum log_level *out)
{
    for (size_t i = 0; i < LENGTH(level_names); i++) {
        if (slice_eq_nocase(text, slice_str(level_names[i]))) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_text(enum log_level level)
{
    return level_names[level];
}

uint64_t logger_count(enum log_level level)
{
    return atomic_load_explicit(&level_lines[level], memory_order_relaxed);
}

// ---- values ----

// Bytes of the well-formed UTF-8 character at text.ptr, or 0. Source: the Unicode standard, table 3-7.
static size_t character_bytes(struct slice text)
{
    const uint8_t *p = (const uint8_t *)text.ptr;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
    if (n == 0 || n > text.len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    bool is_bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf0 && p[1] < 0x90) ||
                  (p[0] == 0xf4 && p[1] >= 0x90);
    return is_bad ? 0 : n;
}

static void put_quoted(struct buf *line, struct slice value)
{
    buf_byte(line, '"');
    while (value.len > 0) {
        uint8_t c = (uint8_t)value.ptr[0];
        size_t n = character_bytes(value);
        if (n == 0)
            buf_str(line, "\xef\xbf\xbd"); // U+FFFD for a byte that is no UTF-8
        else if (c == '"' || c == '\\')
            buf_printf(line, "\\%c", c);
        else if (c == '\n')
            buf_str(line, "\\n");
        else if (c == '\t')
            buf_str(line, "\\t");
        else if (c == '\r')
            buf_str(line, "\\r");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(line, "\\u%04x", c);
        else
            buf_put(line, slice_of(value.ptr, n));
        value = slice_from(value, n == 0 ? 1 : n);
    }
    buf_byte(line, '"');
}

// Logfmt leaves out the quotes where a reader does not need them.
static void put_bare_or_quoted(struct buf *line, struct slice value)
{
    bool is_bare = value.len > 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        is_bare = is_bare && c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
    }
    if (is_bare)
        buf_put(line, value);
    else
        put_quoted(line, value);
}

static void put_pair(struct buf *line, enum log_format format, const char *name, const char *value)
{
    struct slice text = slice_str(value != NULL ? value : "");
    if (format == LOG_JSON) {
        buf_byte(line, line->len == 0 ? '{' : ',');
        put_quoted(line, slice_str(name));
        buf_byte(line, ':');
        put_quoted(line, text);
        return;
    }
    if (line->len > 0)
        buf_byte(line, ' ');
    buf_str(line, name);
    buf_byte(line, '=');
    put_bare_or_quoted(line, text);
}

static void put_time(struct buf *line, enum log_format format, int64_t now_ns)
{
    time_t seconds = (time_t)(now_ns / NS_PER_S);
    struct tm utc;
    char date[32];
    char text[64];
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text, sizeof(text), "%s.%09dZ", date, (int)(now_ns % NS_PER_S));
    put_pair(line, format, "ts", text);
}

// ---- lines ----

// Whether the message may be written in this second. *dropped: how many were not, since it was last.
static bool site_admits(const char *component, const char *message, int64_t second, uint64_t *dropped)
{
    uint64_t hash = hash64_seeded(slice_str(message), hash64(slice_str(component)));
    struct call_site *site = &logger.sites[hash % SITES];
    *dropped = 0;
    if (site->hash != hash || site->second != second) {
        if (site->hash == hash)
            *dropped = site->dropped;
        *site = (struct call_site){.hash = hash, .second = second};
    }
    if (site->lines == LOG_RATE) {
        site->dropped++;
        return false;
    }
    site->lines++;
    return true;
}

void log_write_pairs(enum log_level level, const char *component, const char *message, const struct log_pair *pairs, size_t count)
{
    if (level < logger_level())
        return;
    atomic_fetch_add_explicit(&level_lines[level], 1, memory_order_relaxed);
    int64_t now_ns = clock_wall_ns(&system_clock);
    struct buf line = BUF_INIT;
    pthread_mutex_lock(&logger.lock);
    uint64_t dropped = 0;
    if (site_admits(component, message, now_ns / NS_PER_S, &dropped)) {
        put_time(&line, logger.format, now_ns);
        put_pair(&line, logger.format, "level", level_names[level]);
        put_pair(&line, logger.format, "component", component);
        put_pair(&line, logger.format, "msg", message);
        for (size_t i = 0; i < count; i++)
            put_pair(&line, logger.format, pairs[i].name, pairs[i].value);
        if (dropped > 0) {
            char text[24];
            (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)dropped);
            put_pair(&line, logger.format, "repeats_left_out", text);
        }
        buf_str(&line, logger.format == LOG_JSON ? "}\n" : "\n");
        logger.write(logger.self, buf_slice(&line));
    }
    pthread_mutex_unlock(&logger.lock);
    buf_fini(&line);
}

void log_write(enum log_level level, const char *component, const char *message, ...)
{
    struct log_pair pairs[LOG_PAIRS_MAX];
    size_t count = 0;
    va_list list;
    va_start(list, message);
    for (const char *name = va_arg(list, const char *); name != NULL; name = va_arg(list, const char *)) {
        assert(count < LOG_PAIRS_MAX);
        pairs[count++] = (struct log_pair){name, va_arg(list, const char *)};
    }
    va_end(list);
    log_write_pairs(level, component, message, pairs, count);
}
