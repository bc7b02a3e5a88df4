"""Java's Logback with the appender loki4j, by JSON and by protobuf in snappy."""
import os

from harness import packages
from harness.client import call, entries

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients", "java")
COUNT = 1000
FAILURE = 'a failure, with "quotes" and ünïcode'


def loki4j(node, app, protobuf):
    settings = {"logi.url": node.url, "logi.tenant": "java", "logi.app": app, "logi.protobuf": protobuf,
                "logback.configurationFile": os.path.join(FOLDER, "logback.xml")}
    command = ["java", "-Dfile.encoding=UTF-8", *(f"-D{name}={value}" for name, value in settings.items())]
    told = call([*command, "-cp", node.class_path, os.path.join(FOLDER, "Shop.java"), str(COUNT)])
    assert "ERROR" not in told and "Exception" not in told, told
    found = entries(node, "java", f'{{app="{app}"}}', COUNT + 1)
    assert len(found) == COUNT + 1, len(found)
    by_line = {line.split("\n")[0].strip(): (labels, line, extra) for labels, _, line, extra in found}
    for i in range(COUNT):
        labels, _, extra = by_line[f"line {i}"]
        assert labels == {"app": app, "level": "INFO", "service_name": app}, labels
        assert extra == {"thread": "main", "logger": "shop.Orders", "order": str(i), "detected_level": "info"}, extra
    labels, line, extra = next(value for key, value in by_line.items() if key.startswith(FAILURE))
    assert labels["level"] == "ERROR" and extra["detected_level"] == "error", (labels, extra)
    assert "IllegalStateException: card declined" in line and "Shop.main" in line, line


def loki4j_pushes_json(node):
    loki4j(node, "loki4j-json", "false")


def loki4j_pushes_protobuf_in_snappy(node):
    loki4j(node, "loki4j-protobuf", "true")


def run(binary, results, Node):
    class_path = results.have("java clients", packages.java, os.path.join(FOLDER, "pom.xml"))
    if class_path is None:
        return
    with Node(binary) as node:
        node.class_path = class_path
        if not results.run("java clients: the node starts", node.start):
            return
        for test in (loki4j_pushes_json, loki4j_pushes_protobuf_in_snappy):
            results.run("java clients: " + test.__name__.replace("_", " "), test, node)
