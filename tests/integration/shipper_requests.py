"""The requests of shippers that no registry has: Fluent Bit's and Vector's own outputs for Loki, Fluentd's plugin, and what a table below lists.

What they do, from their documentation and sources: Fluent Bit posts JSON, packed by gzip if asked, metadata as the third of a value; Vector
asks /ready first and posts protobuf in snappy with Content-Encoding: snappy by default, else JSON; Fluentd posts JSON and is content with 204
alone.
"""
import gzip
import json
import time

from harness.client import ask, entries
from harness.push_request import push_request

PATH = "/loki/api/v1/push"


def body(job, now, metadata=True):
    values = [[str(now + i), f'{{"log":"line {i}","stream":"stderr"}}'] + ([{"pod_uid": f"u{i}"}] if metadata else []) for i in range(200)]
    return json.dumps({"streams": [{"stream": {"job": job, "host": "h1"}, "values": values}]}).encode()


def all_there(node, job, metadata=True):
    found = entries(node, "shippers", f'{{job="{job}"}}')
    assert [line for _, _, line, _ in found] == [f'{{"log":"line {i}","stream":"stderr"}}' for i in range(200)], found[:3]
    assert not metadata or [extra["pod_uid"] for _, _, _, extra in found] == [f"u{i}" for i in range(200)], found[:3]


def fluent_bit_posts_json_and_gzip(node):
    now = time.time_ns()
    headers = {"User-Agent": "Fluent-Bit", "Content-Type": "application/json", "X-Scope-OrgID": "shippers"}
    ask(node.url + PATH, body("fluent-bit", now), 204, headers=headers)
    all_there(node, "fluent-bit")
    ask(node.url + PATH, gzip.compress(body("fluent-bit-gzip", now)), 204, headers={**headers, "Content-Encoding": "gzip"})
    all_there(node, "fluent-bit-gzip")


def vector_asks_ready_and_posts_snappy_with_its_name(node):
    headers = {"User-Agent": "Vector/0.50.0 (x86_64-unknown-linux-gnu)", "X-Scope-OrgID": "shippers"}
    assert ask(node.url + "/ready", headers=headers) == b"ready\n"
    now = time.time_ns()
    lines = [(now + i, f'{{"log":"line {i}","stream":"stderr"}}', {"pod_uid": f"u{i}"}) for i in range(200)]
    packed = {**headers, "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    ask(node.url + PATH, push_request([('{host="h1",job="vector"}', lines)]), 204, headers=packed)
    all_there(node, "vector")
    ask(node.url + PATH, gzip.compress(body("vector-gzip", now)), 204, headers={**headers, "Content-Type": "application/json", "Content-Encoding": "gzip"})
    all_there(node, "vector-gzip")


def fluentd_posts_json(node):
    headers = {"User-Agent": "Ruby", "Accept": "*/*", "Content-Type": "application/json", "X-Scope-OrgID": "shippers"}
    ask(node.url + PATH, body("fluentd", time.time_ns(), metadata=False), 204, headers=headers)
    all_there(node, "fluentd", metadata=False)


PROTOBUF = "application/x-protobuf"
JSON = "application/json"

# name, its headers: each pushes 200 lines, protobuf in snappy or JSON, as its sources say
OTHERS = [
    ("alloy", {"User-Agent": "Alloy/v1.11.0 (linux; docker)", "Content-Type": PROTOBUF}),
    ("docker-driver", {"User-Agent": "docker-driver/3.6.0", "Content-Type": PROTOBUF}),
    ("tracing-loki", {"User-Agent": "tracing-loki/0.2.6", "Accept": "*/*", "Content-Type": PROTOBUF, "Content-Encoding": "snappy"}),
    ("logstash", {"User-Agent": "loki-logstash", "Content-Type": PROTOBUF}),
    ("lambda-promtail", {"User-Agent": "lambda-promtail/1.1", "Content-Type": PROTOBUF}),
    ("serilog", {"Content-Type": "application/json; charset=utf-8"}),
    ("serilog-gzip", {"Content-Type": JSON, "Content-Encoding": "gzip"}),
    ("telegraf", {"User-Agent": "Telegraf/1.36.0 Go/1.25.0", "Content-Type": JSON, "Content-Encoding": "gzip"}),
    ("rsyslog", {"Content-Type": JSON, "Content-Encoding": "gzip", "Transfer-Encoding": "chunked"}),
    ("nginx-njs", {"Content-Type": "Application/JSON"}),
]


def pieces(data):
    """A body without a length: http.client sends it in chunks."""
    for at in range(0, len(data), 1000):
        yield data[at : at + 1000]


def others_push(node, job, headers):
    now = time.time_ns()
    if headers["Content-Type"] == PROTOBUF:
        lines = [(now + i, f'{{"log":"line {i}","stream":"stderr"}}', {"pod_uid": f"u{i}"}) for i in range(200)]
        data = push_request([(f'{{host="h1", job="{job}"}}', lines)])
    else:
        data = body(job, now)
        data = gzip.compress(data) if headers.get("Content-Encoding") == "gzip" else data
    ask(node.url + PATH, pieces(data) if "Transfer-Encoding" in headers else data, 204, headers={**headers, "X-Scope-OrgID": "shippers"})
    all_there(node, job)


def fluent_bit_sends_what_its_keys_hold(node):
    """structured_metadata_map_keys: names as they are in the record; two records with one time; a newline at the end of lines."""
    now = str(time.time_ns())
    values = [[now, "one\n", {"kubernetes.pod-name": "p", "io.kubernetes/app": "a", "": "nameless"}], [now, "two\n", {"kubernetes.pod-name": "p"}]]
    text = json.dumps({"streams": [{"stream": {"job": "fluent-bit-maps", "level": ""}, "values": values[1:]}]}).encode()
    headers = {"User-Agent": "Fluent-Bit", "Content-Type": "application/json", "X-Scope-OrgID": "shippers"}
    ask(node.url + PATH, text, 204, headers=headers)
    refused = json.dumps({"streams": [{"stream": {"job": "fluent-bit-maps"}, "values": values}]}).encode()
    assert b"label name is empty" in ask(node.url + PATH, refused, 400, headers=headers)  # the entry alone; its neighbour is there already
    found = entries(node, "shippers", '{job="fluent-bit-maps"}')
    assert [(line, extra["kubernetes_pod_name"]) for _, _, line, extra in found] == [("two\n", "p")], found


def run(binary, results, Node):
    with Node(binary) as node:
        if not results.run("shippers' requests: the node starts", node.start):
            return
        for test in (fluent_bit_posts_json_and_gzip, vector_asks_ready_and_posts_snappy_with_its_name, fluentd_posts_json, fluent_bit_sends_what_its_keys_hold):
            results.run("shippers' requests: " + test.__name__.replace("_", " "), test, node)
        for job, headers in OTHERS:
            results.run(f"shippers' requests: {job} pushes", others_push, node, job, headers)
