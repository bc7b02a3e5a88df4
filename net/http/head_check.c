#include "net/http/head_check.h"

struct fields {
    unsigned hosts, lengths, codings, count;
    bool is_10;
};

static bool is_token(struct slice text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c != '\0' && strchr(others, c) != NULL);
        if (!fine)
            return false;
    }
    return true;
}

static bool is_decimal(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return text.len > 0 && text.len <= 18;
}

/* Without spaces and tabs at both ends: the only white space that RFC 9110 5.5 puts around a value. */
static struct slice trim_ows(struct slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = slice_from(s, 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* The next line without its CR LF; false at a bare LF, a bare CR, a NUL, or when the head does not end. */
static bool line_take(struct slice *in, struct slice *line)
{
    size_t end = slice_find_byte(*in, '\n');
    if (end == in->len || end == 0 || in->ptr[end - 1] != '\r')
        return false;
    *line = slice_of(in->ptr, end - 1);
    *in = slice_from(*in, end + 1);
    return slice_find_byte(*line, '\r') == line->len && slice_find_byte(*line, '\0') == line->len;
}

static enum head_verdict request_line_check(struct slice line, bool *is_10, const char **reason)
{
    size_t space = slice_find_byte(line, ' ');
    struct slice method = slice_of(line.ptr, space);
    if (space == line.len || !is_token(method)) {
        *reason = "malformed method";
        return HEAD_BAD;
    }
    struct slice rest = slice_from(line, space + 1);
    size_t target = slice_find_byte(rest, ' ');
    if (target == 0 || target == rest.len) {
        *reason = "malformed request line";
        return HEAD_BAD;
    }
    struct slice version = slice_from(rest, target + 1);
    *is_10 = slice_eq(version, SLICE("HTTP/1.0"));
    if (!*is_10 && !slice_eq(version, SLICE("HTTP/1.1"))) {
        *reason = "malformed or unsupported HTTP version";
        return slice_starts(version, SLICE("HTTP/")) && slice_find_byte(version, ' ') == version.len
                   ? HEAD_UNSUPPORTED
                   : HEAD_BAD;
    }
    if (target > HEAD_TARGET_BYTES_MAX) {
        *reason = "request target too long";
        return HEAD_TARGET_TOO_LONG;
    }
    return HEAD_GOOD;
}

static const char *field_check(struct slice line, struct fields *seen)
{
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return "folded header line";
    size_t colon = slice_find_byte(line, ':');
    struct slice name = slice_of(line.ptr, colon);
    if (colon == line.len || !is_token(name))
        return "malformed header name";
    struct slice value = trim_ows(slice_from(line, colon + 1));
    if (++seen->count > HEAD_FIELDS_MAX)
        return "too many headers";
    if (slice_eq_nocase(name, SLICE("host"))) {
        if (++seen->hosts > 1)
            return "more than one Host";
    } else if (slice_eq_nocase(name, SLICE("content-length"))) {
        if (++seen->lengths > 1)
            return "more than one Content-Length";
        if (!is_decimal(value))
            return "malformed Content-Length";
    } else if (slice_eq_nocase(name, SLICE("transfer-encoding"))) {
        if (++seen->codings > 1)
            return "more than one Transfer-Encoding";
        if (!slice_eq_nocase(value, SLICE("chunked")))
            return "unsupported Transfer-Encoding";
    }
    return NULL;
}

enum head_verdict head_check(struct slice bytes, const char **out_reason)
{
    struct slice in = bytes;
    struct slice line;
    struct fields seen = {0};
    // RFC 9112 2.2 lets a server skip one empty line before the request; libh2o does, so the check must look at the same bytes.
    if (slice_starts(in, SLICE("\r\n")))
        in = slice_from(in, 2);
    *out_reason = "malformed line end";
    if (!line_take(&in, &line))
        return HEAD_BAD;
    enum head_verdict verdict = request_line_check(line, &seen.is_10, out_reason);
    if (verdict != HEAD_GOOD)
        return verdict;
    for (;;) {
        *out_reason = "malformed line end";
        if (!line_take(&in, &line))
            return HEAD_BAD;
        if (line.len == 0)
            break;
        *out_reason = field_check(line, &seen);
        if (*out_reason != NULL)
            return HEAD_BAD;
    }
    *out_reason = seen.hosts == 0 && !seen.is_10               ? "no Host"
                  : seen.lengths > 0 && seen.codings > 0       ? "Content-Length and Transfer-Encoding"
                  : seen.codings > 0 && seen.is_10             ? "Transfer-Encoding in HTTP/1.0"
                                                               : NULL;
    return *out_reason == NULL ? HEAD_GOOD : HEAD_BAD;
}
