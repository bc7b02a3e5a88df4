"""curl, as people and scripts use it: long bodies with Expect, chunked uploads, gzip, forms, old and new versions of HTTP."""
import gzip
import json
import os
import tempfile
import time

from harness.client import call

COUNT = 20000


def curl(node, *arguments, status=200):
    text = call(["curl", "-sS", "-w", "\n%{http_code} %{http_version}", *arguments[:-1], node.url + arguments[-1]])
    body, _, last = text.rpartition("\n")
    assert last.split()[0] == str(status), text[-1000:]
    return body


def push(node, app, *arguments):
    now = time.time_ns()
    lines = [[str(now + i), f"line {i} " + "y" * 200] for i in range(COUNT)]
    body = json.dumps({"streams": [{"stream": {"app": app}, "values": lines}]}).encode()
    with tempfile.NamedTemporaryFile(dir=node.folder, delete=False) as file:
        file.write(gzip.compress(body) if "Content-Encoding: gzip" in arguments else body)
    curl(node, "-H", "Content-Type: application/json", *[file.name if one == "FILE" else one.replace("@FILE", "@" + file.name) for one in arguments],
         "/loki/api/v1/push", status=204)
    answer = json.loads(curl(node, "--data-urlencode", f'query=sum(count_over_time({{app="{app}"}}[1h]))', "/loki/api/v1/query"))
    assert answer["data"]["result"][0]["value"][1] == str(COUNT), answer


def a_long_body_waits_for_100_continue(node):
    push(node, "expect", "--data-binary", "@FILE")


def a_chunked_upload_is_taken(node):
    push(node, "chunked", "-X", "POST", "-H", "Transfer-Encoding: chunked", "-T", "FILE")


def a_gzipped_body_is_taken(node):
    push(node, "gzip", "-H", "Content-Encoding: gzip", "--data-binary", "@FILE")


def http_1_0_is_taken(node):
    push(node, "http10", "--http1.0", "--data-binary", "@FILE")


def an_offer_of_http_2_is_left_alone(node):
    push(node, "http2", "--http2", "--data-binary", "@FILE")
    assert curl(node, "--http2", "/ready") == "ready\n"


def queries_go_in_the_url_and_in_forms(node):
    for get in ([], ["-G"]):
        text = curl(node, *get, "--data-urlencode", 'query={app="expect"} |= "line 7 "', "--data-urlencode", "since=1h", "--compressed", "/loki/api/v1/query_range")
        assert [value[1][:7] for one in json.loads(text)["data"]["result"] for value in one["values"]] == ["line 7 "], text[:500]
    assert json.loads(curl(node, "-g", "/loki/api/v1/query_range?query={app=%22none%22}&limit=1"))["data"]["result"] == []


def several_requests_share_a_connection(node):
    told = call(["curl", "-sS", "-o", os.devnull, "-o", os.devnull, "-o", os.devnull, "-w", "%{num_connects} ", *[node.url + "/ready"] * 3])
    assert told.split() == ["1", "0", "0"], told
    told = call(["curl", "-sS", "--http2", "-o", os.devnull, "-o", os.devnull, "-w", "%{num_connects} ", *[node.url + "/ready"] * 2])
    assert told.split() == ["1", "0"], "after an offer of HTTP/2: " + told


TESTS = [a_long_body_waits_for_100_continue, a_chunked_upload_is_taken, a_gzipped_body_is_taken, http_1_0_is_taken, an_offer_of_http_2_is_left_alone,
         queries_go_in_the_url_and_in_forms, several_requests_share_a_connection]


def run(binary, results, Node):
    with tempfile.TemporaryDirectory() as folder, Node(binary) as node:
        node.folder = folder
        if not results.run("curl: the node starts", node.start):
            return
        for test in TESTS:
            results.run("curl: " + test.__name__.replace("_", " "), test, node)
