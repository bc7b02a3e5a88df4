"""OpenTelemetry's own Python exporter pushes to /otlp/v1/logs; and a client of Ochi, on a listener of its own."""
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import packages
from harness.node import free_port

REQUIREMENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients", "python", "requirements.txt")
BATCHES = 40

# What an application does; run by the interpreter of the venv: URL, compression.
APPLICATION = r"""
import sys
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
import time

url, compression = sys.argv[1:3]
resource = Resource.create({"service.name": "exporter-" + compression, "service.instance.id": "i-1", "k8s.pod.name": "pod-1",
                            "host.name": "h1"})
provider = LoggerProvider(resource=resource)
exporter = OTLPLogExporter(endpoint=url + "/otlp/v1/logs", compression=Compression(compression), headers={"X-Scope-OrgID": "otel"})
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
logger = provider.get_logger("a.library", "1.2")
for i in range(1000):
    logger.emit(LogRecord(timestamp=time.time_ns(), severity_number=SeverityNumber.WARN, severity_text="WARN", body=f"line {i}",
                          trace_id=0x0102030405060708090a0b0c0d0e0f10, span_id=0x0102030405060708, attributes={"http.status_code": 500, "i": i}))
logger.emit(LogRecord(timestamp=time.time_ns(), body={"b": [1, 2.5, True], "a": "x"}, attributes={"kind": "map"}))
assert provider.force_flush(30000)
provider.shutdown()
"""


# Four resources, each with many batches of 500 records that gzip packs; the exporter is told of each failure.
BATCHES_APPLICATION = r"""
import sys, time
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

url, batches = sys.argv[1], int(sys.argv[2])
for service in ("cart", "stock"):
    for namespace in ("eu", "us"):
        provider = LoggerProvider(resource=Resource.create({"service.name": service, "k8s.namespace.name": namespace, "team": service + "-team"}))
        exporter = OTLPLogExporter(endpoint=url + "/otlp/v1/logs", compression=Compression.Gzip, headers={"X-Scope-OrgID": "otel"})
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_export_batch_size=500, schedule_delay_millis=100000))
        logger = provider.get_logger(service)
        for batch in range(batches):
            for i in range(500):
                body = f"batch {batch} line {i} " + ("x" * 2000 if i == 499 else "")
                logger.emit(LogRecord(timestamp=time.time_ns(), severity_number=SeverityNumber.INFO, body=body, attributes={"batch": batch}))
            assert provider.force_flush(30000)
        provider.shutdown()
"""


