"""Rules: written and read over the API, evaluated, told to Debian's Alertmanager, recorded in Debian's Prometheus; and what a restart keeps."""
import json
import os
import shutil
import subprocess
import tempfile
import time

import requests

from harness.node import free_port

PATIENCE = 60  # seconds until a condition must hold

ALERT = """
name: web
interval: 1s
rules:
- alert: Errors
  expr: sum by (app) (count_over_time({app="web"} |= "error" [%s])) > 1
  for: %s
  labels: {severity: page, team: '{{ $labels.app | toUpper }}'}
  annotations:
    summary: '{{ $labels.app }} has {{ $value | humanize }} errors'
"""

RECORD = """
name: lines
interval: 1s
rules:
- record: web:lines:count
  expr: sum by (env) (count_over_time({app="web"}[10m]))
  labels: {source: logi}
"""


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            found = condition()
        except requests.ConnectionError:
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {PATIENCE} s")


def api(node, method, path, tenant="t1", **kwargs):
    return requests.request(method, node.url + path, headers={"X-Scope-OrgID": tenant}, timeout=20, **kwargs)


def push(node, lines, tenant="t1", **labels):
    values = [[str(time.time_ns() + i), line] for i, line in enumerate(lines)]
    answer = api(node, "POST", "/loki/api/v1/push", tenant, json={"streams": [{"stream": {"app": "web", **labels}, "values": values}]})
    assert answer.status_code == 204, answer.text


def put(node, text, namespace="ns", tenant="t1"):
    answer = api(node, "POST", f"/loki/api/v1/rules/{namespace}", tenant, data=text.encode())
    assert answer.status_code == 202 and answer.json() == {"status": "success", "data": None, "errorType": "", "error": ""}, answer.text


def alerts(node, tenant="t1"):
    return api(node, "GET", "/prometheus/api/v1/alerts", tenant).json()["data"]["alerts"]


def groups(node, tenant="t1", **params):
    return api(node, "GET", "/prometheus/api/v1/rules", tenant, params=params).json()["data"]["groups"]


class Service:
    """A Debian program in the foreground, on a port of its own, with its data in a folder of its own."""

    def __init__(self, command, config, port=None):
        self.folder = tempfile.mkdtemp(prefix="logi-rules-")
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with open(os.path.join(self.folder, "config.yml"), "w") as file:
            file.write(config)
        self.log = open(os.path.join(self.folder, "log"), "wb")
        filled = [part.format(folder=self.folder, port=self.port) for part in command]
        self.process = subprocess.Popen(filled, stdout=self.log, stderr=self.log)

    def __enter__(self):
        wait_for("the service is ready", lambda: requests.get(self.url + "/-/ready", timeout=5).status_code == 200)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def alertmanager():
    return Service(["prometheus-alertmanager", "--config.file={folder}/config.yml", "--storage.path={folder}/data", "--cluster.listen-address=",
                    "--web.listen-address=127.0.0.1:{port}"], "route: {receiver: none}\nreceivers: [{name: none}]\n")


def prometheus(port=None):
    return Service(["prometheus", "--config.file={folder}/config.yml", "--storage.tsdb.path={folder}/data", "--web.enable-remote-write-receiver",
                    "--web.listen-address=127.0.0.1:{port}"], "global: {}\n", port)


# ---- the API ----

REFUSALS = [
    ("name: g\nrules: [", "unable to decoded rule group"),
    ("[1, 2]", "unable to decoded rule group"),
    ("name: g\ninterval: soon\n", "unable to decoded rule group"),
    ("name: g\nname: h\n", "unable to decoded rule group"),
    ("rules: []", "group 0: Groupname must not be empty"),
    ("name: g\nrules: [{alert: A, record: b, expr: '1'}]", "only one of 'record' and 'alert' must be set"),
    ("name: g\nrules: [{expr: '1'}, {alert: A}]", "one of 'record' or 'alert' must be set, field 'expr' must be set in rule"),
    ("name: g\nrules: [{record: a-b c, expr: '1'}]", "invalid recording rule name: a-b c"),
    ("name: g\nrules: [{alert: A, expr: '1', labels: {1x: a}}]", "invalid label name: 1x"),
    ("name: g\nrules: [{alert: A, expr: '1', labels: {__name__: a}}]", "invalid label name: __name__"),
    ("name: g\nrules: [{record: r, expr: '1', for: 1m}]", "invalid field 'for' in recording rule"),
    ("name: g\nrules: [{record: r, expr: '1', annotations: {a: b}}]", "invalid field 'annotations' in recording rule"),
    ("name: g\nrules: [{alert: A, expr: '1', annotations: {x: '{{ nope }}'}}]",
     'annotation "x": template: __alert_A:1: function "nope" not defined'),
    ("name: g\nrules: [{record: r, expr: 'sum('}]", "could not parse expression for record 'r' in group 'g': parse error at line 1, col 5"),
]


