"""An ordinary user's Python: pushes and queries by `requests`, as the documents for Loki's users show it."""
import gzip
import json
import time
from datetime import datetime, timedelta

import requests


def push_logs(url, labels, entries, **kwargs):
    payload = {"streams": [{"stream": labels, "values": [list(e) for e in entries]}]}
    resp = requests.post(f"{url}/loki/api/v1/push", headers={"Content-Type": "application/json"}, data=json.dumps(payload), **kwargs)
    resp.raise_for_status()
    return resp


def query_range(url, query, start, end, limit=1000, **params):
    resp = requests.get(
        f"{url}/loki/api/v1/query_range",
        params={"query": query, "start": str(int(start.timestamp() * 1e9)), "end": str(int(end.timestamp() * 1e9)), "limit": limit,
                "direction": "backward", **params},
    )
    resp.raise_for_status()
    return resp.json()["data"]["result"]


def lines(result):
    return [value[1] for stream in result for value in stream["values"]]


def hour():
    return datetime.now() - timedelta(hours=1), datetime.now() + timedelta(seconds=1)


def pushed_lines_come_back(node):
    now = time.time_ns()
    assert push_logs(node.url, {"job": "myapp", "env": "dev"}, [(str(now), "application started"), (str(now + 1), "listening on port 8080")]).status_code == 204
    result = query_range(node.url, '{job="myapp"}', *hour())
    assert lines(result) == ["listening on port 8080", "application started"], result
    assert result[0]["stream"] == {"job": "myapp", "env": "dev", "service_name": "myapp", "detected_level": "unknown"}, result


def a_line_filter_chooses(node):
    assert lines(query_range(node.url, '{job="myapp"} |= "port"', *hour())) == ["listening on port 8080"]
    assert lines(query_range(node.url, '{job=~"my.+"} != "port" |~ "start(ed|ing)"', *hour())) == ["application started"]
    assert query_range(node.url, '{job="other"}', *hour()) == []


def forward_is_the_reverse_of_backward(node):
    backward = lines(query_range(node.url, '{job="myapp"}', *hour()))
    forward = lines(query_range(node.url, '{job="myapp"}', *hour(), direction="forward"))
    assert forward == backward[::-1] and len(forward) == 2


def labels_values_and_series_are_listed(node):
    data = requests.get(f"{node.url}/loki/api/v1/labels").json()["data"]
    assert {"env", "job", "service_name"} <= set(data), data
    assert requests.get(f"{node.url}/loki/api/v1/label/job/values").json()["data"] == ["myapp"]
    series = requests.get(f"{node.url}/loki/api/v1/series", params={"match[]": '{job="myapp"}'}).json()["data"]
    assert series == [{"job": "myapp", "env": "dev", "service_name": "myapp"}], series


def a_retried_push_is_stored_once(node):
    now = str(time.time_ns())
    for _ in range(3):
        push_logs(node.url, {"job": "retry"}, [(now, "once")])
    assert lines(query_range(node.url, '{job="retry"}', *hour())) == ["once"]
    requests.post(f"{node.url}/flush").raise_for_status()
    push_logs(node.url, {"job": "retry"}, [(now, "once")])
    assert lines(query_range(node.url, '{job="retry"}', *hour())) == ["once"]


def a_gzipped_body_is_taken(node):
    body = gzip.compress(json.dumps({"streams": [{"stream": {"job": "gz"}, "values": [[str(time.time_ns()), "packed"]]}]}).encode())
    resp = requests.post(f"{node.url}/loki/api/v1/push", data=body, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert resp.status_code == 204, resp.text
    assert lines(query_range(node.url, '{job="gz"}', *hour())) == ["packed"]


def one_bad_entry_harms_no_other(node):
    now = time.time_ns()
    old = str(now - 30 * 24 * 3600 * 10**9)
    payload = {"streams": [{"stream": {"job": "partial"}, "values": [[str(now), "good"], [old, "too old"]]}]}
    resp = requests.post(f"{node.url}/loki/api/v1/push", json=payload)
    assert resp.status_code == 400 and "has timestamp too old" in resp.text, resp.text
    assert lines(query_range(node.url, '{job="partial"}', *hour())) == ["good"]


def errors_are_clear(node):
    resp = requests.get(f"{node.url}/loki/api/v1/query_range", params={"query": '{job="x"'})
    assert resp.status_code == 400 and "parse error at line 1, col 9" in resp.text, resp.text
    assert requests.post(f"{node.url}/loki/api/v1/push", data="nonsense", headers={"Content-Type": "application/json"}).status_code == 400
    assert requests.get(f"{node.url}/nowhere").status_code == 404
    assert requests.get(f"{node.url}/loki/api/v1/push").status_code == 405


def tenants_do_not_see_each_other(node):
    now = str(time.time_ns())
    push = {"streams": [{"stream": {"job": "secret"}, "values": [[now, "of a"]]}]}
    assert requests.post(f"{node.url}/loki/api/v1/push", json=push, headers={"X-Scope-OrgID": "a"}).status_code == 204

    def read(tenant):
        headers = {"X-Scope-OrgID": tenant} if tenant else {}
        answer = requests.get(f"{node.url}/loki/api/v1/query_range", params={"query": '{job="secret"}'}, headers=headers)
        answer.raise_for_status()
        return lines(answer.json()["data"]["result"])

    assert read("a") == ["of a"]
    assert read("b") == [] and read(None) == []
    values = requests.get(f"{node.url}/loki/api/v1/label/job/values", headers={"X-Scope-OrgID": "b"}).json()
    assert "data" not in values, values
    assert requests.get(f"{node.url}/loki/api/v1/labels", headers={"X-Scope-OrgID": "../x"}).status_code == 400


def the_first_api_works(node):
    now = datetime.utcnow().isoformat() + "Z"
    push = {"streams": [{"labels": '{job="legacy"}', "entries": [{"ts": now, "line": "old friend"}]}]}
    assert requests.post(f"{node.url}/api/prom/push", json=push).status_code == 204
    answer = requests.get(f"{node.url}/api/prom/query", params={"query": '{job="legacy"}', "regexp": "fr.end"}).json()
    assert answer["streams"][0]["entries"][0]["line"] == "old friend", answer
    assert answer["streams"][0]["labels"].startswith('{detected_level="unknown", job="legacy"'), answer
    assert "job" in requests.get(f"{node.url}/api/prom/label").json()["values"]
    assert "legacy" in requests.get(f"{node.url}/api/prom/label/job/values").json()["values"]


def a_metric_query_counts(node):
    answer = requests.get(f"{node.url}/loki/api/v1/query", params={"query": 'sum(count_over_time({job="myapp"}[1h]))'}).json()
    assert answer["data"]["resultType"] == "vector" and answer["data"]["result"][0]["value"][1] == "2", answer


def lines_survive_a_restart(node):
    before = lines(query_range(node.url, '{job="myapp"}', *hour()))
    assert node.stop() == 0
    node.start()
    assert lines(query_range(node.url, '{job="myapp"}', *hour())) == before


TESTS = [pushed_lines_come_back, a_line_filter_chooses, forward_is_the_reverse_of_backward, labels_values_and_series_are_listed,
         a_retried_push_is_stored_once, a_gzipped_body_is_taken, one_bad_entry_harms_no_other, errors_are_clear, tenants_do_not_see_each_other,
         the_first_api_works, a_metric_query_counts, lines_survive_a_restart]


def run(binary, results, Node):
    with Node(binary) as node:
        if not results.run("requests: the node starts", node.start):
            return
        for test in TESTS:
            results.run("requests: " + test.__name__.replace("_", " "), test, node)
