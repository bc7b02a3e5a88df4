"""The requests of loki-canary, but for its WebSocket: one line a push, spot checks, and the metric test.

What loki-canary does, read in its writer and reader: it pushes one protobuf entry at a time (User-Agent loki-canary/<version>, the stream's
hash set), of the form "<ns> <padding>"; asks query_range for exactly that nanosecond and a second around it; and wants count_over_time of its
stream as a vector of one sample.
"""
import time
import urllib.parse

from harness import go_decode
from harness.client import ask
from harness.push_request import push_request

SELECTOR = '{stream="stdout",name="loki-canary"}'
COUNT = 60


def headers(tenant="canary", **more):
    return {"User-Agent": "loki-canary/3.6.0", "X-Scope-OrgID": tenant, **more}


def push(node, at_ns):
    line = f"{at_ns} " + "p" * (100 - len(str(at_ns)) - 1)
    body = push_request([('{name="loki-canary", stream="stdout"}', [(at_ns, line)], 0x9E3779B97F4A7C15)])
    assert ask(node.url + "/loki/api/v1/push", body, 204, headers={**headers(), "Content-Type": "application/x-protobuf"}) == b""


def each_line_is_found_as_soon_as_its_push_is_answered(node):
    node.sent = []
    for _ in range(COUNT):
        at = time.time_ns()
        push(node, at)
        node.sent.append(at)
        assert spot_check(node, at, at + 1) == [at], at


def spot_check(node, start, end, append=""):
    """Reader.Query: the times that the lines themselves tell."""
    query = urllib.parse.quote_plus(f"{SELECTOR} {append}")
    text = ask(f"{node.url}/loki/api/v1/query_range?start={start}&end={end}&query={query}&limit=1000", headers=headers())
    found = []
    for stream in go_decode.query_response(text, "streams"):
        for value in stream["values"]:
            at, padding = value[1].split(" ")
            assert padding.strip("p") == "" and at == value[0], value
            found.append(int(at))
    return found


def spot_checks_find_every_line(node):
    assert sorted(spot_check(node, node.sent[0] - 10**9, node.sent[-1] + 10**9)) == node.sent
    assert sorted(spot_check(node, node.sent[0], node.sent[-1])) == node.sent[:-1], "the end is exclusive"
    assert sorted(spot_check(node, node.sent[0], node.sent[-1] + 1, '|= "p" | line_format "{{__line__}}"')) == node.sent


def lines_out_of_order_are_found(node):
    at = time.time_ns() - 45 * 10**9
    push(node, at)
    assert spot_check(node, at, at + 1) == [at]
    node.sent.insert(0, at)


def the_metric_test_counts_every_line(node):
    for cache in ("no-cache", None):
        query = urllib.parse.quote_plus(f"count_over_time({SELECTOR}[24h])")
        more = {"Cache-Control": cache} if cache else {}
        text = ask(f"{node.url}/loki/api/v1/query?query={query}&time={time.time_ns()}&limit=1000", headers=headers(**more))
        result = go_decode.query_response(text, "vector")
        assert len(result) == 1 and result[0]["value"][1] == str(len(node.sent)), result


def a_flush_and_a_restart_hide_nothing(node):
    ask(node.url + "/flush", b"", 204)
    spot_checks_find_every_line(node)
    assert node.stop() == 0
    node.start()
    spot_checks_find_every_line(node)
    the_metric_test_counts_every_line(node)


TESTS = [each_line_is_found_as_soon_as_its_push_is_answered, spot_checks_find_every_line, lines_out_of_order_are_found,
         the_metric_test_counts_every_line, a_flush_and_a_restart_hide_nothing]


def run(binary, results, Node):
    with Node(binary) as node:
        if not results.run("canary's requests: the node starts", node.start):
            return
        for test in TESTS:
            results.run("canary's requests: " + test.__name__.replace("_", " "), test, node)