def refusals_have_lokis_words(node):
    for text, words in REFUSALS:
        answer = api(node, "POST", "/loki/api/v1/rules/ns", data=text)
        assert answer.status_code == 400 and answer.text.startswith(words), (text, answer.status_code, answer.text)
    assert api(node, "GET", "/loki/api/v1/rules").status_code == 404


def groups_are_written_listed_and_deleted(node):
    both = "name: {}\ninterval: 1h\nrules: [{{alert: A, expr: '1 > 2', labels: {{k: {}}}}}]"
    for namespace, name in (("b", "g2"), ("a", "g10"), ("b", "g1"), ("a", "g9")):
        put(node, both.format(name, name), namespace)
    listed = api(node, "GET", "/loki/api/v1/rules")
    names = [line.strip(" -") for line in listed.text.splitlines() if "name:" in line or not line.startswith(" ")]
    assert listed.headers["Content-Type"] == "application/yaml"
    assert names == ["a:", "name: g9", "name: g10", "b:", "name: g1", "name: g2"], names
    assert api(node, "GET", "/api/prom/rules").text == listed.text
    assert "g9" not in api(node, "GET", "/loki/api/v1/rules/b").text
    only = api(node, "GET", "/loki/api/v1/rules", params={"labels": "k:g1,k:none"}).text
    assert "g1\n" in only and "g2" not in only and "a:" not in only, only
    assert [g["name"] for g in groups(node)] == ["g9", "g10", "g1", "g2"]
    assert [g["name"] for g in groups(node, file="b", rule_group="g2")] == ["g2"]
    assert groups(node, type="record") == [] and len(groups(node, type="alert", rule_name="A")) == 4
    assert api(node, "GET", "/loki/api/v1/rules", tenant="t2").status_code == 404, "another tenant's rules"
    for path, status, words in (("/b/g1", 202, "success"), ("/b/g1", 202, "success"), ("/b", 202, "success"),
                                ("/b", 404, "group namespace does not exist\n"), ("/a", 202, "success")):
        answer = api(node, "DELETE", "/loki/api/v1/rules" + path)
        assert answer.status_code == status and words in answer.text, (path, answer.text)
    assert api(node, "GET", "/loki/api/v1/rules").text == "no rule groups found\n"
    assert api(node, "GET", "/loki/api/v1/rules/a/g9").text == "group does not exist\n"


def wrong_requests_are_refused(node):
    for method, path, status in (("POST", "/loki/api/v1/rules/ns/g", 405), ("PUT", "/loki/api/v1/rules/ns", 405),
                                 ("POST", "/loki/api/v1/rules/..%2f..%2fx", 404), ("POST", "/loki/api/v1/rules/%2e%2e", 404),
                                 ("GET", "/prometheus/api/v1/rules?type=x", 400)):
        answer = api(node, method, path, data="name: g")
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
    large = api(node, "POST", "/loki/api/v1/rules/ns", data="name: g\n#" + "x" * (1 << 20))
    assert large.status_code == 413, large.status_code
    long_name = api(node, "POST", "/loki/api/v1/rules/" + "n" * 2000, data="name: g")
    assert long_name.status_code == 400, long_name.text


