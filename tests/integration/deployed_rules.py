"""What deploy/ ships for Prometheus and Grafana: the alerts hold by promtool, and every selector of alerts and dashboards finds series on a real node."""
import glob
import importlib.util
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ALERTS = os.path.join(ROOT, "deploy", "prometheus")
DASHBOARDS = os.path.join(ROOT, "deploy", "grafana")
# Not on the node of this test: it has no certificate, and nothing fails.
ABSENT = {"logi_tls_certificate_expiry_timestamp_seconds"}
FAILURES = ('status_code=~"5.."',)


def send(node, method, path, body=None, **headers):
    request = urllib.request.Request(node.url + path, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        return error.read()


def push(node, labels, entries):
    body = json.dumps({"streams": [{"stream": labels, "values": entries}]}).encode()
    send(node, "POST", "/loki/api/v1/push", body, **{"Content-Type": "application/json"})


def smoke(node):
    """A little of everything."""
    now = time.time_ns()
    push(node, {"job": "smoke"}, [[str(now + i), f"level=info n={i}"] for i in range(500)])
    push(node, {"job": "smoke"}, [["1000000000", "too old"]])
    send(node, "POST", "/flush")
    for query in ('{job="smoke"} |= "n=4"', '{job="smoke"} |~ "n=[0-9]+$"', "sum(count_over_time({job=\"smoke\"}[5m]))"):
        send(node, "GET", "/loki/api/v1/query_range?query=" + urllib.parse.quote(query))
    for path in ("labels", "label/job/values", "series?match[]={job=\"smoke\"}", "index/stats?query={job=\"smoke\"}", "detected_fields?query={job=\"smoke\"}"):
        send(node, "GET", "/loki/api/v1/" + urllib.parse.quote(path, safe="/?=&[]"))


def series(node):
    """(name, labels) of all samples."""
    text = send(node, "GET", "/metrics").decode()
    found = []
    for name, labels in re.findall(r"^([a-z_:]+)(?:\{(.*)\})? \S+$", text, re.M):
        found.append((name, dict(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', labels))))
    return found


def selectors(expr):
    """(name, [(label, operator, value)]) of each selector; Prometheus' functions and words are followed by ( or by nothing in braces."""
    found = []
    for name, matchers in re.findall(r"\b((?:logi|loki|log|logql|process)_[a-z_]+)(?:\{([^}]*)\})?", expr):
        found.append((name, re.findall(r'([a-z_]+)\s*(=~|!=|!~|=)\s*"([^"]*)"', matchers)))
    return found


def accepts(labels, matchers):
    for label, operator, value in matchers:
        if label in ("job", "instance"):
            continue
        have = labels.get(label, "")
        hit = bool(re.fullmatch(value, have)) if "~" in operator else have == value
        if hit == operator.startswith("!"):
            return False
    return True


def dashboard_expressions():
    for path in sorted(glob.glob(os.path.join(DASHBOARDS, "*.json"))):
        with open(path) as file:
            for panel in json.load(file)["panels"]:
                for target in panel["targets"]:
                    yield f"{os.path.basename(path)}: {panel['title']}", target["expr"]


def alert_expressions():
    with open(os.path.join(ALERTS, "alerts.yaml")) as file:
        rules = re.findall(r"- alert: (\w+)\n\s+expr: (.*?)(?=\n\s+(?:for|labels):)", file.read(), re.S)
    assert len(rules) >= 13, rules
    return [(name, expr) for name, expr in rules]


def promtool_takes_the_alerts(_):
    for command in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
        done = subprocess.run(["promtool", *command], cwd=ALERTS, capture_output=True, timeout=120)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()


def prometheus_takes_the_expressions_of_dashboards(_):
    rules = [{"record": f"logi:panel:{i}", "expr": expr.replace("$instance", ".*").replace("$__rate_interval", "5m")} for i, (_, expr) in enumerate(dashboard_expressions())]
    assert len(rules) > 60
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)  # JSON is YAML
        file.flush()
        done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, timeout=120)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def dashboards_are_what_their_maker_makes(_):
    spec = importlib.util.spec_from_file_location("make", os.path.join(DASHBOARDS, "make.py"))
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    made = maker.made()
    assert set(made) == {os.path.basename(path) for path in glob.glob(os.path.join(DASHBOARDS, "*.json"))}
    for name, text in made.items():
        with open(os.path.join(DASHBOARDS, name)) as file:
            assert file.read() == text, f"{name}: run deploy/grafana/make.py"


def every_selector_finds_series(node):
    smoke(node)
    end = time.monotonic() + 60
    while True:  # rounds of maintenance tell of themselves after a while
        have = series(node)
        missing = []
        for where, expr in [*dashboard_expressions(), *alert_expressions()]:
            for failure in FAILURES:
                expr = expr.replace(", " + failure, "")
            for name, matchers in selectors(expr):
                if name not in ABSENT and not any(n == name and accepts(labels, matchers) for n, labels in have):
                    missing.append((where, name, matchers))
        if not missing:
            return
        assert time.monotonic() < end, missing
        time.sleep(0.5)


TESTS = [promtool_takes_the_alerts, prometheus_takes_the_expressions_of_dashboards, dashboards_are_what_their_maker_makes, every_selector_finds_series]


def run(binary, results, Node):
    with Node(binary) as node:
        if not results.run("deployed rules: the node starts", node.start):
            return
        for test in TESTS:
            results.run("deployed rules: " + test.__name__.replace("_", " "), test, node)
