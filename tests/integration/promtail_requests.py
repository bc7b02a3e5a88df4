"""The requests of promtail (and of every client that took its code: the Docker driver, the Fluent Bit plugin, xk6): one protobuf batch a tenant.

What promtail does, read in its client.go: POST of a snappy PushRequest with Content-Type application/x-protobuf, User-Agent promtail/<version>
and, if set, X-Scope-OrgID; any 2xx is success; 429, 5xx and broken connections are tried again with the same bytes, all else is dropped; of
the body of an error it logs the first line.
"""
import os
import tempfile
import threading
import time

from harness.client import ask, entries
from harness.push_request import push_request

HEADERS = {"Content-Type": "application/x-protobuf", "User-Agent": "promtail/3.6.0"}


def push(node, streams, status=204, tenant="promtail"):
    return ask(node.url + "/loki/api/v1/push", push_request(streams), status, headers={**HEADERS, **({"X-Scope-OrgID": tenant} if tenant else {})})


def a_batch_of_several_streams_is_stored(node):
    now = time.time_ns()
    streams = [('{filename="/var/log/a \\"b\\".log", job="varlogs"}', [(now + i, f"line {i}\twith \\ and ünïcode", {"order": str(i)}) for i in range(500)]),
               ('{job="varlogs", filename="/var/log/c.log"}', [(now, "another file")])]
    assert push(node, streams) == b""
    found = entries(node, "promtail", '{job="varlogs"}')
    assert len(found) == 501, len(found)
    first = next(entry for entry in found if entry[3].get("order") == "0")
    assert first[0] == {"filename": '/var/log/a "b".log', "job": "varlogs", "service_name": "varlogs"}, first
    assert first[1] == now and first[2] == "line 0\twith \\ and ünïcode" and first[3]["detected_level"] == "unknown", first


def no_tenant_is_the_default_tenant(node):
    push(node, [('{job="single"}', [(time.time_ns(), "of nobody")])], tenant=None)
    assert [line for _, _, line, _ in entries(node, "default", '{job="single"}')] == ["of nobody"]


def eight_senders_of_large_batches_lose_nothing(node):
    now = time.time_ns()
    failures = []

    def send(sender):
        try:
            for batch in range(4):
                lines = [(now + batch * 10000 + i, f"sender {sender} batch {batch} line {i} " + "x" * 180) for i in range(5000)]
                push(node, [(f'{{job="large", sender="{sender}"}}', lines)])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    count = ask(f"{node.url}/loki/api/v1/query?query=sum(count_over_time(%7Bjob%3D%22large%22%7D%5B1h%5D))", headers={"X-Scope-OrgID": "promtail"})
    assert b',"160000"]' in count, count[:300]


def a_batch_sent_again_is_stored_once(node):
    batch = [('{job="again"}', [(time.time_ns() + i, f"line {i}", {"order": str(i)}) for i in range(100)])]
    for _ in range(3):
        push(node, batch)
    assert len(entries(node, "promtail", '{job="again"}')) == 100


def what_is_refused_for_good_is_told_in_the_first_line(node):
    now = time.time_ns()
    text = push(node, [('{job="old"}', [(now - 30 * 24 * 3600 * 10**9, "too old"), (now, "good")])], status=400)
    first = text.decode().split("\n")[0]
    assert "has timestamp too old" in first and '{job="old"' in first, first
    assert [line for _, _, line, _ in entries(node, "promtail", '{job="old"}')] == ["good"], "its neighbour is stored: promtail does not send it again"
    assert push(node, [("{job=}", [(now, "x")])], status=400)


def a_rate_limit_is_429_until_the_same_batch_passes(node):
    now = time.time_ns()
    line = "x" * 1000
    batches = [[('{job="limited"}', [(now + n * 100 + i, f"{n} {i} {line}") for i in range(100)])] for n in range(8)]
    limited = 0
    for batch in batches:
        end = time.monotonic() + 60
        while True:
            try:
                push(node, batch, tenant="limited")
                break
            except AssertionError as error:
                status, text = error.args[0]
                assert status == 429 and b"rate limit" in text, error
                limited += 1
            assert time.monotonic() < end, "never passes"
            time.sleep(0.1)
    assert limited, "no batch was limited"
    assert len(entries(node, "limited", '{job="limited"}')) == 800


def a_batch_passes_after_the_node_came_back(node):
    batch = [('{job="restart"}', [(time.time_ns() + i, f"line {i}") for i in range(50)])]
    push(node, batch)
    assert node.stop() == 0
    try:
        push(node, batch)
        raise RuntimeError("a stopped node answers")
    except OSError:
        pass
    node.start()
    push(node, batch)
    assert len(entries(node, "promtail", '{job="restart"}')) == 50


TESTS = [a_batch_of_several_streams_is_stored, no_tenant_is_the_default_tenant, eight_senders_of_large_batches_lose_nothing,
         a_batch_sent_again_is_stored_once, what_is_refused_for_good_is_told_in_the_first_line, a_rate_limit_is_429_until_the_same_batch_passes,
         a_batch_passes_after_the_node_came_back]


def run(binary, results, Node):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as config:
        config.write("limits_config:\n  ingestion_rate_mb: 100\n  ingestion_burst_size_mb: 100\n"
                     "overrides:\n  limited:\n    ingestion_rate_mb: 0.2\n    ingestion_burst_size_mb: 0.25\n")
    try:
        with Node(binary, config=config.name) as node:
            if not results.run("promtail's requests: the node starts", node.start):
                return
            for test in TESTS:
                results.run("promtail's requests: " + test.__name__.replace("_", " "), test, node)
    finally:
        os.unlink(config.name)
