"""A naive evaluator of LogQL: one plain function a rule, no speed. What Logi must answer, for queries that random_query.py makes.

A row is one entry on its way through the stages: its line and its labels, told apart as base (stream and metadata) and parsed.
Times are int nanoseconds. Errors of a whole query are QueryError.
"""
import json
import math
import re


class QueryError(Exception):
    pass


class ConversionError(Exception):
    pass


class Unsaid(Exception):
    """The rules do not say: a query that comes here is no case."""


# ---- texts to values, as Go reads them ----

def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def go_quoted(text):
    """%q."""
    short = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(short.get(c) or (c if c.isprintable() else f"\\x{ord(c):02x}" if ord(c) < 0x80 else f"\\u{ord(c):04x}") for c in text) + '"'


DIGITS = r"\d+(_\d+)*"
FLOAT = re.compile(rf"[+-]?({DIGITS}\.?({DIGITS})?|\.{DIGITS})([eE][+-]?{DIGITS})?")
WORDS = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf, "infinity": math.inf, "+infinity": math.inf, "-infinity": -math.inf}


def go_float(text):
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if not FLOAT.fullmatch(text):
        raise ConversionError(f"strconv.ParseFloat: parsing {quoted(text)}: invalid syntax")
    value = float(text)  # which reads underscores too
    if math.isinf(value):
        raise ConversionError(f'strconv.ParseFloat: parsing "{text}": value out of range')
    return value


UNITS_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def time_quoted(text):
    """As package time quotes: bytes beyond ASCII in hex."""
    short = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(short.get(c) or (c if " " <= c < "\x80" else "".join(f"\\x{b:02x}" for b in c.encode())) for c in text) + '"'


def go_duration(text):
    """Nanoseconds."""
    body = text.lstrip("+-") if text[:1] in ("+", "-") and text[1:2] not in ("+", "-") else text
    sign = -1 if text.startswith("-") else 1
    if body == "0":
        return 0
    if not body:
        raise ConversionError(f'time: invalid duration {time_quoted(text)}')
    total = 0
    rest = body
    while rest:
        number = re.match(r"\d*\.?\d*", rest).group()
        if number in ("", "."):
            raise ConversionError(f'time: invalid duration {time_quoted(text)}')
        rest = rest[len(number):]
        if int(number.partition(".")[0] or "0") >= 2**63:
            raise ConversionError(f'time: invalid duration {time_quoted(text)}')
        unit = re.match(r"[^\d.]*", rest).group()
        if not unit:
            raise ConversionError(f'time: missing unit in duration {time_quoted(text)}')
        if unit not in UNITS_NS:
            raise ConversionError(f'time: unknown unit {time_quoted(unit)} in duration {time_quoted(text)}')
        rest = rest[len(unit):]
        whole, _, part = number.partition(".")
        total += int(whole or "0") * UNITS_NS[unit]
        if part:
            total += int(int(part) * UNITS_NS[unit] / 10 ** len(part))
    return sign * total


SIZES = {"": 1, "b": 1}
for power, letter in enumerate("kmgtpe", 1):
    SIZES.update({letter: 1000**power, letter + "b": 1000**power, letter + "i": 1024**power, letter + "ib": 1024**power})


def humanize_bytes(text):
    number = re.match(r"[\d.,]*", text).group()
    unit = text[len(number):].strip().lower()
    try:
        value = go_float(number.replace(",", ""))
    except ConversionError:
        raise ConversionError(f'strconv.ParseFloat: parsing "{number.replace(",", "")}": invalid syntax')
    if unit not in SIZES:
        raise ConversionError(f"unhandled size name: {unit}")
    return int(value * SIZES[unit])


def sanitize(name):
    name = name.strip()
    if name and name[0] in "0123456789":
        name = "_" + name
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


# ---- rows ----

