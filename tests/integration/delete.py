"""Delete requests over HTTP: hidden at once from every way to ask, erased soon, kept over kill -9, one tenant's own; and the routes that end a node."""
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

S = 10**9
FAST = ["--storage.delete_delay=0s"]


def call(node, method, path, tenant=None, body=None, content_type="application/json", **params):
    url = node.url + path + ("?" + urllib.parse.urlencode(params) if params else "")
    headers = {"Content-Type": content_type}
    if tenant:
        headers["X-Scope-OrgID"] = tenant
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def push(node, labels, entries, tenant=None):
    body = json.dumps({"streams": [{"stream": labels, "values": [[str(ts), line] for ts, line in entries]}]}).encode()
    status, text, _ = call(node, "POST", "/loki/api/v1/push", tenant, body)
    assert status == 204, (status, text)


def lines(node, query, start, end, tenant=None):
    status, text, _ = call(node, "GET", "/loki/api/v1/query_range", tenant, query=query, start=start, end=end, limit=5000)
    assert status == 200, (status, text)
    return sorted(value[1] for stream in json.loads(text)["data"]["result"] for value in stream["values"])


def count(node, query, end, tenant=None):
    status, text, _ = call(node, "GET", "/loki/api/v1/query", tenant, query=query, time=end)
    assert status == 200, (status, text)
    return sum(float(r["value"][1]) for r in json.loads(text)["data"]["result"])


def ask(node, query, start_s, end_s, tenant=None):
    status, text, headers = call(node, "POST", "/loki/api/v1/delete", tenant, query=query, start=start_s, end=end_s)
    assert status == 204 and text == "", (status, text)
    assert re.fullmatch("[0-9a-f]{8}", headers["X-Delete-Request-ID"]), headers
    return headers["X-Delete-Request-ID"]


def listed(node, tenant=None):
    status, text, headers = call(node, "GET", "/loki/api/v1/delete", tenant)
    assert status == 200 and headers["Content-Type"] == "application/json", (status, headers)
    return json.loads(text)


def wait_processed(node, ids, tenant=None):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        states = {r["request_id"]: r["status"] for r in listed(node, tenant)}
        if all(states[i] == "processed" for i in ids):
            return
        time.sleep(0.1)
    raise AssertionError(f"not processed: {states}: {node.log()[-2000:]}")


def no_space(base):
    """Now, on a whole second in the past, so that deletes are not in the future."""
    return (int(time.time()) - 600) * S + base


def holders(node, text):
    """Files of the data folder that have the text."""
    found = subprocess.run(["grep", "-rla", text, node.data], capture_output=True, text=True).stdout.split()
    return [os.path.relpath(name, node.data) for name in found]


