"""The clients written in Go: logcli, promtail, loki-canary and the OpenTelemetry collector, each the real one, where this machine has it.

No registry that the tests may ask has them as binaries, so they are looked for on PATH and in the folder LOGI_CLIENTS, under their own names
(the collector: otelcorecol, otelcol or otelcol-contrib). What is not there is told as skipped; its requests are still sent by
promtail_requests.py, logcli_requests.py, canary_requests.py and otlp_exporter.py.
"""
import contextlib
import datetime
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.parse

import logcli_requests
from harness import packages
from harness.client import ask, call, entries
from harness.node import free_port
from harness.push_request import push_request

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")


def find(*names):
    path = os.pathsep.join([os.environ.get("LOGI_CLIENTS", ""), os.environ.get("PATH", "")])
    return next(filter(None, (shutil.which(name, path=path) for name in names)), None)


def wait(condition, what, timeout=60):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        time.sleep(0.1)


@contextlib.contextmanager
def running(command, log):
    """A client in the background; ended by its pid."""
    with open(log, "wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def configured(name, folder, values):
    with open(os.path.join(FOLDER, "built", name), encoding="utf-8") as file:
        text = re.sub("@([a-z]+)@", lambda match: str(values[match.group(1)]), file.read())
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


# ---- logcli ----


def logcli(node, *arguments):
    return call([node.client, "--addr=" + node.url, "--org-id=logcli", "-q", *arguments])


def logcli_prints_what_was_pushed(node, _):
    logcli_requests.fill(node)
    assert logcli(node, "labels").split() == ["app", "env", "service_name"]
    assert logcli(node, "labels", "app").split() == ["db", "web"]
    assert len(logcli(node, "series", '{app="web"}').splitlines()) == 2
    assert "Total Streams:  4" in logcli(node, "series", "--analyze-labels", "{}")
    all_lines = logcli_requests.LINES * len(logcli_requests.STREAMS)
    for direction in ([], ["--forward"]):
        lines = logcli(node, "query", "--since=1h", "--limit=0", "--batch=700", "-o", "raw", *direction, '{app=~".+"}').splitlines()
        assert len(lines) == len(set(lines)) == all_lines, (direction, len(lines), len(set(lines)))
    assert len(logcli(node, "query", "--since=1h", "--limit=30", "-o", "jsonl", '{app="web"} |= "error"').splitlines()) == 30
    parts = ["--part-path-prefix=" + os.path.join(node.folder, "part"), "--parallel-duration=1m", "--parallel-max-workers=4", "--merge-parts"]
    lines = logcli(node, "query", "--since=10m", "--limit=0", "-o", "raw", *parts, '{app="web"}').splitlines()
    assert len(lines) == 2 * logcli_requests.LINES, len(lines)
    assert '"20"' in logcli(node, "query", "--since=10m", "--step=60s", 'sum by (app)(rate({app=~".+"}[1m]))')
    assert f'"{logcli_requests.LINES}"' in logcli(node, "instant-query", 'sum by (app,env)(count_over_time({app=~".+"}[1h]))')
    assert '"2"' in logcli(node, "instant-query", "1+1")
    assert "entries: 3000" in logcli(node, "stats", '{app="web"}')
    assert '"app": "web"' in logcli(node, "volume", '{app="web"}')
    assert '"env": "dev"' in logcli(node, "volume_range", "--step=5m", "--targetLabels=env", '{app=~".+"}')
    fields = logcli(node, "detected-fields", "--since=1h", '{app="web"}')
    assert re.search(r"label: status\s+type: int\s+cardinality: 3", fields), fields
    assert logcli(node, "detected-fields", "--since=1h", '{app="web"}', "status").split() == ["200", "201", "202"]


def logcli_tails(node, _):
    log = os.path.join(node.folder, "tail.log")
    with running([node.client, "--addr=" + node.url, "--org-id=logcli", "-q", "query", "--tail", "-o", "raw", '{app="tailed"}'], log):
        def arrived():
            line = f"line {time.time_ns()}"
            logcli_push(node, line)
            return "line" in text_of(log)
        wait(arrived, "a tailed line")


def logcli_push(node, line):
    ask(node.url + "/loki/api/v1/push", push_request([('{app="tailed"}', [(time.time_ns(), line)])]), 204,
        headers={"X-Scope-OrgID": "logcli", "Content-Type": "application/x-protobuf"})


# ---- promtail ----


def promtail_ships_a_file_through_a_restart_of_the_node(node, _):
    now = time.time()
    count = 20000
    port = node.port

    def write(first, last):
        with open(os.path.join(node.folder, "shop.log"), "a", encoding="utf-8") as file:
            for i in range(first, last):
                at = datetime.datetime.fromtimestamp(now - 300 + i * 0.01, datetime.timezone.utc).isoformat()
                file.write(f'time={at} level={"error" if i % 10 == 0 else "info"} order={i} msg="line {i} ünïcode"\n')

    def shipped(query='sum(count_over_time({job="shop"}[1h]))'):
        text = ask(f"{node.url}/loki/api/v1/query?{urllib.parse.urlencode({'query': query})}", headers={"X-Scope-OrgID": "promtail"})
        return sum(int(one["value"][1]) for one in json.loads(text)["data"]["result"])

    write(0, count // 2)
    config = configured("promtail.yaml", node.folder, {"url": node.url, "folder": node.folder, "http": free_port(), "grpc": free_port()})
    log = os.path.join(node.folder, "promtail.out")
    with running([node.client, "-config.file=" + config], log):
        wait(lambda: shipped() == count // 2, "half of the file")
        assert node.stop() == 0
        write(count // 2, count)
        wait(lambda: "error sending batch, will retry" in text_of(log), "promtail tries again")
        node.start(port=port)
        wait(lambda: shipped() == count, "the whole file")
    assert shipped('sum(count_over_time({job="shop", level="error", cluster="test"}[1h]))') == count // 10
    found = entries(node, "promtail", '{job="shop"} | order=`19999`')
    assert len(found) == 1 and found[0][2].endswith('order=19999 msg="line 19999 ünïcode"'), found
    assert found[0][1] % 10**9 != 0 and found[0][3]["order"] == "19999", found


# ---- loki-canary ----


def canary_misses_nothing(node, _):
    port = free_port()
    log = os.path.join(node.folder, "canary.log")
    flags = ["-addr=" + node.url[len("http://"):], f"-port={port}", "-push", "-tenant-id=canary", "-interval=50ms", "-wait=20s", "-max-wait=40s",
             "-pruneinterval=1s", "-spot-check-interval=1s", "-spot-check-query-rate=2s", "-spot-check-initial-wait=1s", "-metric-test-interval=3s",
             "-metric-test-range=60s", "-out-of-order-percentage=10", "-out-of-order-min=5s", "-out-of-order-max=10s"]

    def metrics():
        try:
            text = ask(f"http://127.0.0.1:{port}/metrics").decode()
        except OSError:
            return {}
        return {name: float(value) for name, value in re.findall(r"^(loki_canary_\w+) (\S+)$", text, re.MULTILINE)}

    with running([node.client, *flags], log):
        wait(lambda: metrics().get("loki_canary_entries_total", 0) >= 400 and metrics().get("loki_canary_spot_check_entries_total", 0) > 5,
             "400 entries and some spot checks", 120)
        told = metrics()
        errors = [line for line in text_of(log).splitlines() if "error" in line.lower()]
    for name in ("missing_entries", "websocket_missing_entries", "spot_check_missing_entries", "unexpected_entries", "duplicate_entries",
                 "ws_reconnects"):
        assert told.get(f"loki_canary_{name}_total", 0) == 0, (name, told, text_of(log)[-2000:])
    assert told["loki_canary_metric_test_expected"] > 0, told
    assert abs(told["loki_canary_metric_test_expected"] - told["loki_canary_metric_test_actual"]) <= 20 * 3, told
    assert not errors, errors


# ---- the OpenTelemetry collector ----

SENDER = r"""
import sys, time
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
provider = LoggerProvider(resource=Resource.create({"service.name": "shop", "k8s.namespace.name": "eu", "team": "pay"}))
provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=sys.argv[1] + "/v1/logs")))
logger = provider.get_logger("orders", "1.2")
for i in range(3000):
    logger.emit(LogRecord(timestamp=time.time_ns(), severity_number=SeverityNumber.ERROR, severity_text="ERROR", body=f"line {i}", attributes={"i": i}))
    if i % 1000 == 999:  # the SDK drops what its queue of 2048 cannot hold
        assert provider.force_flush(30000)
assert provider.force_flush(30000)
provider.shutdown()
"""


def the_collector_passes_records_on(node, results):
    interpreter = results.have("collector", packages.python, os.path.join(FOLDER, "python", "requirements.txt"))
    port = free_port()
    config = configured("collector.yaml", node.folder, {"url": node.url, "http": port})
    log = os.path.join(node.folder, "collector.log")
    with running([node.client, "--config=" + config], log):
        wait(lambda: "Everything is ready" in text_of(log), "the collector starts: " + text_of(log)[-500:])
        call([interpreter, "-c", SENDER, f"http://127.0.0.1:{port}"])
        for tenant in ("collector-gzip", "collector-zstd", "collector-json"):
            found = entries(node, tenant, '{service_name="shop", k8s_namespace_name="eu"}', 3000)
            assert sorted(line for _, _, line, _ in found) == sorted(f"line {i}" for i in range(3000)), (tenant, len(found))
            extra = next(one[3] for one in found if one[2] == "line 7")
            want = {"i": "7", "team": "pay", "severity_text": "ERROR", "severity_number": "17", "detected_level": "error", "scope_name": "orders"}
            assert {name: extra.get(name) for name in want} == want, (tenant, extra)
    assert "Exporting failed" not in text_of(log), text_of(log)[-2000:]


CLIENTS = [(("logcli",), [logcli_prints_what_was_pushed, logcli_tails]),
           (("promtail",), [promtail_ships_a_file_through_a_restart_of_the_node]),
           (("loki-canary",), [canary_misses_nothing]),
           (("otelcorecol", "otelcol", "otelcol-contrib"), [the_collector_passes_records_on])]


def run(binary, results, Node):
    for names, tests in CLIENTS:
        client = find(*names)
        if client is None:
            results.skip("built clients: " + names[0], "neither on PATH nor in the folder LOGI_CLIENTS")
            continue
        with tempfile.TemporaryDirectory() as folder, Node(binary) as node:
            node.client, node.folder = client, folder
            if not results.run(f"built clients: the node for {names[0]} starts", node.start):
                continue
            for test in tests:
                results.run("built clients: " + test.__name__.replace("_", " "), test, node, results)
