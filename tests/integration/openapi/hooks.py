"""What the document's own formats hold, so that schemathesis reaches behind the parsers: queries, times, durations, protobuf, LOQL. Beside valid
texts stand their neighbours: cut, with a byte changed, at the ends of what a number can hold."""
import struct
import time

import schemathesis
from hypothesis import strategies as st

NOW = int(time.time()) // 3600 * 3600  # requests stay the same for an hour, and find what the suite pushed

SELECTORS = ['{app="web"}', '{app=~"web|db"}', '{app!="web", env=~".+"}', '{env="prod"}', '{app=~".+"}', '{service_name!~"x.*", app!=""}', "{}", '{app="nope"}',
             '{app="w\\u00e9b"}', '{a="b"']
STAGES = ['|= "error"', '!= "debug"', '|~ "err|warn"', '!~ "(?i)TIMEOUT"', "|= `x`", '|> "<_> error <_>"', "| json", "| logfmt", '| json status="s.code", x="a[0]"', '| regexp "(?P<w>\\\\w+)"',
          '| pattern "<a> <b> <_>"', "| unpack", '| line_format "{{.app}} {{.msg | upper}}"', '| label_format z="{{.app}}", y=app', "| status >= 400", '| dur > 1s or size < 1KB', "| drop app", "| keep app, env",
          '| detected_level="error"', '| addr=ip("10.0.0.0/8")', "| decolorize", '| __error__=""', '|= ip("::1")', "| logfmt --strict", '| line_format "{{ __timestamp__ }}{{ div 1 0 }}"']
RANGES = ["[5m]", "[1h]", "[1s]", "[1h30m]", "[10y]", "[0s]"]


def log_query(draw):
    stages = draw(st.lists(st.sampled_from(STAGES), max_size=4))
    return " ".join([draw(st.sampled_from(SELECTORS)), *stages])


def range_aggregation(draw):
    name = draw(st.sampled_from(["rate", "count_over_time", "bytes_rate", "bytes_over_time", "absent_over_time"]))
    query = log_query(draw)
    if draw(st.booleans()):
        name = draw(st.sampled_from(["sum_over_time", "avg_over_time", "max_over_time", "min_over_time", "first_over_time", "last_over_time", "stddev_over_time", "rate", "rate_counter"]))
        query += " | unwrap " + draw(st.sampled_from(["status", "duration(dur)", "bytes(size)", "nothing"]))
    quantile = draw(st.sampled_from(["", "", "", "0.99, "]))
    if quantile:
        name = "quantile_over_time"
    offset = draw(st.sampled_from(["", "", " offset 5m", " offset -1h"]))
    return f"{name}({quantile}{query} {draw(st.sampled_from(RANGES))}{offset})"


@st.composite
def metric_query(draw):
    text = range_aggregation(draw)
    operation = draw(st.sampled_from(["", "sum", "avg by (app)", "count without (app)", "topk(3, ", "max by (env, app)", "sort", "quantile"]))
    if operation:
        text = f"{operation}{text})" if operation.endswith(" ") else f"{operation} ({text})"
    binary = draw(st.sampled_from(["", "", "/", "> bool", "and on (app)", "^", "% ignoring (env)", "or"]))
    if binary:
        text += f" {binary} " + draw(st.sampled_from(["2", "0", "-1.5e300", "vector(0)", range_aggregation(draw)]))
    return draw(st.sampled_from(["{}", "label_replace({}, \"x\", \"$1\", \"app\", \"(.*)\")", "({})", "-1 * {}"])).replace("{}", text)


@st.composite
def damaged(draw, texts):
    text = draw(texts)
    if not text:
        return text
    at = draw(st.integers(0, len(text) - 1))
    kind = draw(st.sampled_from(["cut", "change", "insert"]))
    if kind == "cut":
        return text[:at]
    character = draw(st.sampled_from(list("\"\\{}[]()|=~`'0.\n\t\x7fé\U0001f600")))
    return text[:at] + character + text[at + (kind == "change"):]


def mostly(texts):
    return st.integers(0, 9).flatmap(lambda n: damaged(texts) if n == 0 else texts)


LOG_QUERY = st.composite(log_query)()
TIME = st.one_of(
    st.integers(-7200, 600).map(lambda s: str(NOW + 3600 + s)),
    st.integers(-7200, 600).map(lambda s: str((NOW + 3600 + s) * 10**9 + 123)),
    st.floats(-7200, 600).map(lambda s: f"{NOW + 3600 + s:.6f}"),
    st.integers(-7200, 600).map(lambda s: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(NOW + 3600 + s)) + ".123456789Z"),
    st.sampled_from(["0", "1", "-1", "1e9", "1.7e9", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "9999999999", "253402300800.5", "1677-09-21T00:12:43.145224192Z",
                     "2262-04-11T23:47:16.854775807Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2024-02-30T00:00:00Z", "now", "NaN", "inf.", "1.7976931348623157e308."]))
DURATION = st.sampled_from(["1h", "5m", "30s", "1h30m", "7d", "1w", "1y", "100y", "293y", "0", "0s", "1ms", "1ns", "-1h", "1.5h", "h", "9223372036854775807s", "1m1h"])
STEP = st.one_of(st.sampled_from(["60", "0.5", "1e2", "0", "-1", "NaN", "Inf", "1e18", "1e-9", "0.0009"]), DURATION)