class Row:
    def __init__(self, ts, line, stream, metadata):
        self.ts, self.line = ts, line
        self.stream, self.base = stream, dict(stream)
        for name, value in metadata.items():
            self.base[name + "_extracted" if name in stream else name] = value
        self.gone, self.parsed, self.extracted = set(), {}, set()
        self.error, self.details = "", ""

    def get(self, name):
        if name == "__error__":
            return self.error or None
        if name in self.parsed:
            return self.parsed[name]
        return None if name in self.gone else self.base.get(name)

    def clashes(self, name):
        """A stream label is in the way of parsers for good, metadata while it is there."""
        return name in self.stream or (name in self.base and name not in self.gone)

    def set(self, name, value):
        self.gone.add(name)
        self.parsed[name] = value
        self.extracted.add(name)

    def extract(self, name, value, over=False):
        if self.clashes(name):
            name += "_extracted"
        if name and (over or name not in self.extracted):
            self.set(name, value)

    def delete(self, name):
        self.parsed.pop(name, None)
        self.gone.add(name)

    def fail(self, error, details=None):
        self.error = error
        self.details = self.details if details is None else details

    def labels(self, marked=True):
        out = {n: v for n, v in self.base.items() if n not in self.gone}
        out.update(self.parsed)
        if marked and self.error:
            out["__error__"] = self.error
        if marked and self.details:
            out["__error_details__"] = self.details
        return out


# ---- stages: each takes a row and says whether it stays ----

class LineFilter:
    def __init__(self, op, texts):
        self.op, self.texts = op, texts

    def holds(self, text, line):
        if self.op in ("|=", "!="):
            return text in line
        if self.op in ("|~", "!~"):
            return re.search(text, line, re.ASCII) is not None
        return pattern_matches(text, line)

    def run(self, row):
        return any(self.holds(t, row.line) for t in self.texts) == (self.op[0] == "|")


def pattern_matches(text, line):
    """|>: literals leftmost, one after another, at least one byte between them and around."""
    if text == "" or line == "":
        return text == line
    parts = text.split("<_>")
    at, free = 0, False
    for i, part in enumerate(parts):
        if i > 0:
            free = True
        if part == "":
            continue
        found = line.find(part, at)
        if found < 0 or (free and i > 0 and found == at):
            return False
        at, free = found + len(part), False
    if parts[-1] == "":
        return at < len(line)
    return at == len(line)


def json_members(text):
    """Pairs of (key, kind, value) of an object that is whole; values keep the words of numbers."""
    return decoded(text, Number)[1], Number


class Number(str):
    pass


def decoded(text, number):
    """The JSON value a text begins with; objects are ("object", pairs), numbers what number makes of their text."""
    decoder = json.JSONDecoder(object_pairs_hook=lambda p: ("object", p), parse_int=number, parse_float=number)
    try:
        return decoder.raw_decode(text.lstrip())[0]
    except ValueError:
        raise Unsaid


class Json:
    """Whole objects, and what is none."""

    def run(self, row):
        if not row.line.strip().startswith("{"):
            row.fail("JSONParserErr", "Value looks like object, but can't find closing '}' symbol")
            return True
        members, number = json_members(row.line)
        self.walk(row, members, number, "")
        return True

    def walk(self, row, members, number, prefix):
        for key, value in members:
            part = re.sub(r"[^A-Za-z0-9_]", "_", key.strip())
            if not prefix and part[:1].isdigit():
                part = "_" + part
            name = prefix + "_" + part if prefix and part else prefix + part
            if isinstance(value, tuple):
                self.walk(row, value[1], number, name)
            elif isinstance(value, bool):
                row.extract(name, "true" if value else "false") if name else None
            elif isinstance(value, str):
                row.extract(name, str(value).replace("\ufffd", " ")) if name else None


