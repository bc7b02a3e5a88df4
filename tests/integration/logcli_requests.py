"""The requests of logcli, captured from logcli 3.6 (it prints each), and its answers read as it reads them: strictly.

Batches are logcli's own: the next one begins at the last time of the one before, and what it saw there already is left out.
"""
import json
import time
import urllib.parse

from harness import go_decode
from harness.client import ask
from harness.push_request import push_request

HEADERS = {"X-Scope-OrgID": "logcli", "User-Agent": "loki-logcli/3.6.0", "X-Query-Tags": "Source=logcli", "Cache-Control": "no-cache"}
LINES = 1500
STREAMS = [("web", "dev"), ("web", "prod"), ("db", "dev"), ("db", "prod")]
HOUR = 3600 * 10**9


def get(node, path, status=200, **parameters):
    """Parameters as Go's url.Values encodes them: sorted by name."""
    return ask(f"{node.url}{path}?{urllib.parse.urlencode(sorted(parameters.items()), doseq=True)}", status=status, headers=HEADERS).decode()


def fill(node):
    node.now = time.time_ns() // 10**9 * 10**9
    streams = []
    for app, env in STREAMS:
        lines = [(node.now - (LINES - i) * 10**8,
                  f'level={"error" if i % 10 == 0 else "info"} msg="request {i}" status={200 + i % 3} app={app} env={env}', {"trace_id": f"t{i}"})
                 for i in range(LINES)]
        streams.append((f'{{app="{app}", env="{env}"}}', lines))
    ask(node.url + "/loki/api/v1/push", push_request(streams), 204, headers={**HEADERS, "Content-Type": "application/x-protobuf"})


def labels_values_and_series(node):
    span = {"start": node.now - HOUR, "end": node.now}
    assert go_decode.label_response(get(node, "/loki/api/v1/labels", **span)) == ["app", "env", "service_name"]
    assert go_decode.label_response(get(node, "/loki/api/v1/label/app/values", **span)) == ["db", "web"]
    assert go_decode.label_response(get(node, "/loki/api/v1/label/nothing/values", **span)) == []
    series = go_decode.series_response(get(node, "/loki/api/v1/series", match='{app="web"}', **span))
    assert sorted(one["env"] for one in series) == ["dev", "prod"] and len(series) == 2, series
    assert len(go_decode.series_response(get(node, "/loki/api/v1/series", match="{}", **span))) == 4, "logcli series --analyze-labels '{}'"
    assert len(go_decode.series_response(get(node, "/loki/api/v1/series", match=['{env="dev",app="web"}', '{env="prod",app="db"}'], **span))) == 2
    assert go_decode.series_response(get(node, "/loki/api/v1/series", match='{app="nothing"}', **span)) == []


def a_query_gives_streams(node):
    text = get(node, "/loki/api/v1/query_range", query='{app="web",env="dev"}', limit=30, start=node.now - HOUR, end=node.now, direction="BACKWARD")
    result = go_decode.query_response(text, "streams")
    assert sum(len(one["values"]) for one in result) == 30, len(result)
    assert result[0]["stream"]["trace_id"] and "stats" in json.loads(text)["data"], "logcli --stats reads them"


def batches(node, direction, size, query='{app=~".+"}'):
    start, end, seen, last = node.now - HOUR, node.now, [], []
    while True:
        text = get(node, "/loki/api/v1/query_range", query=query, limit=size, start=start, end=end, direction=direction)
        found = [(int(at), line) for one in go_decode.query_response(text, "streams") for at, line in one["values"]]
        found.sort(key=lambda entry: entry[0], reverse=direction == "BACKWARD")
        new = [entry for entry in found if entry not in last]
        if not new:
            return seen
        seen += new
        last = [entry for entry in found if entry[0] == found[-1][0]]
        assert len(last) < size, "every entry of the batch has one time"
        start, end = (last[0][0], end) if direction == "FORWARD" else (start, last[0][0] + 1)


def batches_give_every_entry_once(node):
    for direction in ("BACKWARD", "FORWARD"):
        for size in (1000, 777, 13) if direction == "FORWARD" else (1000, 5):
            query = '{app=~".+"}' if size > 100 else '{app=~".+"} |= "request 12"'
            seen = batches(node, direction, size, query)
            want = LINES if size > 100 else 111
            assert len(seen) == len(set(seen)) == want * len(STREAMS), (direction, size, len(seen), len(set(seen)))
            assert [at for at, _ in seen] == sorted((at for at, _ in seen), reverse=direction == "BACKWARD")