def limits_are_refused_with_lokis_words(binary, Node):
    flags = ["--limits_config.ruler_max_rules_per_rule_group=1", "--limits_config.ruler_max_rule_groups_per_tenant=1"]
    with Node(binary, flags=flags) as node:
        node.start()
        two = api(node, "POST", "/loki/api/v1/rules/ns", data="name: g\nrules: [{record: a, expr: '1'}, {record: b, expr: '1'}]")
        assert two.status_code == 400 and two.text == "per-user rules per rule group limit (limit: 1 actual: 2) exceeded\n", two.text
        put(node, "name: g\nrules: [{record: a, expr: '1'}]")
        put(node, "name: g\nrules: [{record: b, expr: '1'}]")
        more = api(node, "POST", "/loki/api/v1/rules/other", data="name: g")
        assert more.status_code == 400 and more.text == "per-user rule groups limit (limit: 1 actual: 2) exceeded\n", more.text


# ---- alerts ----


def an_alert_reaches_the_alertmanager_and_is_resolved(binary, Node):
    with alertmanager() as manager, Node(binary, flags=[f"--ruler.alertmanager_url={manager.url}", "--ruler.external_url=http://grafana"]) as node:
        node.start()

        def told():
            found = requests.get(manager.url + "/api/v2/alerts", timeout=5).json()
            return found[0] if found else None

        push(node, ["error 1", "error 2", "fine"])
        put(node, ALERT % ("8s", "1s"))
        alert = wait_for("the alert is told", told)
        assert alert["labels"] == {"alertname": "Errors", "app": "web", "severity": "page", "team": "WEB"}, alert
        assert alert["annotations"] == {"summary": "web has 2 errors"}, alert
        assert alert["generatorURL"].startswith("http://grafana/explore?left=%7B%22queries%22"), alert
        shown = groups(node)[0]["rules"][0]
        assert shown["state"] == "firing" and shown["alerts"][0]["value"] == "2e+00" and shown["health"] == "ok", shown
        wait_for("the alert is resolved", lambda: told() is None)
        assert wait_for("the alert is gone", lambda: alerts(node) == []) and groups(node)[0]["rules"][0]["state"] == "inactive"
        metrics = requests.get(node.url + "/metrics", timeout=5).text
        assert 'loki_prometheus_notifications_sent_total{user="t1"}' in metrics, "no metric of what was sent"
        assert 'loki_prometheus_rule_evaluations_total{user="t1",rule_group="ns;web"}' in metrics
        code = node.stop()
        assert code == 0, (code, node.log()[-2000:])


def pending_alerts_survive_a_stop_and_a_kill(binary, Node):
    with Node(binary) as node:
        node.start()
        push(node, ["error 1", "error 2"])
        put(node, ALERT % ("1h", "1h"))
        first = wait_for("the alert is pending", lambda: alerts(node))[0]
        assert first["state"] == "pending", first
        time.sleep(2.5)  # longer than the state may wait for the disk
        for end in (node.kill, node.stop):
            end()
            node.start()
            again = wait_for("the alert is back", lambda: alerts(node))[0]
            assert (again["activeAt"], again["labels"]) == (first["activeAt"], first["labels"]), (first, again)
            wait_for("the rule runs", lambda: groups(node)[0]["rules"][0]["health"] == "ok")
            assert alerts(node)[0]["activeAt"] == first["activeAt"], "the evaluation began anew"
        assert "expr: sum by (app)" in api(node, "GET", "/loki/api/v1/rules/ns/web").text


def a_log_query_and_a_failing_rule_say_so(node):
    put(node, "name: bad\ninterval: 1s\nrules: [{alert: L, expr: '{app=\"web\"}'}, {record: r, expr: 'rate({app=\"web\"} | json | unwrap x [1s])'}]", "bad")
    rule = wait_for("it was evaluated", lambda: [r for r in groups(node, file="bad")[0]["rules"] if r["health"] == "err"])[0]
    assert rule["name"] == "L" and rule["lastError"] == "rule result is not a vector or scalar", rule
    assert api(node, "DELETE", "/loki/api/v1/rules/bad").status_code == 202


# ---- recording ----