class JsonPaths:
    def __init__(self, paths):
        self.paths = paths  # [(name, [key or index, ...])]

    def run(self, row):
        if row.line == "":
            return True
        if row.line[0] not in '{["':
            row.fail("JSONParserErr")
            return True
        for name, path in self.paths:
            value = decoded(row.line, lambda text: ("word", text))
            for step in path:
                value = self.step(value, step)
            if value is not None:
                row.extract(name, self.text(value), over=True)
            elif row.get(name) is None:
                row.set(name, "")
        return True

    @staticmethod
    def step(value, step):
        if isinstance(step, int):
            return value[step] if isinstance(value, list) and step < len(value) else None
        if not isinstance(value, tuple) or value[0] != "object":
            return None
        return next((v if v is not None else ("null",) for k, v in value[1] if k == step), None)

    @staticmethod
    def text(value):
        if isinstance(value, list) or (isinstance(value, tuple) and value[0] == "object"):
            raise Unsaid  # its raw text, which the decoded value does not tell
        if isinstance(value, tuple):
            return "" if value[0] == "null" else value[1]
        return ("true" if value else "false") if isinstance(value, bool) else value


def logfmt_pairs(line):
    """Yields (key, value or None for a bare key); what cannot be read yields (None, message, position)."""
    at, n = 0, len(line)
    while at < n:
        if line[at] <= " ":
            at += 1
            continue
        begin = at
        while at < n and line[at] > " " and line[at] not in '="':
            at += 1
        key = line[begin:at]
        if at < n and (line[at] == '"' or (line[at] == "=" and key == "")):
            yield None, f"unexpected '{line[at]}'", place(line, at)
            at = past_word(line, at)
            continue
        if at == n or line[at] != "=":
            yield key, None
            continue
        at += 1
        if at < n and line[at] == '"':
            end = at + 1
            while end < n and line[end] != '"':
                end += 2 if line[end] == "\\" else 1
            if end >= n:
                yield None, "unterminated quoted value", place(line, n)
                return
            value = unescape(line[at + 1:end])
            at = end + 1
            yield (key, value) if value is not None else (None, "invalid quoted value", place(line, at))
            continue
        begin = at
        while at < n and line[at] > " " and line[at] not in '="':
            at += 1
        if at < n and line[at] in '="':
            yield None, f"unexpected '{line[at]}'", place(line, at)
            at = past_word(line, at)
            continue
        yield key, line[begin:at]


def place(line, at):
    """Errors count bytes from 1."""
    return len(line[:at].encode()) + 1


def past_word(line, at):
    while at < len(line) and line[at] > " ":
        at += 1
    return at


def unescape(text):
    try:
        return json.loads('"' + text + '"', strict=False)
    except ValueError:
        return None


class Logfmt:
    def __init__(self, strict=False, keep_empty=False, extractions=()):
        self.strict, self.keep_empty, self.extractions = strict, keep_empty, extractions

    def run(self, row):
        found, taken = {}, set(row.extracted)
        for pair in logfmt_pairs(row.line):
            if pair[0] is None:
                if self.strict:
                    row.fail("LogfmtParserErr", f"logfmt syntax error at pos {pair[2]} : {pair[1]}")
                    break
                continue
            key, value = sanitize(pair[0]), pair[1] or ""
            if self.extractions:
                for name, wanted in self.extractions:
                    if wanted == key and (key not in taken or any(key == n for n, _ in self.extractions)):  # what a stage before has made a label of is not read again
                        found[name] = "" if "\ufffd" in value else value
                continue
            value = value.replace("\ufffd", " ")
            if key and (value or self.keep_empty):
                row.extract(key, value)
        for name, _ in self.extractions:
            if name in found:
                row.extract(name, found[name], over=True)
            elif not row.clashes(name):
                row.extract(name, "", over=True)
        return True


class Regexp:
    def __init__(self, text):
        self.regex = re.compile(text, re.ASCII)

    def run(self, row):
        match = self.regex.search(row.line)
        if match:
            for name in sorted(self.regex.groupindex, key=self.regex.groupindex.get):
                row.extract(name, match.group(name) or "")
        return True


