"""Node's loggers: pino with pino-loki (JSON), winston with winston-loki (protobuf in snappy, and JSON), OpenTelemetry's SDK (JSON and protobuf);
and @myunisoft/loki, which asks too."""
import json
import os

from harness import packages
from harness.client import call, entries

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients", "node")
COUNT = 500
FAILURE = 'a failure, with "quotes" and ünïcode'


def pino_pushes_with_labels_and_metadata(node):
    call(["node", "pino_application.js", node.url, "node", "pino", str(COUNT)], cwd=node.folder)
    found = entries(node, "node", '{app="pino"}', COUNT + 2)
    assert len(found) == COUNT + 2, len(found)
    by_message = {json.loads(line)["msg"]: (labels, extra, json.loads(line)) for labels, _, line, extra in found}
    for i in range(COUNT):
        labels, extra, _ = by_message[f"line {i}"]
        assert labels["component"] == ("odd" if i % 2 else "even") and labels["level"] == "info", labels
        assert extra["order"] == str(i) and extra["trace_id"] == f"t{i}" and extra["detected_level"] == "info", extra
    labels, extra, line = by_message[FAILURE]
    assert labels["level"] == "error" and extra["detected_level"] == "error" and line["err"]["message"] == "card declined", (labels, extra, line)
    assert by_message["a detail"][0]["level"] == "debug"


def winston(node, form):
    call(["node", "winston_application.js", node.url, "node", "winston-" + form, form, str(COUNT)], cwd=node.folder)
    found = entries(node, "node", f'{{app="winston-{form}"}}', COUNT + 1)
    assert len(found) == COUNT + 1, len(found)
    by_message = {json.loads(line)["message"]: (labels, extra, json.loads(line)) for labels, _, line, extra in found}
    for i in range(COUNT):
        labels, _, line = by_message[f"line {i}"]
        assert labels["component"] == ("odd" if i % 2 else "even") and labels["level"] == "info" and line["order"] == i, (labels, line)
    assert by_message[FAILURE][0]["level"] == "error", by_message[FAILURE]


def winston_pushes_protobuf_in_snappy(node):
    assert os.path.isdir(os.path.join(node.folder, "node_modules", "snappy")), "without snappy winston-loki would push JSON"
    winston(node, "protobuf")


def winston_pushes_json(node):
    winston(node, "json")


def opentelemetry(node, form, compression):
    service = f"otel-{form}"
    call(["node", "otlp_application.js", node.url, "node", service, form, compression, str(COUNT)], cwd=node.folder)
    found = entries(node, "node", f'{{service_name="{service}", k8s_namespace_name="eu"}}', COUNT + 1)
    by_line = {line: (labels, extra) for labels, _, line, extra in found}
    assert len(found) == len(by_line) == COUNT + 1, len(found)
    for i in range(COUNT):
        labels, extra = by_line[f"line {i}"]
        assert labels == {"service_name": service, "k8s_namespace_name": "eu"}, labels
        want = {"i": str(i), "ratio": f"{i / 4:g}", "ok": "true", "http_route": "/a/{b}", "replicas": "3", "flags": '["a","b"]', "severity_text": "WARN",
                "severity_number": "13", "detected_level": "warn", "scope_name": "shop", "scope_version": "2.0"}
        assert {name: extra.get(name) for name in want} == want, extra
    assert by_line['{"a":"ünï \\"x\\"","b":[1,2.5,true]}'][1]["kind"] == "map"


def opentelemetry_pushes_json(node):
    opentelemetry(node, "json", "none")


def opentelemetry_pushes_protobuf_in_gzip(node):
    opentelemetry(node, "proto", "gzip")


def myunisoft_loki_pushes_and_queries(node):
    answer = json.loads(call(["node", "query_application.js", node.url, "asked", str(COUNT)], cwd=node.folder).splitlines()[-1])
    assert sorted(answer["logs"]) == sorted(f"GET 200 /orders/{i}" for i in range(COUNT)), len(answer["logs"])
    assert sum(len(stream["values"]) for stream in answer["streams"]) == 1 + 10 + 100 * (COUNT >= 800), answer["streams"]
    assert answer["metrics"][0]["labels"] == {"app": "asked"} and answer["metrics"][0]["values"][-1][1] == str(COUNT), answer["metrics"]
    assert answer["labels"] == ["app", "env", "service_name"] and answer.get("none") is None and answer["apps"] == ["asked"], answer["labels"]
    assert answer["series"] == [{"app": "asked", "env": "test", "service_name": "asked"}], answer["series"]


TESTS = [pino_pushes_with_labels_and_metadata, winston_pushes_protobuf_in_snappy, winston_pushes_json, opentelemetry_pushes_json,
         opentelemetry_pushes_protobuf_in_gzip, myunisoft_loki_pushes_and_queries]


def run(binary, results, Node):
    folder = results.have("node clients", packages.node, os.path.join(FOLDER, "package.json"))
    if folder is None:
        return
    with Node(binary) as node:
        node.folder = folder
        if not results.run("node clients: the node starts", node.start):
            return
        for test in TESTS:
            results.run("node clients: " + test.__name__.replace("_", " "), test, node)
