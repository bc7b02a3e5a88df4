"""The three documents that Logi promises to be true to, as their readers use them: Loki's page for Python (TLS, users, tenants, retries), Loki's first API
(/api/prom), and Ochi 0.1's. What they say is sent to the letter."""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import requests

from harness.node import free_port
from secure_node import Authority, SecureNode, passwd

HERE = os.path.dirname(os.path.abspath(__file__))


def interpreter():
    """One that has requests and httpx: this one, or Debian's."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", "import httpx, requests"], capture_output=True).returncode == 0:
            return python
    raise AssertionError("httpx is nowhere: deploy/packages.sh names Debian's package")


# ---- Loki's page for Python ----

def the_pages_python_runs_as_written(node, authority):
    done = subprocess.run([interpreter(), "-W", "ignore", os.path.join(HERE, "seed_application.py"), node.url, authority.bundle, "12345", "glc_token"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "all of the page works" in done.stdout, done.stdout + done.stderr


def query_with_retry(
    url: str,
    query: str,
    max_retries: int = 3,
    backoff: float = 1.0,
    seen=None,
) -> dict:
    """Query Loki with simple retry logic for rate limits."""
    for attempt in range(max_retries):
        resp = requests.get(
            f"{url}/loki/api/v1/query",
            params={"query": query},
        )
        if seen is not None:
            seen.append((resp.status_code, resp.headers.get("Retry-After"), resp.text[:100]))
        if resp.status_code == 429:
            wait = backoff * (2 ** attempt)
            time.sleep(wait)
            continue
        resp.raise_for_status()
        return resp.json()
    raise Exception(f"Query failed after {max_retries} retries")


def a_query_that_meets_a_full_queue_is_429_and_its_retry_succeeds(binary, Node):
    flags = ["--query.threads", "1", "--query.concurrency", "1", "--query.queue", "1"]
    with Node(binary, flags=flags) as node:
        node.start()
        now = time.time_ns()
        lines = [[str(now - i), f"level=info n={i} " + "padding " * 20] for i in range(40000)]
        assert requests.post(node.url + "/loki/api/v1/push", json={"streams": [{"stream": {"job": "myapp"}, "values": lines}]}).status_code == 204
        seen, done = [], []

        def ask():
            answer = query_with_retry(node.url, 'sum(count_over_time({job="myapp"} |~ "n=[0-9]+ (p[a-z]+ ?)+$" | logfmt | n >= 0 [1h]))', 30, 0.01, seen)
            done.append(answer["data"]["result"][0]["value"][1])

        for _ in range(20):  # how many meet at once is the machine's affair
            askers = [threading.Thread(target=ask) for _ in range(12)]
            for asker in askers:
                asker.start()
            for asker in askers:
                asker.join()
            if any(status == 429 for status, _, _ in seen):
                break
        refused = [(retry, text) for status, retry, text in seen if status == 429]
        assert refused and all(retry is not None and int(retry) >= 1 and "too many outstanding requests" in text for retry, text in refused), seen[:5]
        assert set(done) == {"40000"} and {status for status, _, _ in seen} == {200, 429}, (set(done), len(seen))


def a_push_over_the_rate_is_429_and_its_retry_succeeds(binary, Node):
    with Node(binary, flags=["--limits_config.ingestion_rate_mb", "0.01", "--limits_config.ingestion_burst_size_mb", "0.001"]) as node:
        node.start()
        statuses = []

        def push(text):
            body = {"streams": [{"stream": {"job": "fast"}, "values": [[str(time.time_ns()), text]]}]}
            answer = requests.post(node.url + "/loki/api/v1/push", json=body)
            statuses.append(answer.status_code)
            if answer.status_code == 429:
                assert int(answer.headers["Retry-After"]) >= 1 and "ingestion rate limit exceeded for user default" in answer.text, answer.text
            return answer.status_code == 204

        for i in range(5):
            end = time.monotonic() + 30
            while not push(f"{i} " + "x" * 900):
                assert time.monotonic() < end
                time.sleep(0.05)
        assert 429 in statuses and set(statuses) == {204, 429}, statuses
        answer = requests.get(node.url + "/loki/api/v1/query_range", params={"query": '{job="fast"}'}).json()
        assert len([v for s in answer["data"]["result"] for v in s["values"]]) == 5


# ---- Loki's first API ----

def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def snappy(body):
    """A block of literals."""
    out = varint(len(body))
    for i in range(0, len(body), 60):
        part = body[i:i + 60]
        out += bytes([(len(part) - 1) << 2]) + part
    return out


def the_first_apis_json_example_is_taken_and_found(node):
    body = """{
      "streams": [
        {
          "labels": "{foo=\\"bar\\"}",
          "entries": [{ "ts": "2018-12-18T08:28:06.801064-04:00", "line": "baz" }]
        }
      ]
    }"""
    answer = requests.post(node.url + "/api/prom/push", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 204, answer.text
    for start, end in (("1545136086801064000", "1545136086801064001"), ("2018-12-18T12:28:06.801064Z", "2018-12-18T08:28:07-04:00")):
        answer = requests.get(node.url + "/api/prom/query", params={"query": '{foo="bar"}', "start": start, "end": end}).json()
        assert answer["streams"][0]["entries"] == [{"ts": "2018-12-18T12:28:06.801064Z", "line": "baz"}] and 'foo="bar"' in answer["streams"][0]["labels"], answer


def the_first_apis_protobuf_is_taken_and_found(node):
    now = time.time_ns()
    stamps = [b"\x08" + varint(ns // 10**9) + b"\x10" + varint(ns % 10**9) for ns in (now, now + 1)]
    stream = field(1, b'{job="proto"}') + field(2, field(1, stamps[0]) + field(2, b"mysql first")) + field(2, field(1, stamps[1]) + field(2, b"mysql second"))
    answer = requests.post(node.url + "/api/prom/push", data=snappy(field(1, stream)), headers={"Content-Type": "application/x-protobuf"})
    assert answer.status_code == 204, answer.text

    def lines(**params):
        streams = requests.get(node.url + "/api/prom/query", params={"query": '{job=~"pro.+"}', **params}).json()["streams"]
        return [entry["line"] for stream in streams for entry in stream["entries"]]

    assert sorted(lines()) == ["mysql first", "mysql second"]
    assert lines(query='{job=~"pro.+"} |= "first"') == lines(regexp="fi.st") == ["mysql first"]
    assert len(lines(limit=1)) == 1 and lines(direction="forward") == lines(direction="backward")[::-1]


def the_first_api_defaults_to_an_hour_of_lines_and_six_of_labels(node):
    ages = {"fresh": 60, "older": 2 * 3600}
    for name, age in ages.items():
        ts = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age))
        body = {"streams": [{"labels": '{%s="yes", age="all"}' % name, "entries": [{"ts": ts, "line": name}]}]}
        assert requests.post(node.url + "/api/prom/push", json=body).status_code == 204
    answer = requests.get(node.url + "/api/prom/query", params={"query": '{age="all"}'}).json()
    assert [entry["line"] for stream in answer["streams"] for entry in stream["entries"]] == ["fresh"], answer
    assert {"fresh", "older"} <= set(requests.get(node.url + "/api/prom/label").json()["values"])
    assert requests.get(node.url + "/api/prom/label/age/values").json() == {"values": ["all"]}
    start = str(time.time_ns() - 3600 * 10**9)
    assert requests.get(node.url + "/api/prom/label/age/values", params={"start": start, "end": str(time.time_ns())}).json() == {"values": ["all"]}


def the_first_apis_operations_answer(node):
    assert requests.get(node.url + "/ready").status_code == 200
    assert requests.get(node.url + "/flush").status_code == 204
    metrics = requests.get(node.url + "/metrics")
    assert metrics.status_code == 200 and "loki_ingester_" in metrics.text


# ---- Ochi 0.1 ----

OCHI_PUSH = b"""{
"streams": [
{
"stream": {
"tag1": "alpha",
"tag2": "beta"
},
"values": [
[
"1715173665000000000",
"same message",
{
"field1": "x",
"field2": "x"
}
]
]
}
]
}"""

OCHI_QUERY = """{
"start": 1715173664999999999,
"end": 1715173665000000001,
"tags": [
{ "key": "tag1", "value": "alpha" },
{ "key": "tag2", "value": "beta" }
],
"fields": [
{ "key": "field1", "value": "x" },
{ "key": "field2", "value": "x" }
]
}"""

OCHI_ANSWER = [{"timestampNs": 1715173665000000000,
                "fields": [{"key": "tag1", "value": "alpha"}, {"key": "tag2", "value": "beta"}, {"key": "field1", "value": "x"},
                           {"key": "field2", "value": "x"}, {"key": "", "value": "same message"}]}]


def ochis_examples_work_with_the_settings_that_are_built_in(binary, Node):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with Node(binary, flags=["--ochi.listen", f"127.0.0.1:{port}"]) as node:
        node.start()
        ready = requests.get(url + "/insert/loki/ready")
        assert (ready.status_code, ready.headers["Content-Type"], ready.text) == (200, "text/plain", "ready")
        json_type = {"Content-Type": "application/json"}

        def query(tenant=None, text=OCHI_QUERY):
            answer = requests.post(url + "/query", data=text, headers={**json_type, **({"X-Scope-OrgID": tenant} if tenant else {})})
            assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json", answer.text
            return answer.json()

        assert query() == []
        for headers, body in ((json_type, OCHI_PUSH), ({**json_type, "Content-Encoding": "snappy"}, snappy(OCHI_PUSH)), ({}, snappy(OCHI_PUSH))):
            answer = requests.post(url + "/insert/loki/api/v1/push", data=body, headers=headers)
            assert (answer.status_code, answer.text) == (200, ""), answer.text
            assert query() == OCHI_ANSWER == query("default"), query()  # sent again: stored once
        assert query("other") == []
        assert requests.post(url + "/insert/loki/api/v1/push", data=OCHI_PUSH, headers={**json_type, "X-Scope-OrgID": "other"}).status_code == 200
        assert query("other") == OCHI_ANSWER
        for change in (('"alpha"', '"alph"'), ('"x"', '"y"'), ("1715173664999999999", "1715173665000000001"), ('"field1"', '"field3"')):
            assert query(text=OCHI_QUERY.replace(*change)) == [], change
        exact = OCHI_QUERY.replace("1715173664999999999", "1715173665000000000").replace("1715173665000000001", "1715173665000000000")
        assert query(text=exact) == OCHI_ANSWER  # both ends are inclusive


FIRST_API = [the_first_apis_json_example_is_taken_and_found, the_first_apis_protobuf_is_taken_and_found,
             the_first_api_defaults_to_an_hour_of_lines_and_six_of_labels, the_first_apis_operations_answer]


def python_page(binary, results):
    folder = tempfile.mkdtemp(prefix="logi-seed-")
    try:
        authority = Authority(folder)
        cert, key = authority.issue("server")
        users = os.path.join(folder, "users")
        assert passwd(binary, users, "12345", "glc_token", "--tenants", "cloud,tenant1,tenant2,tenant3").returncode == 0
        config = os.path.join(folder, "logi.yaml")
        with open(config, "w") as file:
            file.write(f"server:\n  http_tls_config:\n    cert_file: {cert}\n    key_file: {key}\nauth:\n  users_file: {users}\nmulti_tenant_queries_enabled: true\n")
        with SecureNode(binary, authority.bundle, config=config) as node:
            if results.run("seeds: a node with TLS and users starts", node.start):
                results.run("seeds: the pages python runs as written", the_pages_python_runs_as_written, node, authority)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(binary, results, Node):
    python_page(binary, results)
    for test in (a_query_that_meets_a_full_queue_is_429_and_its_retry_succeeds, a_push_over_the_rate_is_429_and_its_retry_succeeds,
                 ochis_examples_work_with_the_settings_that_are_built_in):
        results.run("seeds: " + test.__name__.replace("_", " "), test, binary, Node)
    with Node(binary, flags=["--limits_config.reject_old_samples", "false"]) as node:
        if results.run("seeds: the node starts", node.start):
            for test in FIRST_API:
                results.run("seeds: " + test.__name__.replace("_", " "), test, node)