def recorded_series_reach_prometheus_and_end(binary, Node):
    port = free_port()
    flags = ["--ruler.remote_write.enabled=true", f"--ruler.remote_write.client.url=http://127.0.0.1:{port}/api/v1/write"]
    with Node(binary, flags=flags) as node:
        node.start()
        push(node, ["one", "two", "three"], env="prod")
        put(node, RECORD)
        wait_for("the rule runs without a Prometheus", lambda: groups(node)[0]["rules"][0]["health"] == "ok")
        time.sleep(1)
        with prometheus(port) as server:  # it comes late: what waited is sent again

            def series(query):
                return requests.get(server.url + "/api/v1/query", params={"query": query}, timeout=5).json()["data"]["result"]

            found = wait_for("the series is there", lambda: series("web:lines:count"))
            assert found[0]["metric"] == {"__name__": "web:lines:count", "env": "prod", "source": "logi"}, found
            assert found[0]["value"][1] == "3", found
            put(node, ALERT.replace("|= \"error\" ", "") % ("1h", "1h"), "alerts")
            found = wait_for("the alert's series is there", lambda: series('ALERTS{alertname="Errors"}'))
            assert found[0]["metric"]["alertstate"] == "pending", found
            assert api(node, "DELETE", "/loki/api/v1/rules/ns/lines").status_code == 202
            wait_for("the series has ended", lambda: series("web:lines:count") == [])
        metrics = requests.get(node.url + "/metrics", timeout=5).text
        assert 'loki_ruler_wal_samples_appended_total{tenant="t1"}' in metrics


# ---- files ----


def files_of_a_folder_are_read_and_read_again(binary, Node):
    folder = tempfile.mkdtemp(prefix="logi-rules-local-")
    os.mkdir(os.path.join(folder, "t1"))
    path = os.path.join(folder, "t1", "team.yaml")

    def write(name):
        with open(path + ".new", "w") as file:
            json.dump({"groups": [{"name": name, "rules": [{"alert": "A", "expr": "1 > 2"}]}]}, file)
        os.rename(path + ".new", path)

    write("first")
    os.mkdir(os.path.join(folder, ".hidden"))
    flags = [f"--ruler.storage.local.directory={folder}", "--ruler.poll_interval=1s"]
    try:
        with Node(binary, flags=flags) as node:
            node.start()
            assert [(g["file"], g["name"]) for g in groups(node)] == [("team.yaml", "first")]
            refused = api(node, "POST", "/loki/api/v1/rules/team.yaml", data="name: g")
            assert refused.status_code == 400 and "ruler.storage.local.directory" in refused.text, refused.text
            assert api(node, "DELETE", "/loki/api/v1/rules/team.yaml").status_code == 400
            write("second")
            wait_for("the change is read", lambda: [g["name"] for g in groups(node)] == ["second"])
            os.unlink(path)
            wait_for("the end is read", lambda: groups(node) == [])
    finally:
        shutil.rmtree(folder)


def a_damaged_file_harms_no_other(binary, Node):
    with Node(binary) as node:
        node.start()
        put(node, RECORD, "good")
        put(node, RECORD, "bad")
        assert node.stop() == 0
        with open(os.path.join(node.data, "rules", "t1", "bad.yaml"), "w") as file:
            file.write("groups: [")
        with open(os.path.join(node.data, "rules", "t1", "alerts.state"), "wb") as file:
            file.write(b"LOGIALRT\x01\x00\x00\x00")
        node.start()
        assert [g["file"] for g in groups(node)] == ["good"]
        assert node.log().count("a file of rules is left out") == 2


ON_ONE_NODE = [refusals_have_lokis_words, groups_are_written_listed_and_deleted, wrong_requests_are_refused, a_log_query_and_a_failing_rule_say_so]
WITH_THEIR_OWN = [limits_are_refused_with_lokis_words, pending_alerts_survive_a_stop_and_a_kill, files_of_a_folder_are_read_and_read_again,
                  a_damaged_file_harms_no_other]


def run(binary, results, Node):
    def name(test):
        return "rules: " + test.__name__.replace("_", " ")

    with Node(binary) as node:
        if not results.run("rules: the node starts", node.start):
            return
        for test in ON_ONE_NODE:
            results.run(name(test), test, node)
    for test in WITH_THEIR_OWN:
        results.run(name(test), test, binary, Node)
    for program, test in (("prometheus-alertmanager", an_alert_reaches_the_alertmanager_and_is_resolved),
                          ("prometheus", recorded_series_reach_prometheus_and_end)):
        if shutil.which(program) is None:
            print(f"     {program} is not installed: skipped: {name(test)}")
        else:
            results.run(name(test), test, binary, Node)