class Pattern:
    def __init__(self, parts):
        self.parts = parts  # literals and ("name",) in turn

    def run(self, row):
        line, parts = row.line, list(self.parts)
        if line == "":
            return True
        if isinstance(parts[0], str):
            if not line.startswith(parts[0]):
                return True
            line = line[len(parts.pop(0)):]
        while parts:
            name = parts.pop(0)[0]
            end = line.find(parts[0]) if parts else -1
            value = line if end < 0 else line[:end]
            if name != "_":
                row.extract(name, value)
            if end < 0:
                return True
            line = line[end + len(parts.pop(0)):]
        return True


class Unpack:
    def run(self, row):
        if row.line == "":
            return True
        if not row.line.startswith("{"):
            row.fail("JSONParserErr", "expecting json object(6), but it is not")
            return True
        members, number = json_members(row.line)
        strings = [(k, v) for k, v in members if isinstance(v, str) and not isinstance(v, number)]
        if not any(k == "_entry" for k, _ in strings):
            return True
        for key, value in strings:
            if key == "_entry":
                row.line = value
            else:
                row.extract(sanitize(key), value)
        return True


COMPARE = {"=": lambda a, b: a == b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b, ">": lambda a, b: a > b,
           ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b}


def string_matches(op, value, text):
    if op in ("=", "!="):
        return (value == text) == (op == "=")
    return (re.fullmatch(text, value, re.DOTALL | re.ASCII) is not None) == (op == "=~")


class StringTest:
    def __init__(self, name, op, text):
        self.name, self.op, self.text = name, op, text

    def run(self, row):
        return string_matches(self.op, row.get(self.name) or "", self.text)


class ValueTest:
    def __init__(self, name, op, read, wanted):
        self.name, self.op, self.read, self.wanted = name, op, read, wanted

    def run(self, row):
        value = row.get(self.name)
        if value is None:
            return False
        try:
            return COMPARE[self.op](self.read(value), self.wanted)
        except ConversionError as error:
            if not row.error:  # an earlier error stays
                row.fail("LabelFilterErr", str(error))
            return True


class Both:
    def __init__(self, left, right):
        self.left, self.right = left, right

    def run(self, row):
        left = self.left.run(row)
        return self.right.run(row) and left


class Either:
    def __init__(self, left, right):
        self.left, self.right = left, right

    def run(self, row):
        return self.left.run(row) or self.right.run(row)


class Decolorize:
    ESCAPES = re.compile("[\x1b\x9b][\\[\\]()#;?]*(?:(?:(?:[a-zA-Z\\d]*(?:;[a-zA-Z\\d]*)*)?\x07)|(?:(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PRZcf-ntqry=><~]))")

    def run(self, row):
        row.line = self.ESCAPES.sub("", row.line)
        return True


class LineFormat:
    def __init__(self, template):
        self.template = template  # labels dict, line -> text

    def run(self, row):
        row.line = self.template(row.labels(), row.line)
        return True


class LabelFormat:
    def __init__(self, parts):
        self.parts = parts  # (target, source name) or (target, template)

    def run(self, row):
        seen = None
        for target, value in self.parts:
            if callable(value):
                seen = row.labels() if seen is None else seen
                row.set(target, value(seen, row.line))
            elif row.get(value) is not None:
                row.set(target, row.get(value))
                row.delete(value)
        return True


class Drop:
    def __init__(self, items):
        self.items = items  # (name, None or (op, text))

    def run(self, row):
        for name, test in self.items:
            if name == "__error__":
                row.error = ""
            elif name == "__error_details__":
                row.details = ""
            elif row.get(name) is not None and (test is None or string_matches(test[0], row.get(name), test[1])):
                row.delete(name)
        return True


class Keep:
    def __init__(self, items):
        self.items = items

    def run(self, row):
        for name, value in row.labels(marked=False).items():
            if not any(n == name and (t is None or string_matches(t[0], value, t[1])) for n, t in self.items):
                row.delete(name)
        return True


# ---- log queries ----

