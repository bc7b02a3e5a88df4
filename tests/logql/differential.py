#!/usr/bin/env python3
"""Random queries over random data: what three nodes answer equals what the naive evaluator (reference.py) says.

The nodes hold the same entries: one shard with all in memory, three shards with half flushed to segments, two shards with all flushed. So it also holds
that answers do not depend on shards, nor on where entries lie. Besides: a backward answer is the forward one reversed, and what format_query prints
means the same and prints the same.

    tests/logql/differential.py build/release/logi [--seed N] [--queries N] [--only INDEX]

The last line is "N passed, N failed". A failure tells its seed and index; --seed and --only repeat it. LOGI_LONG=1: many more queries.
"""
import argparse
import http.client
import json
import math
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import random_query  # noqa: E402
import reference as ref  # noqa: E402
from harness.node import Node  # noqa: E402
from random_query import SECOND, SPAN, T0  # noqa: E402

CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance/logql.yaml")
TIE_OPS = ("topk", "bottomk")


class Client:
    def __init__(self, node):
        self.http = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)

    def call(self, method, path, params=None, body=None, kind="application/json"):
        if params is not None:
            body, kind = urllib.parse.urlencode(params), "application/x-www-form-urlencoded"
        self.http.request(method, path, body=body, headers={"Content-Type": kind})
        reply = self.http.getresponse()
        return reply.status, reply.read().decode()

    def push(self, entries):
        streams = {}
        for ts, line, stream, metadata in entries:
            streams.setdefault(json.dumps(stream, sort_keys=True), []).append([str(ts), line, metadata])
        body = json.dumps({"streams": [{"stream": json.loads(s), "values": v} for s, v in streams.items()]})
        status, text = self.call("POST", "/loki/api/v1/push", body=body)
        assert status == 204, text

    def flush(self):
        status, text = self.call("POST", "/flush", body="")
        assert status == 204, text


def nodes_start(binary, entries):
    nodes = [Node(binary, config=CONFIG, flags=["--shards", str(n)]).start() for n in (1, 3, 2)]
    clients = [Client(node) for node in nodes]
    half = sorted(entries, key=lambda e: e[0])[len(entries) // 2][0]
    clients[0].push(entries)
    clients[1].push([e for e in entries if e[0] < half])
    clients[1].flush()
    clients[1].push([e for e in entries if e[0] >= half])
    clients[2].push(entries)
    clients[2].flush()
    return nodes, clients


# ---- answers ----

def close(a, b):
    if math.isnan(a) or math.isnan(b) or math.isinf(a) or math.isinf(b):
        return a == b or (math.isnan(a) and math.isnan(b))
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-9)


def streams_of(data):
    return {frozenset(s["stream"].items()): [(int(t), line) for t, line in s["values"]] for s in data["result"]}


def series_of(data):
    key = "values" if data["resultType"] == "matrix" else "value"
    out = {}
    for one in data["result"]:
        points = one[key] if key == "values" else [one[key]]
        labels = frozenset(one["metric"].items())
        assert labels not in out, f"series twice: {one['metric']}"
        out[labels] = [(round(float(t) * 1000), float(v)) for t, v in points]
    return out


def differ_streams(got, want):
    for labels in set(got) | set(want):
        if got.get(labels) != want.get(labels):
            return f"stream {dict(labels)}:\n  got  {got.get(labels)}\n  want {want.get(labels)}"
    return None


def differ_series(got, want):
    for labels in set(got) | set(want):
        a, b = got.get(labels), want.get(labels)
        same = a is not None and b is not None and len(a) == len(b) and all(x[0] == y[0] and close(x[1], y[1]) for x, y in zip(a, b))
        if not same:
            return f"series {dict(labels)}:\n  got  {a}\n  want {b}"
    return None


# ---- checks ----

