"""Random data and random queries; a query is a pair: its text, and what reference.py evaluates. All from one seed."""
import json
import random

import reference as ref

T0 = 1709805600 * 10**9
SPAN = 7200 * 10**9
SECOND = 10**9
LEVELS = ["info", "warn", "error", "debug"]
WORDS = ["GET", "/api/v1", "timeout", "disk", "ok", "Error", "user", "x=1", "<b>", "é", "10.0.0.7", "αβ", "a,b", "{}", "100%"]
NAMES = ["level", "status", "user", "dur", "size", "v", "msg", "a_b", "app", "env", "trace_id", "level_extracted", "app_extracted", "nosuch"]
VALUES = ["info", "warn", "error", "200", "500", "ann", "bob", "", "prod", "x"]
REGEXES = [".*o.*", "info|warn", "[a-z]+", "2..", "", ".+", "(a|b).*", "(?i)ERROR", "[^0-9]*"]
LINE_REGEXES = ["err", "level=(info|warn)", "[0-9]{3}", "(?i)ERROR", "^\\{", "ms", "a.*b", "user", "x$", ".+"]
DURATIONS = ["1ms", "15ms", "250us", "1.5s", "2m", "1h", "90", "1d", "x", "-5s", "0", "3µs"]
SIZES = ["10", "1KB", "2KiB", "1.5MB", "2 GB", "x", "1,000 KB", "12kb", "3 XB"]
NUMBERS = ["1", "2.5", "-3", "1e3", ".5", "NaN", "+Inf", "x", "1_000", "0x1F", "7", "1024", ""]