def rows_of(entries, matchers, stages, start, end):
    """Rows left of entries with start <= ts < end, in order of arrival."""
    out = []
    for ts, line, stream, metadata in entries:
        if start <= ts < end and all(string_matches(op, stream.get(name, ""), text) for name, op, text in matchers):
            row = Row(ts, line, stream, metadata)
            if all(stage.run(row) for stage in stages):
                out.append(row)
    return out


def log_query(entries, matchers, stages, start, end, limit, backward):
    """{label items: [(ts, line)]}"""
    rows = sorted(rows_of(entries, matchers, stages, start, end), key=lambda r: r.ts)
    rows = rows[::-1][:limit] if backward else rows[:limit]
    streams = {}
    for row in rows:
        streams.setdefault(frozenset(row.labels().items()), []).append((row.ts, row.line))
    return streams


# ---- metric queries: an expression's value at one time is {label items: float} ----

class Range:
    def __init__(self, op, matchers, stages, range_ns, offset_ns=0, unwrap=None, after=(), grouping=None, parameter=None):
        self.op, self.matchers, self.stages, self.range_ns, self.offset_ns = op, matchers, stages, range_ns, offset_ns
        self.unwrap, self.after, self.grouping, self.parameter = unwrap, after, grouping, parameter
        self.cache = None

    def samples(self, entries):
        """[(ts, value, series)] of all entries, by time."""
        if self.cache is not None and self.cache[0] is entries:
            return self.cache[1]
        out = []
        for row in sorted(rows_of(entries, self.matchers, self.stages, -2**63, 2**63), key=lambda r: r.ts):
            sample = self.sample(row)
            if sample is not None:
                out.append((row.ts, *sample))
        self.cache = (entries, out)
        return out

    def sample(self, row):
        value = float(len(row.line.encode())) if self.op.startswith("bytes_") else 1.0
        if self.unwrap:
            name, read = self.unwrap
            text = row.get(name)
            if not text:
                return None
            value = 0.0
            try:
                value = float(read(text))
            except ConversionError as error:
                row.fail("SampleExtractionErr", str(error))
        if not all(stage.run(row) for stage in self.after):
            return None
        labels = row.labels()
        if row.error:
            return value, ("error", row.error)
        if self.unwrap and (self.grouping is None or self.grouping[0] == "without"):
            labels.pop(self.unwrap[0], None)
        return value, group_labels(labels, self.grouping)

    def at(self, entries, t):
        if self.op == "absent_over_time":
            present = False
            for ts, _, labels in self.samples(entries):
                if t - self.offset_ns - self.range_ns < ts <= t - self.offset_ns:
                    present = True
                    if isinstance(labels, tuple):
                        raise QueryError(f"pipeline error: '{labels[1]}'")
            names = [n for n, _, _ in self.matchers]
            labels = {n: v for n, op, v in self.matchers if op == "=" and v != "" and names.count(n) == 1}
            return {} if present else {frozenset(labels.items()): 1.0}
        series = {}
        for ts, value, labels in self.samples(entries):
            if t - self.offset_ns - self.range_ns < ts <= t - self.offset_ns:
                if isinstance(labels, tuple):
                    raise QueryError(f"pipeline error: '{labels[1]}'")
                series.setdefault(labels, []).append((ts, value))
        return {labels: self.value(points) for labels, points in series.items()}

    def value(self, points):
        values = [v for _, v in points]
        seconds = self.range_ns / 1e9
        if self.op in ("count_over_time", "bytes_over_time", "sum_over_time"):
            return sum(values)
        if self.op in ("rate", "bytes_rate"):
            return sum(values) / seconds
        if self.op == "avg_over_time":
            return sum(values) / len(values)
        if self.op in ("min_over_time", "max_over_time"):
            return extreme(self.op[:3], values)
        if self.op == "first_over_time":
            return values[0]
        if self.op == "last_over_time":
            return values[-1]
        if self.op == "stdvar_over_time":
            return variance(values)
        if self.op == "stddev_over_time":
            return math.sqrt(variance(values))
        if self.op == "quantile_over_time":
            return quantile(self.parameter, values)
        return rate_counter(points, seconds)