def hidden_at_once_everywhere(node):
    at = no_space(0)
    keep = [(at + i * S, f"plain line {i}") for i in range(20)]
    secret = [(at + i * S + 5, f"secret token={i}") for i in range(20)]
    push(node, {"app": "mixed"}, sorted(keep + secret)[:20])
    assert call(node, "POST", "/flush")[0] == 204  # half in a segment, half in memory
    push(node, {"app": "mixed"}, sorted(keep + secret)[20:])
    push(node, {"app": "gone"}, [(at + i, f"gone {i}") for i in range(7)])
    window = {"start": at - 5 * S, "end": at + 60 * S}
    ask(node, '{app="mixed"} |= "secret" | logfmt | token != ""', at // S, at // S + 60)
    ask(node, '{app="gone"}', at // S - 1, at // S + 60)

    assert lines(node, '{app=~".+"}', **window) == sorted(line for _, line in keep)
    seen = count(node, 'sum(count_over_time({app=~".+"}[2m]))', at + 60 * S)
    assert seen == 20, seen
    size = count(node, 'sum(bytes_over_time({app="mixed"}[2m]))', at + 60 * S)
    assert size == sum(len(line) for _, line in keep), size
    stats = json.loads(call(node, "GET", "/loki/api/v1/index/stats", query='{app=~".+"}', **window)[1])
    assert stats["entries"] == 20 and stats["streams"] == 1, stats
    series = json.loads(call(node, "GET", "/loki/api/v1/series", **{"match[]": '{app=~".+"}', **window})[1])["data"]
    assert [s["app"] for s in series] == ["mixed"], series
    volume = json.loads(call(node, "GET", "/loki/api/v1/index/volume", query='{app=~".+"}', **window)[1])["data"]["result"]
    assert [r["metric"]["app"] for r in volume] == ["mixed"], volume
    patterns = call(node, "GET", "/loki/api/v1/patterns", query='{app="mixed"}', **window)[1]
    assert "secret" not in patterns and "plain" in patterns, patterns
    fields = call(node, "GET", "/loki/api/v1/detected_fields", query='{app="mixed"}', **window)[1]
    assert "token" not in fields, fields
    ochi = json.dumps({"start": at - S, "end": at + 60 * S, "tags": [{"key": "app", "value": "mixed"}]}).encode()
    status, text, _ = call(node, "POST", "/query", body=ochi)
    assert status == 200 and "secret" not in text and "plain" in text, (status, text)


def erased_within_seconds(binary, Node):
    with Node(binary, flags=FAST) as node:
        node.start()
        at = no_space(0)
        push(node, {"app": "stays", "only": "here"}, [(at + i, f"stays {i}") for i in range(50)])
        push(node, {"app": "leaves", "secret_label": "zq81needle"}, [(at + i, f"leaves {i} zq81needle") for i in range(50)])
        assert holders(node, "zq81needle")
        push(node, {"app": "half"}, [(at + i * S, f"half {i}") for i in range(50)])
        wait_processed(node, [ask(node, '{app="leaves"}', at // S - 1, at // S + 1), ask(node, '{app="half"}', at // S, at // S + 9)])
        assert lines(node, '{app="half"}', at - S, at + 60 * S) == sorted(f"half {i}" for i in range(10, 50))
        labels = json.loads(call(node, "GET", "/loki/api/v1/labels", start=at - S, end=at + 60 * S)[1])["data"]
        assert "secret_label" not in labels and "only" in labels, labels
        values = json.loads(call(node, "GET", "/loki/api/v1/label/app/values", start=at - S, end=at + 60 * S)[1])["data"]
        assert values == ["half", "stays"], values
        end = time.monotonic() + 120  # the log goes with the next pushes, or when it is idle
        while holders(node, "zq81needle") and time.monotonic() < end:
            push(node, {"app": "other"}, [(time.time_ns(), "on and on")])
            time.sleep(0.2)
        assert not holders(node, "zq81needle"), holders(node, "zq81needle")
        others = len(lines(node, '{app="other"}', at, time.time_ns()))
        metrics = call(node, "GET", "/metrics")[1]
        assert re.search(r'^loki_compactor_deleted_lines\{user="default"\} 60$', metrics, re.M), re.findall("loki_compactor_del.*", metrics)
        assert re.search(r'^loki_compactor_delete_requests_processed_total\{user="default"\} 2$', metrics, re.M)
        assert re.search(r"^loki_compactor_pending_delete_requests_count(\{\})? 0$", metrics, re.M)
        # What is pushed after the end stays, and its stream is found again.
        push(node, {"app": "leaves", "secret_label": "zq81needle"}, [(at + 7, "came later")])
        assert lines(node, '{secret_label="zq81needle"}', at - S, at + 60 * S) == ["came later"]
        assert call(node, "DELETE", "/loki/api/v1/delete", request_id=listed(node)[0]["request_id"])[0] == 400
        node.stop()
        done = subprocess.run([binary, "verify", "--data", node.data], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and f" {91 + others} entries" in done.stdout, done.stdout + done.stderr
        for word in ("Started processing delete request", "delete request for user marked as processed", "delete request for user added"):
            assert word in node.log(), word


def kept_over_kill(binary, Node):
    with tempfile.TemporaryDirectory(prefix="logi-delete-") as data, Node(binary, data=data) as node:
        node.start()
        at = no_space(0)
        push(node, {"app": "web"}, [(at + i, f"line {i}") for i in range(10)])
        request = ask(node, '{app="web"} |~ "line [0-4]"', at // S, at // S + 1)
        node.kill()
        node.start()
        assert lines(node, '{app="web"}', at, at + S) == [f"line {i}" for i in range(5, 10)]
        (found,) = listed(node)
        assert (found["request_id"], found["status"], found["query"]) == (request, "received", '{app="web"} |~ "line [0-4]"'), found
        assert found["start_time"] == at // S and found["end_time"] == at // S + 1 and found["user_id"] == "", found
        before = json.loads(call(node, "GET", "/loki/api/v1/cache/generation_numbers")[1])
        assert call(node, "DELETE", "/loki/api/v1/delete", request_id=request)[0] == 204
        assert int(json.loads(call(node, "GET", "/loki/api/v1/cache/generation_numbers")[1])) > int(before)
        assert len(lines(node, '{app="web"}', at, at + S)) == 10
        node.kill()
        node.start()
        assert listed(node) == [] and len(lines(node, '{app="web"}', at, at + S)) == 10


def one_tenant_alone(node):
    at = no_space(0)
    for tenant in ("red", "blue"):
        push(node, {"app": "t"}, [(at + i, f"{tenant} {i}") for i in range(5)], tenant)
    request = ask(node, '{app="t"}', at // S, at // S + 1, "red")
    assert lines(node, '{app="t"}', at, at + S, "red") == []
    assert len(lines(node, '{app="t"}', at, at + S, "blue")) == 5
    assert listed(node, "blue") == []
    status, text, _ = call(node, "DELETE", "/loki/api/v1/delete", "blue", request_id=request)
    assert (status, text) == (404, "could not find delete request with given id\n")
    assert json.loads(call(node, "GET", "/loki/api/v1/cache/generation_numbers", "blue")[1]) == ""


def selectors_that_match_every_stream(node):
    """Loki takes them here, though not in queries."""
    at = no_space(0)
    for number, (query, left) in enumerate((("{}", []), ('{app=~".*"}', []), ('{app!="b"}', ["b 0", "b 1"]), ('{} |= "0"', ["a 1", "b 1"]), ('{nothing=""}', []))):
        tenant = f"every{number}"
        for app in ("a", "b"):
            push(node, {"app": app}, [(at + i, f"{app} {i}") for i in range(2)], tenant)
        ask(node, query, at // S, at // S + 1, tenant)
        assert lines(node, '{app=~".+"}', at, at + S, tenant) == left, (query, lines(node, '{app=~".+"}', at, at + S, tenant))


def everything_of_a_tenant_is_erased(binary, Node):
    with Node(binary, flags=["--storage.delete_delay=0s", "--storage.compaction_interval=100ms"]) as node:
        node.start()
        at = no_space(0)
        for tenant in ("gone", "kept"):
            push(node, {"app": "a"}, [(at + i, f"{tenant} entry {i}") for i in range(5)], tenant)
        call(node, "POST", "/flush")
        wait_processed(node, [ask(node, "{}", at // S, at // S + 1, "gone")], "gone")
        assert lines(node, '{app="a"}', at, at + S, "gone") == [] and len(lines(node, '{app="a"}', at, at + S, "kept")) == 5


def refusals(node):
    now = int(time.time())
    query = '{app="x"} |= "y"'
    for want, params in [
        ("query not set", {"start": now - 10}),
        ("invalid query expression", {"query": 'rate({app="x"}[1m])', "start": now - 10}),
        ("invalid query expression", {"query": "{", "start": now - 10}),
        ("start time not set", {"query": query}),
        ("invalid start time: require unix seconds or RFC3339 format", {"query": query, "start": "17672256000"}),
        ("invalid end time: require unix seconds or RFC3339 format", {"query": query, "start": now - 10, "end": "soon"}),
        ("deletes in the future are not allowed", {"query": query, "start": now - 10, "end": now + 1000}),
        ("start time can't be greater than or equal to end time", {"query": query, "start": now - 10, "end": now - 10}),
        ("invalid max_interval: valid time units are 's', 'm', 'h'", {"query": query, "start": now - 10, "max_interval": "1d"}),
        ("max_interval can't be greater than 24h0m0s", {"query": query, "start": now - 10, "max_interval": "25h"}),
        ("max_interval can't be greater than the interval to be deleted (1h0m0s)",
         {"query": query, "start": now - 3610, "end": now - 10, "max_interval": "2h"}),
    ]:
        status, text, _ = call(node, "PUT", "/loki/api/v1/delete", "strict", **params)
        assert (status, text) == (400, want + "\n"), (params, status, text)
    status, text, _ = call(node, "DELETE", "/loki/api/v1/delete", "strict")
    assert (status, text) == (400, "request_id not set\n")
    assert listed(node, "strict") == []
    assert call(node, "GET", "/loki/api/v1/delete", "a|b")[0] == 400


def modes(binary, Node):
    with tempfile.TemporaryDirectory(prefix="logi-delete-") as data:
        config = os.path.join(data, "logi.yaml")
        with open(config, "w") as file:
            file.write("overrides:\n  off: {deletion_mode: disabled}\n  hides: {deletion_mode: filter-only}\nstorage: {delete_delay: 0s}\n")
        with Node(binary, config=config) as node:
            node.start()
            at = no_space(0)
            for method in ("GET", "POST", "PUT", "DELETE"):
                status, text, _ = call(node, method, "/loki/api/v1/delete", "off")
                assert (status, text) == (403, "deletion is not available for this tenant\n"), (method, status, text)
            for tenant in ("hides", "erases"):
                push(node, {"app": "m"}, [(at, "x")], tenant)
            ask(node, '{app="m"}', at // S, at // S + 1, "hides")
            wait_processed(node, [ask(node, '{app="m"}', at // S, at // S + 1, "erases")], "erases")
            assert [r["status"] for r in listed(node, "hides")] == ["received"]
            assert lines(node, '{app="m"}', at, at + S, "hides") == []


def leaving(binary, Node):
    with tempfile.TemporaryDirectory(prefix="logi-delete-") as data, Node(binary, data=data) as node:
        node.start()

        def marker():
            return call(node, "GET", "/ingester/prepare_shutdown")[:2]

        assert marker() == (200, "unset")
        assert call(node, "POST", "/ingester/prepare_shutdown")[:2] == (204, "") and marker() == (200, "set")
        node.kill()
        node.start()
        assert marker() == (200, "set")
        assert call(node, "DELETE", "/ingester/prepare_shutdown")[0] == 204 and marker() == (200, "unset")
        assert call(node, "POST", "/ingester/prepare_shutdown")[0] == 204
        push(node, {"app": "last"}, [(no_space(0), "words")])
        assert node.stop() == 0
        node.start()
        assert marker() == (200, "unset")  # the end in order was what it was for
        assert call(node, "POST", "/ingester/shutdown", flush="true", terminate="false")[0] == 204
        status, text, _ = call(node, "POST", "/ingester/shutdown")
        assert (status, text) == (503, "Ingester is stopping or already stopped."), (status, text)
        assert call(node, "GET", "/ready")[0] == 503
        assert lines(node, '{app="last"}', no_space(-600 * S), no_space(600 * S)) == ["words"]
        node.kill()
        node.start()
        assert call(node, "GET", "/ingester/shutdown")[0] == 204
        assert node.process.wait(60) == 0


def run(binary, results, Node):
    with Node(binary, flags=["--storage.delete_delay=1h"]) as node:
        if results.run("delete: the node starts", node.start):
            for test in (hidden_at_once_everywhere, one_tenant_alone, selectors_that_match_every_stream, refusals):
                results.run("delete: " + test.__name__.replace("_", " "), test, node)
    for test in (erased_within_seconds, everything_of_a_tenant_is_erased, kept_over_kill, modes, leaving):
        results.run("delete: " + test.__name__.replace("_", " "), test, binary, Node)