def ask(url, body=None, status=200, **headers):
    request = urllib.request.Request(url, data=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            got, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        got, text = error.code, error.read()
    assert got == status, (got, text)
    return text


def query(node, text, limit=5000):
    parameters = urllib.parse.urlencode({"query": text, "since": "1h", "limit": limit})
    answer = ask(f"{node.url}/loki/api/v1/query_range?{parameters}", X_Scope_OrgID="otel", X_Loki_Response_Encoding_Flags="categorize-labels")
    return json.loads(answer)["data"]["result"]


def run_application(node, compression):
    done = subprocess.run([node.python, "-c", APPLICATION, node.url, compression], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "Failed" not in done.stderr and "Error" not in done.stderr, done.stderr[-2000:]
    streams = query(node, f'{{service_name="exporter-{compression}", k8s_pod_name="pod-1"}}')
    want = {"service_name": f"exporter-{compression}", "service_instance_id": "i-1", "k8s_pod_name": "pod-1"}
    assert [stream["stream"] for stream in streams] == [want], [stream["stream"] for stream in streams]
    entries = [value for stream in streams for value in stream["values"]]
    assert sorted(line for _, line, _ in entries) == sorted([f"line {i}" for i in range(1000)] + ['{"a":"x","b":[1,2.5,true]}'])
    for _, line, extra in entries:
        metadata = extra["structuredMetadata"]
        assert metadata["scope_name"] == "a.library" and metadata["scope_version"] == "1.2" and metadata["host_name"] == "h1", metadata
        if not line.startswith("line "):
            assert metadata["kind"] == "map", metadata
            continue
        want = {"i": line[5:], "http_status_code": "500", "severity_text": "WARN", "severity_number": "13", "detected_level": "warn",
                "trace_id": "0102030405060708090a0b0c0d0e0f10", "span_id": "0102030405060708"}
        assert {name: metadata.get(name) for name in want} == want, metadata


def the_exporter_pushes_plain(node):
    run_application(node, "none")


def the_exporter_pushes_gzip(node):
    run_application(node, "gzip")


def many_batches_of_several_resources_arrive_whole(node):
    command = [node.python, "-c", BATCHES_APPLICATION, node.url, str(BATCHES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "Failed" not in done.stderr and "Error" not in done.stderr, done.stderr[-2000:]
    for service in ("cart", "stock"):
        for namespace in ("eu", "us"):
            text = f'sum(count_over_time({{service_name="{service}", k8s_namespace_name="{namespace}"}} | team="{service}-team" [1h]))'
            url = f"{node.url}/loki/api/v1/query?{urllib.parse.urlencode({'query': text})}"
            result = json.loads(ask(url, X_Scope_OrgID="otel"))["data"]["result"]
            assert [one["value"][1] for one in result] == [str(BATCHES * 500)], (service, namespace, result)
    longest = query(node, '{service_name="cart", k8s_namespace_name="eu"} |= "batch 39 " |= " line 499 "', limit=10)
    assert [len(value[1]) for stream in longest for value in stream["values"]] == [len("batch 39 line 499 ") + 2000], longest


def errors_are_a_status_message(node):
    text = ask(node.url + "/otlp/v1/logs", b"\xff", 400, Content_Type="application/x-protobuf")
    assert text[0] == 0x12 and text[1] == len(text) - 2 and b"OTLP" in text, text


def an_ochi_client_is_at_home(node):
    ochi = f"http://127.0.0.1:{node.ochi_port}"
    now = time.time_ns()
    assert ask(ochi + "/insert/loki/ready") == b"ready"
    body = {"streams": [{"stream": {"tag1": "alpha"}, "values": [[str(now - 1), "one", {"field1": "x"}], [str(now), "two"]]}]}
    assert ask(ochi + "/insert/loki/api/v1/push", json.dumps(body).encode(), Content_Type="application/json", X_Scope_OrgID="ochi") == b""
    exact = {"start": now - 1, "end": now - 1, "tags": [{"key": "tag1", "value": "alpha"}], "fields": [{"key": "field1", "value": "x"}]}
    answer = json.loads(ask(ochi + "/query", json.dumps(exact).encode(), Content_Type="application/json", X_Scope_OrgID="ochi"))
    pairs = [{"key": "tag1", "value": "alpha"}, {"key": "field1", "value": "x"}, {"key": "", "value": "one"}]
    assert answer == [{"timestampNs": now - 1, "fields": pairs}], answer
    text = b"[5m, now] {tag1=alpha} _msg ~ 't.o'"
    lines = json.loads(ask(node.url + "/query", text, Content_Type="application/loql", X_Scope_OrgID="ochi"))["lines"]
    assert [(line["_msg"], line["tag1"]) for line in lines] == [("two", "alpha")], lines
    assert json.loads(ask(ochi + "/query", json.dumps(exact).encode(), Content_Type="application/json")) == [], "another tenant sees it"
    assert len(json.loads(ask(ochi + "/stream_ids", b'{"since":"5m"}', X_Scope_OrgID="ochi"))["streamIDs"]) == 1
    assert ask(ochi + "/flush", b"") == b""
    ask(ochi + "/loki/api/v1/labels", status=404)


def run(binary, results, Node):
    port = free_port()
    with Node(binary, flags=["--ochi.listen", f"127.0.0.1:{port}"]) as node:
        node.ochi_port = port
        if not results.run("otlp: the node starts", node.start):
            return
        results.run("ochi: " + an_ochi_client_is_at_home.__name__.replace("_", " "), an_ochi_client_is_at_home, node)
        results.run("otlp: " + errors_are_a_status_message.__name__.replace("_", " "), errors_are_a_status_message, node)
        node.python = results.have("otlp", packages.python, REQUIREMENTS)
        if node.python is None:
            return
        for test in (the_exporter_pushes_plain, the_exporter_pushes_gzip, many_batches_of_several_resources_arrive_whole):
            results.run("otlp: " + test.__name__.replace("_", " "), test, node)