def check_log(maker, clients, entries):
    query, matchers, stages = maker.log()
    start = T0 + maker.choice([0, SPAN // 3])
    end = start + maker.choice([SPAN, SPAN // 2])
    times = sorted(r.ts for r in ref.rows_of(entries, matchers, stages, start, end))
    limit = maker.choice([5000, 5000, 1, 10, 40])
    for backward in (False, True):
        ordered, most = (times[::-1] if backward else times), limit
        while 0 < most < len(ordered) and ordered[most - 1] == ordered[most]:
            most += 1  # which of several streams' entries of one time come in is not said
        want = ref.log_query(entries, matchers, stages, start, end, most, backward)
        for text in (query, formatted(clients[0], query)):
            params = {"query": text, "start": start, "end": end, "limit": most, "direction": "backward" if backward else "forward"}
            for number, client in enumerate(clients):
                status, body = client.call("POST", "/loki/api/v1/query_range", params)
                if status != 200:
                    return f"{query}\n  node {number}: {status} {body[:300]}"
                difference = differ_streams(streams_of(json.loads(body)["data"]), want)
                if difference:
                    return f"{query}\n  node {number}, {params['direction']}, limit {most}: {difference}"
    return None


def is_pushed_down(expr):
    """Whether the parsers of a range in it may stop early: then errors behind what is asked for are not seen."""
    if isinstance(expr, ref.Aggregate):
        inner = expr.inner
        direct = isinstance(inner, ref.Range) and expr.op == "sum" and inner.grouping is None
        return direct or is_pushed_down(inner)
    if isinstance(expr, ref.Range):
        return expr.grouping is not None or expr.op == "absent_over_time"
    if isinstance(expr, ref.LabelReplace):
        return is_pushed_down(expr.inner)
    return isinstance(expr, ref.Binary) and (is_pushed_down(expr.left) or is_pushed_down(expr.right))


def check_metric(maker, clients, entries):
    query, expr = maker.vector(maker.choice([0, 1, 1, 2]))
    if maker.random() < 0.3:
        path, t = "/loki/api/v1/query", T0 + maker.randrange(SPAN // SECOND) * SECOND
        params, bounds = {"time": t}, (t, t, SECOND)
    else:
        path = "/loki/api/v1/query_range"
        bounds = (T0 + maker.randrange(3600) * SECOND, T0 + SPAN + maker.randrange(600) * SECOND, maker.choice([60, 300, 777]) * SECOND)
        params = {"start": bounds[0], "end": bounds[1], "step": bounds[2] // SECOND}
    try:
        want, error = ref.range_query(expr, entries, *bounds), None
    except ref.QueryError as raised:
        want, error = None, str(raised)
    for text in (query, formatted(clients[0], query)):
        for number, client in enumerate(clients):
            status, body = client.call("POST", path, {"query": text, **params})
            if error is not None:
                # Either error is fine where there are two; and where parsers may stop early none need be seen.
                if status == 400 or is_pushed_down(expr):
                    continue
                return f"{query}\n  {params}\n  node {number}: no error, want {error}"
            if status != 200:
                return f"{query}\n  {params}\n  node {number}: {status} {body[:300]}"
            difference = differ_series(series_of(json.loads(body)["data"]), want)
            if difference:
                return f"{query}\n  {params}\n  node {number}: {difference}"
    return None


def formatted(client, query):
    """What format_query makes of it, which must stand as it is when it is formatted again."""
    status, body = client.call("POST", "/loki/api/v1/format_query", {"query": query})
    assert status == 200, f"{query}: {body}"
    text = json.loads(body)["data"]
    status, body = client.call("POST", "/loki/api/v1/format_query", {"query": text})
    assert status == 200 and json.loads(body)["data"] == text, f"{query}: formatted twice it differs: {body}"
    return text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big") if os.environ.get("LOGI_LONG") == "1" else 1)
    parser.add_argument("--queries", type=int, default=20000 if os.environ.get("LOGI_LONG") == "1" else 800)
    parser.add_argument("--only", type=int)
    args = parser.parse_args()
    entries = random_query.Maker(args.seed).data(24)
    nodes, clients = nodes_start(os.path.abspath(args.binary), entries)
    passed = failed = 0
    try:
        for index in range(args.queries) if args.only is None else [args.only]:
            maker = random_query.Maker(args.seed * 1000003 + index)
            try:
                difference = (check_log if index % 2 else check_metric)(maker, clients, entries)
            except ref.Unsaid:
                difference = None
            except AssertionError as error:
                difference = str(error)
            passed, failed = (passed, failed + 1) if difference else (passed + 1, failed)
            if difference and failed <= 20:
                print(f"FAIL --seed {args.seed} --only {index}: {difference}", flush=True)
    finally:
        for node in nodes:
            node.close()
    print(f"seed {args.seed}: {args.queries} queries over {len(entries)} entries")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