schemathesis.openapi.format("logql", mostly(st.one_of(LOG_QUERY, metric_query())))
schemathesis.openapi.format("logql-selector", mostly(st.sampled_from(SELECTORS)))
schemathesis.openapi.format("loki-time", TIME)
schemathesis.openapi.format("prometheus-duration", DURATION)
schemathesis.openapi.format("go-duration", DURATION)
schemathesis.openapi.format("loki-step", STEP)
RECENT = st.integers(-7200, 0).map(lambda s: str((NOW + s) * 10**9 + 7))
schemathesis.openapi.format("nanoseconds", st.integers(0, 9).flatmap(
    lambda n: st.sampled_from(["0", "-1", "9223372036854775807", "-9223372036854775808", "9999999999999999999"]) if n == 0 else RECENT))
schemathesis.openapi.format("date-time", st.integers(-7200, 60).map(lambda s: time.strftime("%Y-%m-%dT%H:%M:%S.5Z", time.gmtime(NOW + s))))
schemathesis.openapi.format("delete-time", st.integers(-7200, 600).map(lambda s: str(NOW + 3600 + s)))
schemathesis.openapi.format("label-text", mostly(st.sampled_from(['{app="web"}', '{app="db", env="test"}', "{}", "", '{__name__="x"}', "{a='b',}", "{a=`b`}", '{"a.b"="c"}', 'foo{a="1"}', '{a="1", a="2"}', '{a="\\xff"}'])))
schemathesis.openapi.format("regex", mostly(st.sampled_from(["err(or)?", "(?i)WEB", ".*", "", "a{1000}", "(", "\\pL+", "[[:alpha:]]", "(a*)*b", "\\C"])))

# ---- LOQL ----

LOQL = ["[1h, now] {app=web}", "[1h, ] level=error", "[,] {app=web env!=dev} status ~ '5..' or _msg ~ \"time ?out\"", "[2026-01-01, now] (a=b or c!=d) and not_a_word=x // comment", "[-15m, now]", "[1h now]", "",
        "[now, 1h] {app=web}", "[1h, now] \"\"=x", "[1h, now] a ~ '('", "[1h, now] ((((a=b))))", "[9999999999d, now]"]
LOQL_TEXT = mostly(st.sampled_from(LOQL))
schemathesis.openapi.format("loql", LOQL_TEXT)
schemathesis.openapi.format("loql-time", mostly(st.sampled_from(["2h", "-15m", "now", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+02:00", "99999999999999999999d", ""])))


@schemathesis.serializer("application/loql")
def loql(context, value):
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")

# ---- protobuf ----


def varint(n):
    out = b""
    while True:
        out += bytes([n & 0x7F | (0x80 if n > 0x7F else 0)])
        n >>= 7
        if n == 0:
            return out


def field(number, value):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def pair(name, value):
    return field(1, name.encode()) + field(2, value.encode())


def push_request(streams):
    out = b""
    for labels, entries in streams:
        body = field(1, labels.encode())
        for second, line, metadata in entries:
            stamp = b"\x08" + varint(second & (1 << 64) - 1)
            body += field(2, field(1, stamp) + field(2, line) + b"".join(field(3, pair(k, v)) for k, v in metadata))
        out += field(1, body)
    return out


def snappy(body):
    """A block of literals alone."""
    out = varint(len(body))
    for at in range(0, len(body), 60):
        part = body[at:at + 60]
        out += bytes([len(part) - 1 << 2]) + part
    return out


def otlp_request(records):
    out = b""
    for second, line, attributes in records:
        value = field(1, line)
        record = b"\x09" + struct.pack("<Q", second * 10**9 & (1 << 64) - 1) + b"\x10\x09" + field(5, value)
        record += b"".join(field(6, field(1, k.encode()) + field(2, field(1, v.encode()))) for k, v in attributes)
        resource = field(1, field(1, b"service.name") + field(2, field(1, b"web")))
        out += field(1, field(1, resource) + field(2, field(2, record)))
    return out


ENTRY = st.tuples(st.one_of(st.integers(NOW - 3600, NOW + 3600), st.sampled_from([0, -1, (1 << 63) - 1])), st.binary(max_size=200), st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=3))
STREAM = st.tuples(st.sampled_from(['{app="web"}', '{app="db",env="prod"}', "{}", '{a="b"', "\xff"]), st.lists(ENTRY, max_size=4))
PUSH = st.lists(STREAM, max_size=3).map(lambda streams: snappy(push_request(streams)))
OTLP = st.lists(ENTRY, max_size=3).map(otlp_request)


@st.composite
def damaged_bytes(draw, bodies):
    body = draw(bodies)
    at = draw(st.integers(0, max(len(body) - 1, 0)))
    return draw(st.sampled_from([body[:at], body[:at] + draw(st.binary(min_size=1, max_size=1)) + body[at + 1:], body + b"\x00"]))


BODIES = st.one_of(PUSH, OTLP)
schemathesis.openapi.media_type("application/x-protobuf", st.one_of(PUSH, OTLP, damaged_bytes(BODIES), st.binary(max_size=64)))


@schemathesis.deserializer("application/octet-stream")
def status(context, response):
    """google.rpc.Status with its message alone; anything else is no text, which the schema refuses."""
    body = response.content
    if body[:1] != b"\x12":
        return None
    length = shift = 0
    for at, byte in enumerate(body[1:11], 1):
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return body[at + 1:].decode() if len(body) == at + 1 + length else None
    return None


# ---- tenants ----


@schemathesis.hook
def map_headers(context, headers):
    """Most requests belong to the tenant that has data: a name of one's own finds nothing. Those whose text has a digit stay."""
    name = (headers or {}).get("X-Scope-OrgID")
    if isinstance(name, str) and not any(c.isdigit() for c in name):
        headers.pop("X-Scope-OrgID")
    return headers
