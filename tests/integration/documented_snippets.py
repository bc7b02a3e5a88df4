"""docs/clients.md: its scripts run as they stand there, but for the node's address."""
import os
import sys
import tempfile

from harness import packages
from harness.client import call, entries

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
REQUIREMENTS = os.path.join(ROOT, "tests", "integration", "clients", "python", "requirements.txt")


def blocks(node, heading):
    """The indented blocks of a section."""
    with open(os.path.join(ROOT, "docs", "clients.md"), encoding="utf-8") as file:
        section = file.read().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found, block = [], []
    for line in section.split("\n") + ["end"]:
        if line.startswith("    ") or (line == "" and block):
            block.append(line[4:])
        elif block:
            found.append("\n".join(block).replace("http://127.0.0.1:3100", node.url).strip() + "\n")
            block = []
    return found


def curl_pushes_and_queries(node):
    told = call(["bash", "-ec", "\n".join(blocks(node, "curl"))])
    assert '"application started"' in told and '"app":"shop"' in told, told


def requests_pushes_and_queries(node):
    told = call([sys.executable, "-c", blocks(node, "Python")[0]])
    assert told.strip().endswith("application started") and "'env': 'dev'" in told, told


def handlers_of_logging_push(node):
    _, first, second = blocks(node, "Python")
    call([node.python, "-c", "import logging, logging_loki\n" + first + "logging.warning('by logging_loki')\n"])
    second += "logging.getLogger().addHandler(handler)\nlogging.warning('by loki_logger_handler', extra={'order': 7})\n"
    call([node.python, "-c", "import logging\nfrom loki_logger_handler.loki_logger_handler import LokiLoggerHandler\n" + second])
    lines = [line for _, _, line, _ in entries(node, "my-tenant", '{app="shop"} |= "by lo"', 2)]
    assert len(lines) == 2, lines


def the_environment_is_enough_for_opentelemetry(node):
    settings = dict(line.split("=", 1) for line in blocks(node, "OpenTelemetry SDKs")[0].splitlines())
    script = ("from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter\nfrom opentelemetry._logs import LogRecord\n"
              "from opentelemetry.sdk._logs import LoggerProvider\nfrom opentelemetry.sdk._logs.export import SimpleLogRecordProcessor\n"
              "provider = LoggerProvider()\nprovider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter()))\n"
              "provider.get_logger('x').emit(LogRecord(timestamp=__import__('time').time_ns(), body='by the environment'))\n")
    call([node.python, "-c", script], env={**os.environ, **settings, "OTEL_SERVICE_NAME": "environment"})
    assert [line for _, _, line, _ in entries(node, "my-tenant", '{service_name="environment"}', 1)] == ["by the environment"]


def prometheus_takes_the_scrape_configuration(node):
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(blocks(node, "Prometheus")[0])
        file.flush()
        call(["promtool", "check", "config", file.name])


def run(binary, results, Node):
    with Node(binary) as node:
        if not results.run("docs/clients.md: the node starts", node.start):
            return
        tests = [curl_pushes_and_queries, requests_pushes_and_queries, prometheus_takes_the_scrape_configuration]
        node.python = results.have("docs/clients.md", packages.python, REQUIREMENTS)
        if node.python is not None:
            tests += [handlers_of_logging_push, the_environment_is_enough_for_opentelemetry]
        for test in tests:
            results.run("docs/clients.md: " + test.__name__.replace("_", " "), test, node)
