"""Python's clients from PyPI: httpx, plain and asynchronous, and two handlers of Python's logging that push to Loki."""
import json
import os

from harness import packages
from harness.client import call, entries

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients", "python")
COUNT = 200
FAILURE = 'a failure, with "quotes" and ünïcode'


def httpx_pushes_and_queries(node):
    call([node.python, os.path.join(FOLDER, "httpx_application.py"), node.url, "httpx", "plain"])


def httpx_pushes_and_queries_at_once_over_ten_connections(node):
    call([node.python, os.path.join(FOLDER, "httpx_application.py"), node.url, "httpx-async", "async"])


def run_handler(node, handler):
    command = [node.python, os.path.join(FOLDER, "logging_application.py"), node.url, "logging", handler, handler, str(COUNT)]
    call(command)
    return entries(node, "logging", f'{{app="{handler}"}}', COUNT + 1)


def python_logging_loki(node, version):
    found = run_handler(node, "logging-loki-" + version)
    assert [line for _, _, line, _ in found] == [f"line {i}" for i in range(COUNT)] + [FAILURE], found[-3:]
    want = {"app": "logging-loki-" + version, "service_name": "logging-loki-" + version, "logger": "shop.orders"}
    assert found[0][0] == {**want, "severity": "info", "component_name": "even"}, found[0]
    assert found[1][0] == {**want, "severity": "info", "component_name": "odd"}, found[1]
    assert found[-1][0] == {**want, "severity": "error", "reason": 'say "no"'}, found[-1]
    assert found[-1][3]["detected_level"] == "error", found[-1]


def python_logging_loki_pushes_to_the_first_api(node):
    python_logging_loki(node, "0")


def python_logging_loki_pushes_to_the_api_of_today(node):
    python_logging_loki(node, "1")


def loki_logger_handler_pushes_gzip_with_metadata(node):
    found = run_handler(node, "loki-logger-handler")
    assert sorted(int(extra["order"]) for _, _, _, extra in found) == list(range(-1, COUNT)), len(found)
    assert all(extra["region"] == "eu" for _, _, _, extra in found)
    messages = [json.loads(line)["message"] for _, _, line, _ in found]
    assert sorted(messages) == sorted([f"line {i}" for i in range(COUNT)] + [FAILURE]), messages[-3:]
    levels = {labels["level"] for labels, _, _, _ in found}
    assert levels == {"INFO", "ERROR"}, levels
    failure = next(entry for entry in found if entry[3]["order"] == "-1")
    assert failure[3]["detected_level"] == "error" and "card declined" in failure[2], failure


TESTS = [httpx_pushes_and_queries, httpx_pushes_and_queries_at_once_over_ten_connections, python_logging_loki_pushes_to_the_first_api,
         python_logging_loki_pushes_to_the_api_of_today, loki_logger_handler_pushes_gzip_with_metadata]


def run(binary, results, Node):
    interpreter = results.have("python clients", packages.python, os.path.join(FOLDER, "requirements.txt"))
    if interpreter is None:
        return
    with Node(binary) as node:
        node.python = interpreter
        if not results.run("python clients: the node starts", node.start):
            return
        for test in TESTS:
            results.run("python clients: " + test.__name__.replace("_", " "), test, node)
