#!/usr/bin/env python3
"""Real clients against a real node: Python's requests as an ordinary user writes it, curl, Prometheus and promtool.

    python3 tests/integration/run.py build/release/logi
"""
import importlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.node import Node, Results  # noqa: E402

SUITES = ["python_requests", "command_line", "prometheus_scrape", "otlp_exporter", "tail"]


def main():
    binary = os.path.abspath(sys.argv[1])
    only = sys.argv[2:] or SUITES
    results = Results()
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    for suite in only:
        importlib.import_module(suite).run(binary, results, Node)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
