#include "bench/node/corpus.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

const char *const app_names[APP_COUNT] = {"nginx", "checkout", "payments", "orders", "sshd", "hdfs"};

/* Share of all lines, and mean bytes, as measured of this generator: how many lines make the bytes asked for. */
static const struct {
    unsigned per_mille;
    double mean_bytes;
} mix[APP_COUNT] = {{170, 207}, {88, 345}, {170, 178}, {170, 147}, {202, 92}, {200, 105}};

struct corpus {
    struct corpus_config config;
    unsigned writer;
    uint64_t random;
    size_t lines_total, lines_done; /* of this writer */
    uint64_t sequence;              /* of lines, over all kinds: for needles */
    struct buf *pending;            /* entries of this push, by stream */
    size_t *pending_lines;
    struct buf line;
};

static uint64_t next(struct corpus *c) /* splitmix64 */
{
    uint64_t z = (c->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned below(struct corpus *c, unsigned n)
{
    return (unsigned)((next(c) >> 32) * n >> 32);
}

/* Skewed to small numbers, as users, paths and hosts are. */
static unsigned skewed(struct corpus *c, unsigned n)
{
    unsigned a = below(c, n);
    unsigned b = below(c, n);
    unsigned d = below(c, n);
    unsigned least = a < b ? a : b;
    return least < d ? least : d;
}

static void hex(struct corpus *c, struct buf *out, size_t digits)
{
    static const char alphabet[] = "0123456789abcdef";
    char *to = buf_room(out, digits);
    uint64_t bits = 0;
    for (size_t i = 0; i < digits; i++, bits >>= 4) {
        if (i % 16 == 0)
            bits = next(c);
        to[i] = alphabet[bits & 15];
    }
    buf_took(out, digits);
}

static void uuid(struct corpus *c, struct buf *out)
{
    static const size_t groups[] = {8, 4, 4, 4, 12};
    for (size_t i = 0; i < LENGTH(groups); i++) {
        if (i > 0)
            buf_byte(out, '-');
        hex(c, out, groups[i]);
    }
}

static void ip(struct corpus *c, struct buf *out)
{
    unsigned host = skewed(c, 60000);
    buf_printf(out, "10.%u.%u.%u", host % 16, (host >> 4) % 256, host % 251);
}

static void two(struct buf *out, unsigned v)
{
    buf_byte(out, (char)('0' + v / 10 % 10));
    buf_byte(out, (char)('0' + v % 10));
}

struct instant {
    unsigned hour, minute, second, milli;
};

static struct instant instant_of(int64_t ns)
{
    int64_t in_day = ns % NS_PER_DAY;
    return (struct instant){(unsigned)(in_day / NS_PER_HOUR), (unsigned)(in_day / NS_PER_MIN % 60), (unsigned)(in_day / NS_PER_S % 60),
                            (unsigned)(in_day / NS_PER_MS % 1000)};
}

static void clock_text(struct buf *out, struct instant t, char separator, int milli)
{
    two(out, t.hour);
    buf_byte(out, ':');
    two(out, t.minute);
    buf_byte(out, ':');
    two(out, t.second);
    if (milli) {
        buf_byte(out, separator);
        buf_byte(out, (char)('0' + t.milli / 100));
        two(out, t.milli % 100);
    }
}

static const char *const paths[] = {"/api/v1/items", "/api/v1/users", "/api/v2/cart", "/login", "/static/app.js", "/static/site.css", "/health",
                                    "/api/v1/orders", "/search", "/api/v2/checkout", "/images/logo.png", "/api/v1/prices"};
static const char *const agents[] = {
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15", "curl/7.88.1", "Go-http-client/2.0", "kube-probe/1.29"};

static unsigned status_of(struct corpus *c)
{
    unsigned dice = below(c, 1000);
    return dice < 880 ? 200 : dice < 920 ? 304 : dice < 960 ? 404 : dice < 985 ? 500 : 502;
}

static void nginx(struct corpus *c, struct buf *out, struct instant t)
{
    static const char *const methods[] = {"GET", "GET", "GET", "POST", "PUT"};
    unsigned path = skewed(c, LENGTH(paths));
    ip(c, out);
    buf_str(out, " - - [21/Nov/2026:");
    clock_text(out, t, '.', 0);
    buf_printf(out, " +0000] \"%s %s/%u HTTP/1.1\" %u %u \"-\" \"%s\" rt=0.%03u", methods[below(c, 5)], paths[path], skewed(c, 50000),
               status_of(c), below(c, 60000), agents[skewed(c, LENGTH(agents))], skewed(c, 900));
}

static const char *const levels[] = {"debug", "info", "info", "info", "info", "info", "warn", "error"};

static void checkout(struct corpus *c, struct buf *out, struct instant t)
{
    static const char *const messages[] = {"request completed", "cart updated", "payment authorized", "payment declined by issuer",
                                           "inventory reserved", "upstream timeout, retrying", "cache miss", "order placed"};
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    unsigned ms = skewed(c, 2500);
    buf_str(out, "{\"ts\":\"2026-11-21T");
    clock_text(out, t, '.', 1);
    buf_printf(out, "Z\",\"level\":\"%s\",\"msg\":\"%s\",\"method\":\"%s\",\"path\":\"%s\",\"status\":%u,\"duration_ms\":%u.%u,\"bytes\":%u,\"user\":{\"id\":%u,\"region\":\"eu-%u\"},\"trace_id\":\"",
               levels[below(c, 8)], messages[skewed(c, LENGTH(messages))], methods[skewed(c, 4)], paths[skewed(c, LENGTH(paths))],
               status_of(c), ms, below(c, 10), below(c, 90000), skewed(c, 20000), below(c, 3));
    hex(c, out, 32);
    buf_str(out, "\",\"request_id\":\"");
    uuid(c, out);
    buf_printf(out, "\",\"attempt\":%u,\"cache\":{\"hit\":%s}}", below(c, 3) + 1, below(c, 4) == 0 ? "false" : "true");
}

static void payments(struct corpus *c, struct buf *out, struct instant t)
{
    static const char *const currencies[] = {"EUR", "USD", "GBP", "CHF", "SEK"};
    static const char *const messages[] = {"capture ok", "refund queued", "authorization ok", "risk check passed", "ledger entry written"};
    buf_str(out, "ts=2026-11-21T");
    clock_text(out, t, '.', 1);
    buf_printf(out, "Z level=%s caller=pay.go:%u msg=\"%s\" currency=%s amount=%u.%02u merchant=m-%u card=****%04u latency=%u.%ums tx=",
               levels[below(c, 8)], 40 + skewed(c, 300), messages[skewed(c, LENGTH(messages))], currencies[skewed(c, 5)], skewed(c, 900),
               below(c, 100), skewed(c, 4000), below(c, 10000), skewed(c, 400), below(c, 10));
    hex(c, out, 16);
}

static void orders(struct corpus *c, struct buf *out, struct instant t)
{
    static const char *const classes[] = {"OrderService", "StockClient", "InvoiceWriter", "PriceEngine", "EventPublisher"};
    static const char *const upper[] = {"DEBUG", "INFO ", "INFO ", "INFO ", "INFO ", "WARN ", "ERROR"};
    unsigned level = below(c, 7);
    const char *name = classes[skewed(c, 5)];
    buf_str(out, "2026-11-21 ");
    clock_text(out, t, ',', 1);
    buf_printf(out, " %s [http-nio-8080-exec-%u] c.e.shop.%s - ", upper[level], below(c, 24), name);
    if (level != 6 || below(c, 3) != 0) {
        buf_printf(out, "order %u state changed from %s to %s in %u ms", 100000 + below(c, 900000), "RESERVED", below(c, 2) == 0 ? "PAID" : "SHIPPED",
                   skewed(c, 800));
        return;
    }
    buf_printf(out, "could not reserve stock for order %u\njava.util.concurrent.TimeoutException: no answer in %u ms", 100000 + below(c, 900000), 1000 + below(c, 4) * 500);
    for (unsigned i = 0; i < 6; i++)
        buf_printf(out, "\n\tat com.example.shop.%s.call(%s.java:%u)", classes[(i + level) % 5], classes[(i + level) % 5], 30 + i * 17 + skewed(c, 8));
}

static void sshd(struct corpus *c, struct buf *out, struct instant t)
{
    static const char *const users[] = {"root", "admin", "test", "oracle", "git", "ubuntu", "deploy", "guest"};
    buf_str(out, "Nov 21 ");
    clock_text(out, t, '.', 0);
    buf_printf(out, " bastion-%u sshd[%u]: ", below(c, 4), 1000 + below(c, 30000));
    switch (below(c, 4)) {
    case 0:
        buf_printf(out, "Invalid user %s from ", users[skewed(c, 8)]);
        break;
    case 1:
        buf_str(out, "Connection closed by ");
        break;
    default:
        buf_printf(out, "Failed password for %s from ", users[skewed(c, 8)]);
        break;
    }
    ip(c, out);
    buf_printf(out, " port %u ssh2", 1024 + below(c, 64000));
}

static void hdfs(struct corpus *c, struct buf *out, struct instant t)
{
    buf_str(out, "261121 ");
    two(out, t.hour);
    two(out, t.minute);
    two(out, t.second);
    buf_printf(out, " %u INFO dfs.", below(c, 300));
    long long block = (long long)(next(c) >> 1);
    if (below(c, 3) == 0) {
        buf_printf(out, "FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap updated: ");
        ip(c, out);
        buf_printf(out, ":50010 is added to blk_%lld size %u", block, 67108864 - skewed(c, 9000000));
    } else {
        buf_printf(out, "DataNode$PacketResponder: PacketResponder %u for block blk_%lld terminating", below(c, 3), block);
    }
}

static void line_make(struct corpus *c, enum app app, int64_t ts_ns)
{
    static void (*const makers[APP_COUNT])(struct corpus *, struct buf *, struct instant) = {nginx, checkout, payments, orders, sshd, hdfs};
    buf_reset(&c->line);
    makers[app](c, &c->line, instant_of(ts_ns));
}

/* The three lines of the needle: in the first writer's part, at a quarter, a half and three quarters. */
static void needle_add(struct corpus *c)
{
    size_t quarter = c->lines_total / 4;
    if (c->writer == 0 && quarter > 0 && c->lines_done % quarter == 0 && c->lines_done / quarter >= 1 && c->lines_done / quarter <= 3)
        buf_str(&c->line, " ref=" NEEDLE);
}

static enum app app_choose(struct corpus *c)
{
    unsigned dice = below(c, 1000);
    unsigned sum = 0;
    for (int app = 0; app < APP_COUNT; app++) {
        sum += mix[app].per_mille;
        if (dice < sum)
            return (enum app)app;
    }
    return APP_HDFS;
}

void corpus_labels(size_t stream, struct buf *out)
{
    size_t app = stream % APP_COUNT;
    size_t pod = stream / APP_COUNT;
    buf_printf(out, "{app=\"%s\", cluster=\"eu-1\", namespace=\"%s\", node=\"node-%zu\", pod=\"%s-%zu\"}", app_names[app],
               pod % 2 == 0 ? "prod" : "staging", pod % 16, app_names[app], pod);
}

void corpus_config_defaults(struct corpus_config *out)
{
    *out = (struct corpus_config){.seed = 1,
                                  .streams = 240,
                                  .bytes = (size_t)442 << 20,
                                  .start_ns = INT64_C(1795219200) * NS_PER_S,
                                  .span_ns = NS_PER_HOUR,
                                  .push_bytes = (size_t)1 << 20,
                                  .writers = 1};
}

struct corpus *corpus_open(const struct corpus_config *config, unsigned writer)
{
    struct corpus *c = mem_zero(sizeof(*c));
    double mean = 0;
    for (int app = 0; app < APP_COUNT; app++)
        mean += (double)mix[app].per_mille / 1000 * mix[app].mean_bytes;
    c->config = *config;
    c->writer = writer;
    c->random = config->seed * 1000003 + writer;
    c->lines_total = (size_t)((double)config->bytes / mean) / config->writers;
    c->pending = mem_array(config->streams, sizeof(*c->pending));
    c->pending_lines = mem_array(config->streams, sizeof(*c->pending_lines));
    return c;
}

void corpus_close(struct corpus *c)
{
    for (size_t i = 0; i < c->config.streams; i++)
        buf_fini(&c->pending[i]);
    mem_free(c->pending);
    mem_free(c->pending_lines);
    buf_fini(&c->line);
    mem_free(c);
}

static void field_bytes(struct buf *out, unsigned number, struct slice bytes)
{
    buf_varint(out, number << 3 | 2);
    buf_varint(out, bytes.len);
    buf_put(out, bytes);
}

static void entry_put(struct buf *out, int64_t ts_ns, struct slice line)
{
    char time[24];
    size_t n = 0;
    time[n++] = 0x08;
    n += varint_put(time + n, (uint64_t)(ts_ns / NS_PER_S));
    time[n++] = 0x10;
    n += varint_put(time + n, (uint64_t)(ts_ns % NS_PER_S));
    size_t len = 1 + varint_len(n) + n + 1 + varint_len(line.len) + line.len;
    buf_varint(out, 2 << 3 | 2);
    buf_varint(out, len);
    field_bytes(out, 1, slice_of(time, n));
    field_bytes(out, 2, line);
}

/* This writer's streams of a kind: i mod writers; at least one each as long as streams >= kinds * writers. */
static size_t stream_choose(struct corpus *c, enum app app)
{
    size_t pods = c->config.streams / APP_COUNT;
    size_t own = pods / c->config.writers;
    if (own == 0)
        return (size_t)app + APP_COUNT * (below(c, (unsigned)(pods == 0 ? 1 : pods)));
    size_t pod = (size_t)below(c, (unsigned)own) * c->config.writers + c->writer;
    return (size_t)app + APP_COUNT * pod;
}

static void message_build(struct corpus *c, struct corpus_push *out)
{
    struct buf labels = BUF_INIT;
    for (size_t i = 0; i < c->config.streams; i++) {
        if (c->pending[i].len == 0)
            continue;
        buf_reset(&labels);
        corpus_labels(c->config.first_stream + i, &labels);
        buf_varint(&out->message, 1 << 3 | 2);
        buf_varint(&out->message, 1 + varint_len(labels.len) + labels.len + c->pending[i].len);
        field_bytes(&out->message, 1, buf_slice(&labels));
        buf_put(&out->message, buf_slice(&c->pending[i]));
        buf_reset(&c->pending[i]);
    }
    buf_fini(&labels);
}

int corpus_next(struct corpus *c, struct corpus_push *out)
{
    buf_reset(&out->message);
    out->lines = out->line_bytes = 0;
    while (c->lines_done < c->lines_total && out->line_bytes < c->config.push_bytes) {
        double at = (double)c->lines_done / (double)c->lines_total;
        int64_t ts_ns = (c->config.start_ns + (int64_t)(at * (double)c->config.span_ns)) / NS_PER_MS * NS_PER_MS + below(c, c->config.late_ms + 2) * NS_PER_MS;
        enum app app = app_choose(c);
        line_make(c, app, ts_ns);
        needle_add(c);
        entry_put(&c->pending[stream_choose(c, app) % c->config.streams], ts_ns, buf_slice(&c->line));
        out->lines++;
        out->line_bytes += c->line.len;
        c->lines_done++;
    }
    if (out->lines == 0)
        return 0;
    message_build(c, out);
    return 1;
}