class Maker(random.Random):
    # ---- data ----

    def pairs(self):
        values = {"level": self.choice(LEVELS), "status": str(self.choice([200, 200, 404, 500])), "user": self.choice(["ann", "bob", "", "eve é"]),
                  "dur": self.choice(DURATIONS), "size": self.choice(SIZES), "v": self.choice(NUMBERS), "msg": " ".join(self.choices(WORDS, k=3)),
                  "app": "inner", "1st": "digit", "a.b": "dotted", "trace-id": "t9"}
        return [(name, values[name]) for name in self.sample(sorted(values), self.randrange(2, 8))]

    def json_line(self):
        members = []
        for name, value in self.pairs():
            kind = self.randrange(10)
            text = json.dumps(value, ensure_ascii=self.random() < 0.5)
            if kind == 0:
                text = self.choice(["1e3", "1.50", "12345678901234567890", "-7", "true", "false", "null", "[1,\"a\"]", "[]"])
            elif kind == 1:
                text = json.dumps({"b": value, " c ": {"d": 1, "": "blank"}, "b": "again"})
            members.append(json.dumps(name) + self.choice([":", ": ", " : "]) + text)
        if self.random() < 0.2:
            members.append(members[0].split(":")[0] + ":\"twice\"")
        body = self.choice(["{", "{ "]) + self.choice([",", ", "]).join(members) + self.choice(["}", " }"])
        return self.choice(["", "", "", " "]) + body

    def logfmt_line(self, clean):
        parts = []
        for name, value in self.pairs():
            plain = value and all(c > " " and c not in '="' for c in value)
            parts.append(f"{name}={value}" if plain else f"{name}={json.dumps(value, ensure_ascii=False)}")
            if not clean and self.random() < 0.1:
                parts.append(self.choice(["bare", "k==v", "k=a=b", "=v", 'k=v"x', "k=", "\t", 'k="\\x"', '"k"=1']))
        return self.choice([" ", "  "]).join(parts)

    def access_line(self):
        ip = self.choice(["10.0.0.7", "192.168.4.2", "1.2.3.4.5", "::1", "2001:db8::7", "999.1.1.1"])
        return f'{ip} - {self.choice(["ann", "bob", "-"])} [{self.randrange(60)}] "GET /{self.choice(["a", "b?x=1", ""])}" {self.choice([200, 404, 500])} {self.randrange(9000)}'

    def packed_line(self):
        if self.random() < 0.2:
            return self.choice(["plain", "", "[1]", '{"a":"b"}', '{"a":1,"_entry":"e"}'])
        return json.dumps({"level": self.choice(LEVELS), "app": "packed", "n": 5, "_entry": self.logfmt_line(True)})

    def colour_line(self):
        return "".join(self.choice(["\x1b[31m", "\x1b[0m", "\x1b[1;32m", "red ", "green ", "\x1b]0;t\x07", "\x9b1m", "level=info "]) for _ in range(6))

    def line(self, app):
        if app == "mixed":
            app = self.choice(["json", "logfmt", "access", "text"])
        if app == "json":
            return self.json_line()
        if app in ("logfmt", "clean"):
            return self.logfmt_line(app == "clean")
        if app == "access":
            return self.access_line()
        if app == "packed":
            return self.packed_line()
        if app == "tty":
            return self.colour_line()
        return " ".join(self.choices(WORDS, k=self.randrange(1, 6)))

    def data(self, per_stream):
        """Entries (ts, line, stream, metadata) in order of time inside each stream; times are unique but for some twins in one stream."""
        entries = []
        for app in ["json", "logfmt", "clean", "mixed", "access", "packed", "tty"]:
            for env in ["prod", "dev"]:
                stream = {"app": app, "env": env}
                if env == "prod":
                    stream["host"] = "h1"
                number = len(entries)
                times = sorted(self.sample(range(SPAN // 10**6), per_stream))
                for ms in times:
                    metadata = {}
                    if self.random() < 0.4:
                        metadata = {name: self.choice(["m1", "m2"]) for name in self.sample(["trace_id", "user", "app", "level"], 2)}
                    number += 1
                    entries.append((T0 + ms * 10**6 + number, self.line(app), stream, metadata))
                    if self.random() < 0.03:
                        entries.append((entries[-1][0], self.line(app) + " twin", stream, metadata))
        return entries

    # ---- queries ----

    def quoted(self, text):
        if "`" not in text and "\n" not in text and self.random() < 0.3:
            return "`" + text + "`"
        return json.dumps(text, ensure_ascii=False)

    def selector(self):
        choices = [("app", "=", self.choice(["json", "logfmt", "clean", "mixed", "access", "packed", "tty"])), ("app", "=~", self.choice(["json|clean", ".*t.*", ".+"])),
                   ("env", "=", "prod"), ("host", "=", "h1"), ("app", "!=", "")]
        more = [("host", "=", ""), ("host", "!=", "h1"), ("env", "!~", "d.*"), ("nosuch", "=", ""), ("host", "=~", "|h1"), ("env", "=~", ".*")]
        matchers = [self.choice(choices)] + self.sample(more, self.choice([0, 0, 0, 1]))
        return "{" + ", ".join(f"{n}{op}{self.quoted(v)}" for n, op, v in matchers) + "}", matchers

    def line_filter(self):
        op = self.choice(["|=", "|=", "!=", "|~", "!~", "|>", "!>"])
        count = self.choice([1, 1, 1, 2, 3])
        if op in ("|=", "!="):
            texts = [self.choice(WORDS + LEVELS + ["level=", "="]) for _ in range(count)]
        elif op in ("|~", "!~"):
            texts = [self.choice(LINE_REGEXES) for _ in range(count)]
        else:
            texts = [self.choice(["<_>level<_>", "<_>GET<_>200<_>", "level=<_>", "<_>ok", "<_>", "{<_>}", "<_> - <_>"]) for _ in range(count)]
        return f"{op} " + " or ".join(self.quoted(t) for t in texts), ref.LineFilter(op, texts)

    def value_test(self):
        kind = self.randrange(3)
        op = self.choice(["=", "==", "!=", ">", ">=", "<", "<="])
        name = self.choice(["v", "status", "dur", "size", "level", "nosuch"])
        if kind == 0:
            text = self.choice(["1", "200", "2.5", "1e3", "-3", "0"])
            return f"{name} {op} {text}", ref.ValueTest(name, op, ref.go_float, float(text))
        if kind == 1:
            text, ns = self.choice([("15ms", 15 * 10**6), ("1h", 3600 * SECOND), ("1.5s", 1500 * 10**6), ("1d", 86400 * SECOND), ("250us", 250000)])
            return f"{name} {op} {text}", ref.ValueTest(name, op, ref.go_duration, ns)
        text, size = self.choice([("1KB", 1000), ("2KiB", 2048), ("1.5MB", 1500000), ("10B", 10)])
        return f"{name} {op} {text}", ref.ValueTest(name, op, ref.humanize_bytes, size)

    def string_test(self):
        op = self.choice(["=", "!=", "=~", "!~"])
        name, text = self.choice(NAMES), self.choice(REGEXES if "~" in op else VALUES)
        return f"{name}{op}{self.quoted(text)}", ref.StringTest(name, op, text)

    def label_test(self, depth=2):
        kind = self.randrange(6 if depth else 4)
        if kind < 2:
            return self.string_test()
        if kind < 4:
            return self.value_test()
        (a, left), (b, right) = self.label_test(depth - 1), self.label_test(depth - 1)
        if kind == 4:
            return f"({a} or {b})", ref.Either(left, right)
        return f"({a}{self.choice([' and ', ', ', ' '])}{b})", ref.Both(left, right)

    def template(self):
        """A text and what it makes of labels and a line."""
        parts = []
        for _ in range(self.randrange(1, 4)):
            n = self.choice(NAMES)
            parts.append(self.choice([
                ("{{.%s}}" % n, lambda l, _, n=n: l.get(n, "")),
                ("{{ .%s | ToUpper }}" % n, lambda l, _, n=n: l.get(n, "").upper()),
                ("{{ __line__ }}", lambda _, line: line),
                ("{{ __line__ | trunc 5 | len }}", lambda _, line: str(len(line.encode()[:5]))),
                ("{{ if .%s }}yes{{ else }}no{{ end }}" % n, lambda l, _, n=n: "yes" if l.get(n) else "no"),
                ("{{ if eq .%s \"info\" \"error\" }}1{{ end }}" % n, lambda l, _, n=n: "1" if l.get(n, "") in ("info", "error") else ""),
                ("{{ printf \"%%-6s|%%q\" .%s .%s }}" % (n, "level"), lambda l, _, n=n: l.get(n, "").ljust(6) + "|" + ref.go_quoted(l.get("level", ""))),
                ("{{ default \"none\" .%s }}" % n, lambda l, _, n=n: l.get(n) or "none"),
                ("{{ .%s | replace \"o\" \"0\" }}" % n, lambda l, _, n=n: l.get(n, "").replace("o", "0")),
                ("{{ .%s | len | add 3 | mul 2 }}" % n, lambda l, _, n=n: str((len(l.get(n, "").encode()) + 3) * 2)),
                ("{{ alignRight 6 .%s }}" % n, lambda l, _, n=n: l.get(n, "")[-6:].rjust(6)),
                ("{{ .%s | b64enc | b64dec }}" % n, lambda l, _, n=n: l.get(n, "")),
                ("{{ contains \"o\" .%s }}" % n, lambda l, _, n=n: "true" if "o" in l.get(n, "") else "false"),
                (" text ", lambda *_: " text "),
            ]))
        return "".join(p[0] for p in parts), lambda labels, line: "".join(p[1](labels, line) for p in parts)

    def stage(self):
        kind = self.choice(["line", "line", "json", "json", "logfmt", "logfmt", "paths", "keys", "regexp", "pattern", "unpack", "filter", "filter", "filter",
                            "line_format", "label_format", "decolorize", "drop", "keep"])
        if kind == "line":
            return self.line_filter()
        if kind == "json":
            return "| json", ref.Json()
        if kind == "paths":
            choices = [("p1", "level", ["level"]), ("p2", "msg.b", ["msg", "b"]), ("user", "user", ["user"]), ("app", "[\"a.b\"]", ["a.b"]), ("p3", "msg[1]", ["msg", 1]),
                       ("status", "status", ["status"])]
            items = self.sample(choices, self.randrange(1, 4))
            return "| json " + ", ".join(f"{n}={json.dumps(p)}" for n, p, _ in items), ref.JsonPaths([(n, path) for n, _, path in items])
        if kind == "logfmt":
            strict, keep = self.random() < 0.3, self.random() < 0.3
            return "| logfmt" + (" --strict" if strict else "") + (" --keep-empty" if keep else ""), ref.Logfmt(strict, keep)
        if kind == "keys":
            items = self.sample([("lv", "level"), ("user", "user"), ("app", "app"), ("d", "a_b"), ("m", "msg")], self.randrange(1, 4))
            return "| logfmt " + ", ".join(f'{n}="{k}"' for n, k in items), ref.Logfmt(extractions=items)
        if kind == "regexp":
            text = self.choice([r"(?P<ip>[0-9.]+) - (?P<user>\S+)", r"level=(?P<level>\w+)( status=(?P<status>\d+))?", r"(?P<first>[a-z]+)", r"(?P<a>x)|(?P<b>l)"])
            return "| regexp " + self.quoted(text), ref.Regexp(text)
        if kind == "pattern":
            parts = self.choice([[("ip",), " - ", ("user",), " ["], ["{", ("inside",), "}"], [("_",), "level=", ("level",), " ", ("rest",)], [("all",)], [("a",), " ", ("_",), " ", ("b",)]])
            return "| pattern " + self.quoted("".join(p if isinstance(p, str) else f"<{p[0]}>" for p in parts)), ref.Pattern(parts)
        if kind == "unpack":
            return "| unpack", ref.Unpack()
        if kind == "filter":
            text, test = self.choice([self.label_test, self.label_test, lambda: ('__error__=""', ref.StringTest("__error__", "=", ""))])()
            return "| " + text, test
        if kind == "line_format":
            text, make = self.template()
            return "| line_format " + self.quoted(text), ref.LineFormat(make)
        if kind == "label_format":
            parts, texts = [], []
            for target in self.sample(["n1", "level", "app", "user"], self.randrange(1, 4)):
                if self.random() < 0.5:
                    source = self.choice(NAMES)
                    parts.append((target, source))
                    texts.append(f"{target}={source}")
                else:
                    text, make = self.template()
                    parts.append((target, make))
                    texts.append(f"{target}={self.quoted(text)}")
            return "| label_format " + ", ".join(texts), ref.LabelFormat(parts)
        if kind == "decolorize":
            return "| decolorize", ref.Decolorize()
        items = []
        # Metadata that is gone is no more in the way of a parser; it is left alone here.
        for name in self.sample(["status", "dur", "env", "app", "host", "v", "msg"], self.randrange(1, 4)):
            items.append((name, None if self.random() < 0.6 else (self.choice(["=", "!="]), self.choice(VALUES))))
        if kind == "drop":
            return "| drop " + ", ".join(n + (t[0] + self.quoted(t[1]) if t else "") for n, t in items), ref.Drop(items)
        items += [("trace_id", None), ("user", None), ("level", None), ("user_extracted", None), ("app_extracted", None)]
        return "| keep " + ", ".join(n + (t[0] + self.quoted(t[1]) if t else "") for n, t in items), ref.Keep(items)

    def stages(self, most=4):
        chosen = []
        for _ in range(self.randrange(most + 1)):
            text, stage = self.stage()
            # `drop a != "x"` is one matcher: no line filter of that operator may follow a bare name.
            if chosen and isinstance(stage, ref.LineFilter) and stage.op in ("!=", "!~") and isinstance(chosen[-1][1], (ref.Drop, ref.Keep)):
                continue
            chosen.append((text, stage))
        return "".join(" " + t for t, _ in chosen), [s for _, s in chosen]

    def log(self):
        (selector, matchers), (text, stages) = self.selector(), self.stages(5)
        return selector + text, matchers, stages

    def grouping(self):
        kind = self.choice(["by", "by", "without"])
        names = self.sample(NAMES, self.randrange(0, 3))
        if kind == "without" and not names:
            return "", None
        return f" {kind} ({', '.join(names)})", (kind, names)

    def offset(self):
        return self.choice([("", 0), ("", 0), (" offset 7m", 420 * SECOND), (" offset -3m", -180 * SECOND), (" offset 1.5h", 5400 * SECOND)])

    def range(self):
        (selector, matchers), (text, stages) = self.selector(), self.stages(3)
        range_text, range_ns = self.choice([("5m", 300), ("30s", 30), ("1h", 3600), ("13m", 780), ("2h30m", 9000)])
        offset_text, offset_ns = self.offset()
        if self.random() < 0.5:
            op = self.choice(["count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time"])
            query = f"{op}({selector}{text}[{range_text}]{offset_text})"
            return query, ref.Range(op, matchers, stages, range_ns * SECOND, offset_ns)
        op = self.choice(["sum", "avg", "min", "max", "first", "last", "stddev", "stdvar", "quantile", "rate", "rate_counter"])
        op += "" if op.startswith("rate") else "_over_time"
        label, conversion, read = self.choice([("v", None, ref.go_float), ("status", None, ref.go_float), ("size", "bytes", lambda t: float(ref.humanize_bytes(t))),
                                               ("dur", "duration", lambda t: ref.go_duration(t) / 1e9), ("dur", "duration_seconds", lambda t: ref.go_duration(t) / 1e9)])
        parser, parsed = self.choice([(" | logfmt", ref.Logfmt()), (" | json", ref.Json())])
        unwrap = f" | unwrap {conversion}({label})" if conversion else f" | unwrap {label}"
        after = []
        if self.random() < 0.8:
            unwrap, after = unwrap + ' | __error__=""', [ref.StringTest("__error__", "=", "")]
        grouping_text, grouping = "", None
        if op.split("_")[0] in ("avg", "min", "max", "first", "last", "stddev", "stdvar", "quantile") and self.random() < 0.6:
            grouping_text, grouping = self.grouping()
        parameter = self.choice([0, 0.5, 0.9, 0.99, 1]) if op.startswith("quantile") else None
        given = f"{parameter}, " if parameter is not None else ""
        query = f"{op}({given}{selector}{text}{parser}{unwrap}[{range_text}]{offset_text}){grouping_text}"
        return query, ref.Range(op, matchers, stages + [parsed], range_ns * SECOND, offset_ns, (label, read), after, grouping, parameter)

    def vector(self, depth):
        kind = self.randrange(10) if depth else 0
        if kind < 3:
            return self.range()
        if kind < 7:
            op = self.choice(["sum", "sum", "avg", "min", "max", "count", "stddev", "stdvar"])
            text, inner = self.vector(depth - 1)
            grouping_text, grouping = self.grouping() if self.random() < 0.7 else ("", None)
            return f"{op}{grouping_text}({text})", ref.Aggregate(op, inner, grouping)
        if kind == 7:
            text, inner = self.vector(depth - 1)
            return (f'label_replace({text}, "env", "$1-x", "app", "(.)o?.*")', ref.LabelReplace(inner, "env", "$1-x", "app", "(.)o?.*"))
        return self.binary(depth - 1)

    def binary(self, depth):
        a, left = self.vector(depth)
        if self.random() < 0.4:
            op = self.choice(["+", "-", "*", "/", "%", "^", "==", "!=", ">", ">=", "<", "<="])
            is_bool = op in ref.COMPARE and self.random() < 0.4
            number = self.choice([0, 1, 2.5, 100, -3])
            word = " bool" if is_bool else ""
            if self.random() < 0.5:
                return f"({a} {op}{word} {number})", ref.Binary(op, left, ref.Scalar(number), is_bool)
            return f"({number} {op}{word} {a})", ref.Binary(op, ref.Scalar(number), left, is_bool)
        b, right = self.vector(depth)
        op = self.choice(["+", "-", "*", "/", ">", "<=", "and", "or", "unless"])
        is_bool = op in (">", "<=") and self.random() < 0.4
        matching, group, include, text = None, None, (), ""
        if self.random() < 0.6:
            matching = (self.choice(["on", "ignoring"]), self.sample(["app", "env", "level", "host"], self.randrange(0, 3)))
            text = f" {matching[0]} ({', '.join(matching[1])})"
            if op not in ("and", "or", "unless") and self.random() < 0.5:
                group = self.choice(["group_left", "group_right"])
                include = self.sample(["host", "env"], self.randrange(0, 2))
                text += f" {group} ({', '.join(include)})"
        return f"({a} {op}{' bool' if is_bool else ''}{text} {b})", ref.Binary(op, left, right, is_bool, matching, group, include)