def extreme(which, values):
    """Numbers go before NaN."""
    real = [v for v in values if not math.isnan(v)]
    return math.nan if not real else (min if which == "min" else max)(real)


def variance(values):
    """Welford's: equal values give exactly 0."""
    mean = squares = 0.0
    for count, value in enumerate(values, 1):
        delta = value - mean
        mean += delta / count
        squares += delta * (value - mean)
    return squares / len(values)


def quantile(q, values):
    values = sorted(values, key=lambda v: (not math.isnan(v), v))  # NaN is the least
    if q < 0 or q > 1:
        return -math.inf if q < 0 else math.inf
    rank = q * (len(values) - 1)
    low = max(0, math.floor(rank))
    high = min(len(values) - 1, low + 1)
    weight = rank - math.floor(rank)
    return values[low] * (1 - weight) + values[high] * weight


def rate_counter(points, seconds):
    if len(points) < 2:
        return 0.0
    increase = points[-1][1] - points[0][1]
    for (_, before), (_, after) in zip(points, points[1:]):
        if after < before:
            increase += before
    sampled = (points[-1][0] - points[0][0]) / 1000
    to_start = seconds
    if increase > 0 and points[0][1] >= 0:
        to_start = min(to_start, sampled * points[0][1] / increase)
    mean = sampled / (len(points) - 1)
    return increase * (sampled + (to_start if to_start < 1.1 * mean else mean / 2)) / sampled / seconds


def group_labels(labels, grouping):
    labels = dict(labels)
    if grouping is None:
        return frozenset(labels.items())
    kind, names = grouping
    return frozenset((n, v) for n, v in labels.items() if (n in names) == (kind == "by"))


def without_empty(labels):
    """What a label builder of Prometheus makes of labels: those with an empty value are none."""
    return frozenset((n, v) for n, v in labels if v != "")


class Aggregate:
    def __init__(self, op, inner, grouping=None, parameter=None):
        self.op, self.inner, self.grouping, self.parameter = op, inner, grouping, parameter

    def at(self, entries, t):
        groups = {}
        if self.op == "sum" and self.grouping and isinstance(self.inner, Range) and self.inner.unwrap and self.inner.unwrap[0] in self.grouping[1]:
            raise Unsaid  # whether the unwrapped label is still there depends on what is pushed down
        for labels, value in self.inner.at(entries, t).items():
            key = group_labels(labels, self.grouping or ("by", []))
            if self.grouping and self.grouping[0] == "without":
                key = without_empty(key)
            groups.setdefault(key, []).append((labels, value))
        if self.op in ("topk", "bottomk"):
            out = {}
            for members in groups.values():
                members.sort(key=lambda m: m[1], reverse=self.op == "topk")
                out.update(members[:self.parameter])
            return out
        return {key: self.value([v for _, v in members]) for key, members in groups.items()}

    def value(self, values):
        if self.op == "sum":
            return sum(values)
        if self.op == "avg":
            return sum(values) / len(values)
        if self.op in ("min", "max"):
            return extreme(self.op, values)
        if self.op == "count":
            return float(len(values))
        spread = variance(values) if len(values) > 1 else 0.0  # also of one NaN
        return spread if self.op == "stdvar" else math.sqrt(spread)


def arithmetic(op, a, b):
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    if op == "*":
        return a * b
    if op == "/":
        return a / b if b != 0 else math.nan
    if op == "%":
        return math.fmod(a, b) if b != 0 and not math.isinf(a) else math.nan
    try:
        return math.pow(a, b)
    except OverflowError:
        return math.inf
    except ValueError:  # Python has no word for a power of zero below 0
        return math.nan if a != 0 else math.copysign(math.inf, a) if b % 2 == 1 else math.inf


class Scalar:
    def __init__(self, value):
        self.value = value


