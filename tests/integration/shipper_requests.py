"""The requests of shippers that no registry has: Fluent Bit's and Vector's own outputs for Loki, and Fluentd's plugin.

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


def run(binary, results, Node):
    with Node(binary) as node:
        if not results.run("shippers' requests: the node starts", node.start):
            return
        for test in (fluent_bit_posts_json_and_gzip, vector_asks_ready_and_posts_snappy_with_its_name, fluentd_posts_json):
            results.run("shippers' requests: " + test.__name__.replace("_", " "), test, node)
