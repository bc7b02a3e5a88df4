"""The requests of Grafana: its Loki data source (health check, Explore, dashboards, completion) and the Logs Drilldown app.

Read in Grafana's pkg/tsdb/loki (api.go, healthcheck.go) and in the app's sources: GET with parameters sorted by name; times of queries are
nanoseconds, of the app's resources RFC3339 with milliseconds; step is "<n>ms"; direction is lower case; data requests carry
X-Loki-Response-Encoding-Flags: categorize-labels. Its parser reads keys in the order in which they come: the encoding flags must stand before
the result that they explain.
"""
import gzip
import json
import time
import urllib.parse
import urllib.request
from datetime import datetime, timezone

from harness import go_decode
from harness.client import ask
from harness.push_request import push_request

HOUR = 3600 * 10**9
LINES = 600


def get(node, path, status=200, **parameters):
    url = f"{node.url}/loki/api/v1/{path}?{urllib.parse.urlencode(sorted(parameters.items()))}"
    return ask(url, status=status, headers={"User-Agent": "Grafana/12.1.0", "X-Scope-OrgID": "grafana", "X-Query-Tags": "Source=grafana-lokiexplore-app",
                                            "X-Loki-Response-Encoding-Flags": "categorize-labels"}).decode()


def iso(at_ns):
    return datetime.fromtimestamp(at_ns / 10**9, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(node):
    return {"start": iso(node.now - HOUR), "end": iso(node.now)}


def fill(node):
    node.now = time.time_ns() // 10**9 * 10**9
    streams = []
    for service in ("checkout", "payments"):
        for pod in ("a", "b"):
            lines = [(node.now - (LINES - i) * 10**9, json.dumps({"msg": f"order {i} took {i % 50}ms", "took": f"{i % 50}ms", "status": 200 + i % 3, "size": f"{i}KB"}),
                      {"trace_id": f"{i:031x}f", "detected_level": "error" if i % 5 == 0 else "info"}) for i in range(LINES)]
            streams.append((f'{{service_name="{service}", pod="{pod}", namespace="shop"}}', lines))
    ask(node.url + "/loki/api/v1/push", push_request(streams), 204, headers={"X-Scope-OrgID": "grafana", "Content-Type": "application/x-protobuf"})


def data_query(node, expression, kind, **parameters):
    text = get(node, "query_range", query=expression, direction="backward", start=node.now - HOUR, end=node.now, **{"step": "15000ms", "limit": 1000, **parameters})
    return go_decode.query_response(text, kind)


def the_health_check_passes(node):
    text = get(node, "query", query="vector(1)+vector(1)", direction="backward", time=4 * 10**9)  # Grafana asks for the fourth second of 1970
    result = go_decode.query_response(text, "vector")
    assert len(result) == 1 and result[0]["value"][1] == "2", result


def the_versions_are_told(node):
    built = json.loads(get(node, "status/buildinfo"))
    assert built["version"].count(".") == 2, "features are chosen by it"
    limits = json.loads(get(node, "drilldown-limits"))
    assert limits["limits"]["discover_log_levels"] is True and "service" in limits["limits"]["discover_service_name"], limits
    assert isinstance(limits["limits"]["log_level_fields"], list) and isinstance(limits["limits"]["max_entries_limit_per_query"], int), limits
    assert isinstance(limits["limits"]["retention_period"], str) and limits["pattern_ingester_enabled"] is True and limits["version"], limits


def explore_shows_entries_with_their_metadata(node):
    text = get(node, "query_range", query='{service_name="checkout"} |= `took` | json | drop __error__', direction="backward", limit=100,
               start=node.now - HOUR, end=node.now, step="15000ms")
    keys = [text.index(f'"{key}":') for key in ("resultType", "encodingFlags", "result")]
    assert keys == sorted(keys) and json.loads(text)["data"]["encodingFlags"] == ["categorize-labels"], text[:200]
    result = go_decode.query_response(text, "streams")
    entries = [value for one in result for value in one["values"]]
    assert len(entries) == 100 and all(set(one["stream"]) == {"service_name", "pod", "namespace"} for one in result), result[0]
    for _, line, extra in entries:
        fields = json.loads(line)
        assert extra["parsed"] == {"msg": fields["msg"], "took": fields["took"], "status": str(fields["status"]), "size": fields["size"]}, extra
        assert set(extra["structuredMetadata"]) == {"trace_id", "detected_level"}, extra


def explore_shows_the_volume_by_level(node):
    query = 'sum by (level, detected_level) (count_over_time({service_name="checkout"} |= `took` | drop __error__[60s]))'
    result = data_query(node, query, "matrix", step="60000ms")
    assert sorted(one["metric"].get("detected_level", "") for one in result) == ["error", "info"], result
    assert {at % 60 for one in result for at, _ in one["values"]} == {0}, "aligned to the step"


def context_of_an_entry_is_found_on_both_sides(node):
    row = node.now - 300 * 10**9
    for direction, start, end, first in (("backward", row - 2 * HOUR, row, row - 10**9), ("forward", row, row + 2 * HOUR, row)):
        text = get(node, "query_range", query='{service_name="checkout",pod="a"}', direction=direction, limit=10, start=start, end=end, step="1000ms")
        times = [int(value[0]) for one in go_decode.query_response(text, "streams") for value in one["values"]]
        assert len(times) == 10 and (max(times) if direction == "backward" else min(times)) == first, (direction, times)


def completion_finds_labels_and_values(node):
    ns = {"start": node.now - HOUR, "end": node.now}
    assert go_decode.label_response(get(node, "labels", **ns)) == ["namespace", "pod", "service_name"]
    assert go_decode.label_response(get(node, "labels", query='{service_name="checkout"}', **ns)) == ["namespace", "pod", "service_name"]
    assert go_decode.label_response(get(node, "label/pod/values", query='{service_name="checkout"}', **ns)) == ["a", "b"]
    assert go_decode.label_response(get(node, "label/__stream_shard__/values", query='{service_name="checkout"}', **ns)) == []
    series = go_decode.series_response(get(node, "series", **{"match[]": '{service_name="checkout"}'}, **ns))
    assert len(series) == 2 and series[0]["namespace"] == "shop", series
    stats = go_decode.stats_response(get(node, "index/stats", query='{service_name="checkout"}', **ns))
    assert stats["streams"] == 2 and stats["entries"] == 2 * LINES, stats
    empty = go_decode.stats_response(get(node, "index/stats", query='{service_name="nothing"}', **ns))
    assert empty == {"streams": 0, "chunks": 0, "bytes": 0, "entries": 0}, empty
    assert json.loads(get(node, "format_query", query='{a="b"}|="c"'))["data"] == '{a="b"} |= "c"'


def drilldown_lists_services_and_labels(node):
    volume = go_decode.query_response(get(node, "index/volume", query="{service_name=~`.+`}", limit=5000, **span(node)), "vector")
    assert sorted(one["metric"]["service_name"] for one in volume) == ["checkout", "payments"], volume
    assert len({one["value"][1] for one in volume}) == 1 and int(volume[0]["value"][1]) > LINES * 2 * 50
    for query in ("", '{service_name="checkout"}'):
        labels = json.loads(get(node, "detected_labels", query=query, **span(node)))["detectedLabels"]
        assert {one["label"]: go_decode.an_integer(one["cardinality"]) for one in labels} == {
            "namespace": 1, "pod": 2, "service_name": 1 if query else 2}, labels
    assert "service_name" in go_decode.label_response(get(node, "labels", **span(node)))


def drilldown_lists_fields_and_their_values(node):
    fields = go_decode.fields_response(get(node, "detected_fields", query='{service_name="checkout"}', **span(node)))
    kinds = {name: (one["type"], one["parsers"]) for name, one in fields.items()}
    assert kinds == {"detected_level": ("string", None), "trace_id": ("string", None), "msg": ("string", ["json"]), "took": ("duration", ["json"]),
                     "status": ("int", ["json"]), "size": ("bytes", ["json"])}, kinds
    values = json.loads(get(node, "detected_field/status/values", query='{service_name="checkout"} | json', limit=1000, **span(node)))["values"]
    assert sorted(values) == ["200", "201", "202"], values


def drilldown_lists_patterns_that_add_up(node):
    answer = json.loads(get(node, "patterns", query='{service_name="checkout"}', step="10s", **span(node)))
    assert answer["status"] == "success"
    for one in answer["data"]:
        go_decode.a_string(one["pattern"])
        for at, count in one["samples"]:
            assert go_decode.an_integer(at) % 10 == 0 and go_decode.an_integer(count) > 0
    assert sum(count for one in answer["data"] for _, count in one["samples"]) == 2 * LINES, answer["data"][:3]
    found = data_query(node, '{service_name="checkout"} |> `' + answer["data"][0]["pattern"] + "`", "streams", limit=10)
    assert found, "the pattern as a filter finds what it was made of"


def drilldown_draws_its_panels(node):
    levels = data_query(node, 'sum by (detected_level) (count_over_time({service_name="checkout"} | detected_level != "" [5s]))', "matrix", step="5000ms")
    assert sum(float(v) for one in levels for _, v in one["values"]) == 2 * LINES, levels
    status = data_query(node, 'sum by (status) (count_over_time({service_name="checkout"} | json | logfmt | drop __error__, __error_details__ | status!="" [15s]))', "matrix")
    assert sorted(one["metric"]["status"] for one in status) == ["200", "201", "202"], status
    took = data_query(node, 'avg_over_time({service_name="checkout"} | json | drop __error__, __error_details__ | took!="" | unwrap duration(took) | __error__="" [15s]) by ()', "matrix")
    assert len(took) == 1 and 0 < float(took[0]["values"][5][1]) < 0.05, took
    size = data_query(node, 'avg_over_time({service_name="checkout"} | json size="size" | unwrap bytes(size) | __error__="" [15s]) by ()', "matrix")
    assert len(size) == 1 and float(size[0]["values"][-1][1]) > 500 * 1000, size
    shown = data_query(node, '{service_name=`checkout`, namespace=~`sh.+`} | detected_level=~`error|warn` |~ `(?i)ORDER 1\\d\\d ` | json | logfmt | drop __error__, __error_details__ | status=`200`', "streams")
    assert sum(len(one["values"]) for one in shown) == 2 * len([i for i in range(100, 200) if i % 5 == 0 and i % 3 == 0]), len(shown)
    trace = data_query(node, f'{{service_name="checkout"}} | trace_id=`{7:031x}f`', "streams")
    assert sum(len(one["values"]) for one in trace) == 2, trace


def a_dashboard_asks_for_instant_tables(node):
    text = get(node, "query", query='topk(2, sum by (service_name, pod) (count_over_time({namespace="shop"}[1h])))', direction="backward", limit=1000, time=node.now)
    result = go_decode.query_response(text, "vector")
    assert len(result) == 2 and {one["value"][1] for one in result} == {str(LINES)}, result
    assert go_decode.query_response(get(node, "query", query='count_over_time({a="nothing"}[1h])', time=node.now), "vector") == []
    assert data_query(node, 'rate({a="nothing"}[1m])', "matrix") == []
    assert data_query(node, '{a="nothing"}', "streams") == []


def errors_are_shown_as_they_come(node):
    for path, query in (("query_range", "{service_name=}"), ("index/stats", "{"), ("detected_fields", "{}"), ("patterns", "{a"), ("index/volume", "{a=~}")):
        text = get(node, path, 400, query=query, start=node.now - HOUR, end=node.now)
        assert text and not text.startswith(("{", "<")), "read as text: " + text
    text = get(node, "query_range", 400, query='{service_name=""}', start=node.now - HOUR, end=node.now, step="1000ms")
    assert "at least one regexp or equality matcher" in text, text


def a_client_that_takes_gzip_can_read_the_answer(node):
    url = f"{node.url}/loki/api/v1/labels?start={node.now - HOUR}&end={node.now}"
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip", "X-Scope-OrgID": "grafana"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        body = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
    assert go_decode.label_response(body) == ["namespace", "pod", "service_name"]


TESTS = [the_health_check_passes, the_versions_are_told, explore_shows_entries_with_their_metadata, explore_shows_the_volume_by_level,
         context_of_an_entry_is_found_on_both_sides, completion_finds_labels_and_values, drilldown_lists_services_and_labels,
         drilldown_lists_fields_and_their_values, drilldown_lists_patterns_that_add_up, drilldown_draws_its_panels,
         a_dashboard_asks_for_instant_tables, errors_are_shown_as_they_come, a_client_that_takes_gzip_can_read_the_answer]


def run(binary, results, Node):
    with Node(binary) as node:
        if not results.run("grafana's requests: the node starts", node.start) or not results.run("grafana's requests: lines are pushed", fill, node):
            return
        for test in TESTS:
            results.run("grafana's requests: " + test.__name__.replace("_", " "), test, node)
        results.run("grafana's requests: a flush comes between", ask, node.url + "/flush", b"", 204)
        for test in TESTS:
            results.run("grafana's requests, flushed: " + test.__name__.replace("_", " "), test, node)