class Binary:
    def __init__(self, op, left, right, is_bool=False, matching=None, group=None, include=()):
        self.op, self.left, self.right, self.is_bool = op, left, right, is_bool
        self.matching, self.group, self.include = matching, group, include

    def combine(self, a, b, kept):
        """None: the pair is dropped."""
        if self.op in COMPARE:
            holds = COMPARE[self.op](a, b)
            return float(holds) if self.is_bool else (kept if holds else None)
        return arithmetic(self.op, a, b)

    def at(self, entries, t):
        if isinstance(self.left, Scalar) or isinstance(self.right, Scalar):
            return self.with_scalar(entries, t)
        left, right = self.left.at(entries, t), self.right.at(entries, t)
        if self.op in ("and", "or", "unless"):
            return self.of_sets(left, right)
        return self.of_vectors(left, right)

    def with_scalar(self, entries, t):
        out = {}
        is_left = isinstance(self.left, Scalar)
        for labels, value in (self.right if is_left else self.left).at(entries, t).items():
            result = self.combine(self.left.value, value, value) if is_left else self.combine(value, self.right.value, value)
            if result is not None:
                out[labels] = result
        return out

    def signature(self, labels):
        if self.matching is None:
            return without_empty(labels)
        return without_empty(group_labels(labels, ("by" if self.matching[0] == "on" else "without", self.matching[1])))

    def of_sets(self, left, right):
        rights = {self.signature(labels) for labels in right}
        lefts = {self.signature(labels) for labels in left}
        if self.op == "or":
            return {**left, **{labels: v for labels, v in right.items() if self.signature(labels) not in lefts}}
        return {labels: v for labels, v in left.items() if (self.signature(labels) in rights) == (self.op == "and")}

    def of_vectors(self, left, right):
        swapped = self.group == "group_right"
        many, one = (right, left) if swapped else (left, right)
        ones, out, seen = {}, {}, set()
        for labels, value in one.items():
            if self.signature(labels) in ones:
                raise QueryError("found duplicate series on the")
            ones[self.signature(labels)] = (labels, value)
        for labels, value in many.items():
            key = self.signature(labels)
            if key not in ones:
                continue
            a, b = (ones[key][1], value) if swapped else (value, ones[key][1])
            if self.group is None and key in seen:
                raise QueryError("multiple matches for labels: many-to-one matching must be explicit")
            seen.add(key)
            result = self.combine(a, b, a)
            if result is None:
                continue
            if self.group is None:
                out[without_empty(key if self.matching else labels)] = result
            else:
                metric = dict(labels)
                for name in self.include:
                    other = dict(ones[key][0]).get(name)
                    metric.pop(name, None)
                    if other:
                        metric[name] = other
                metric = without_empty(metric.items())
                if metric in out:
                    raise QueryError("multiple matches for labels: grouping labels must ensure unique matches")
                out[metric] = result
        return out


class LabelReplace:
    def __init__(self, inner, target, template, source, regex):
        self.inner, self.target, self.template, self.source, self.regex = inner, target, template, source, regex

    def at(self, entries, t):
        out = {}
        for labels, value in self.inner.at(entries, t).items():
            metric = dict(labels)
            match = re.fullmatch(self.regex, metric.get(self.source, ""), re.ASCII)
            if match:
                text = re.sub(r"\$(\d)", lambda m: match.group(int(m.group(1))) or "", self.template)
                metric.pop(self.target, None)
                metric[self.target] = text
                metric = dict(without_empty(metric.items()))
            if frozenset(metric.items()) in out:
                raise Unsaid  # one series with two points at a time
            out[frozenset(metric.items())] = value
        return out


def range_query(expr, entries, start, end, step):
    """{label items: [(t in ms, value)]}; the bounds come aligned to the step."""
    start, end = start // step * step, -(-end // step) * step
    series = {}
    for t in range(start, end + 1, step):
        for labels, value in expr.at(entries, t).items():
            series.setdefault(labels, []).append((t // 10**6, value))
    if len(series) > 500:
        raise QueryError("maximum number of series (500) reached for a single query")
    return series
