#!/usr/bin/env python3
"""Real clients against a real node: each suite is a module beside this one.

    python3 tests/integration/run.py build/release/logi [SUITE...]
"""
import importlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.node import Node, Results  # noqa: E402

SUITES = ["python_requests", "command_line", "prometheus_scrape", "otlp_exporter", "curl_client", "documented_snippets", "python_clients", "node_clients", "java_clients",
          "promtail_requests", "shipper_requests", "logcli_requests", "canary_requests", "grafana_requests", "tls_and_users", "bearer_tokens", "seed_clients", "isolation", "limits", "delete", "patterns", "rules", "tail", "openapi_document", "memory_pressure", "deployed_rules", "cost"]
LONG_SUITES = ["built_clients"]  # with LOGI_LONG=1 (tests/run.sh --long), or named


def main():
    binary = os.path.abspath(sys.argv[1])
    only = sys.argv[2:] or SUITES + (LONG_SUITES if os.environ.get("LOGI_LONG") == "1" else [])
    results = Results()
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    for suite in only:
        importlib.import_module(suite).run(binary, results, Node)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