def a_metric_query_gives_a_matrix(node):
    text = get(node, "/loki/api/v1/query_range", query='sum by (app)(rate({app=~".+"}[1m]))', limit=30, start=node.now - HOUR, end=node.now, direction="BACKWARD", step="60")
    result = go_decode.query_response(text, "matrix")
    assert [one["metric"] for one in result] == [{"app": "db"}, {"app": "web"}] and ["20"] == [v for _, v in result[0]["values"]][1:2], result
    text = get(node, "/loki/api/v1/query_range", query='sum(count_over_time({app="web"}[1m]))', limit=30, start=node.now - HOUR, end=node.now, step="0.5", interval="1.5")
    assert sum(float(value) for one in go_decode.query_response(text, "matrix") for _, value in one["values"]) > LINES


def instant_queries_give_a_vector_or_a_scalar(node):
    count = 'sum by (app,env)(count_over_time({app=~".+"}[1h]))'
    result = go_decode.query_response(get(node, "/loki/api/v1/query", query=count, limit=30, time=node.now, direction="BACKWARD"), "vector")
    assert [(one["metric"], one["value"][1]) for one in result] == [({"app": a, "env": e}, str(LINES)) for a, e in sorted(STREAMS)], result
    scalar = go_decode.query_response(get(node, "/loki/api/v1/query", query="1+1", limit=30, time=node.now, direction="BACKWARD"), "scalar")
    assert scalar == [node.now // 10**9, "2"], scalar
    text = get(node, "/loki/api/v1/query", 400, query='{app="web"}', limit=30, time=node.now, direction="BACKWARD")
    assert "log queries are not supported as an instant query type" in text, text


def stats_and_volume(node):
    span = {"start": node.now - HOUR, "end": node.now}
    stats = go_decode.stats_response(get(node, "/loki/api/v1/index/stats", query='{app="web"}', **span))
    assert stats["streams"] == 2 and stats["entries"] == 2 * LINES and stats["bytes"] > 2 * LINES * 50, stats
    volume = go_decode.query_response(get(node, "/loki/api/v1/index/volume", query='{app="web"}', limit="30", **span), "vector")
    assert [(one["metric"], int(one["value"][1])) for one in volume] == [({"app": "web"}, stats["bytes"])], volume
    by_env = go_decode.query_response(get(node, "/loki/api/v1/index/volume", query='{app=~".+"}', limit="30", targetLabels="env", **span), "vector")
    assert sorted(one["metric"]["env"] for one in by_env) == ["dev", "prod"], by_env
    names = go_decode.query_response(get(node, "/loki/api/v1/index/volume", query='{app=~".+"}', limit="30", aggregateBy="labels", **span), "vector")
    assert {next(iter(one["metric"])) for one in names} == {"app", "env", "service_name"}, names
    ranged = go_decode.query_response(get(node, "/loki/api/v1/index/volume_range", query='{app="web"}', limit="30", step="60", **span), "matrix")
    assert sum(int(value) for one in ranged for _, value in one["values"]) == stats["bytes"], ranged


def detected_fields_and_values(node):
    span = {"start": node.now - HOUR, "end": node.now, "limit": 100, "line_limit": 1000, "step": "10s", "query": '{app="web"}'}
    fields = go_decode.fields_response(get(node, "/loki/api/v1/detected_fields", **span))
    assert fields["status"]["type"] == "int" and fields["status"]["cardinality"] == 3 and fields["level"]["cardinality"] == 2, fields
    values = json.loads(get(node, "/loki/api/v1/detected_field/status/values", **span))["values"]
    assert sorted(values) == ["200", "201", "202"], values


def errors_are_text(node):
    text = get(node, "/loki/api/v1/query_range", 400, query='{app="web"', limit=30, start=node.now - HOUR, end=node.now, direction="BACKWARD")
    assert text.startswith("parse error at line 1, col 11: syntax error"), text


TESTS = [labels_values_and_series, a_query_gives_streams, batches_give_every_entry_once, a_metric_query_gives_a_matrix,
         instant_queries_give_a_vector_or_a_scalar, stats_and_volume, detected_fields_and_values, errors_are_text]


def run(binary, results, Node):
    with Node(binary) as node:
        if not results.run("logcli's requests: the node starts", node.start) or not results.run("logcli's requests: lines are pushed", fill, node):
            return
        for test in TESTS:
            results.run("logcli's requests: " + test.__name__.replace("_", " "), test, node)
        results.run("logcli's requests: a flush comes between", ask, node.url + "/flush", b"", 204)
        for test in TESTS:
            results.run("logcli's requests, flushed: " + test.__name__.replace("_", " "), test, node)
