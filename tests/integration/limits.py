"""Each key of limits_config: what it lets through, what it refuses, and with which words; a tenant for each, by overrides. The words are Loki's."""
import json
import socket
import tempfile
import time
import urllib.parse

import requests

PUSH = "/loki/api/v1/push"
HOUR = 3600 * 10**9
SELECTOR = '{job="x"}'

# name of the tenant -> its overrides
OVERRIDES = {
    "line": {"max_line_size": "20B"},
    "cut": {"max_line_size": 20, "max_line_size_truncate": True, "max_line_size_truncate_identifier": "[...]"},
    "names": {"max_label_name_length": 5},
    "values": {"max_label_value_length": 5},
    "many": {"max_label_names_per_series": 2},
    "nometa": {"allow_structured_metadata": False},
    "metasize": {"max_structured_metadata_size": 10},
    "metacount": {"max_structured_metadata_entries_count": 1},
    "old": {"reject_old_samples": True, "reject_old_samples_max_age": "2h"},
    "future": {"creation_grace_period": "5m"},
    "anyfuture": {"creation_grace_period": 0},
    "window": {"out_of_order_window": "1h"},
    "same": {"increment_duplicate_timestamp": True},
    "service": {"discover_service_name": ["team"]},
    "noservice": {"discover_service_name": []},
    "nolevel": {"discover_log_levels": False},
    "levels": {"log_level_fields": ["lvl"]},
    "rate": {"ingestion_rate_mb": 0.001, "ingestion_burst_size_mb": 0.001},
    "streamrate": {"per_stream_rate_limit": 100, "per_stream_rate_limit_burst": 200},
    "streams": {"max_global_streams_per_user": 2},
    "enforced": {"enforced_labels": ["env", "team"]},
    "blocked": {"block_ingestion_until": "2100-01-01T00:00:00Z", "block_ingestion_status_code": 456},
    "silent": {"block_ingestion_until": "2100-01-01T00:00:00Z", "block_ingestion_status_code": 200},
    "over": {"block_ingestion_until": "2000-01-01T00:00:00Z", "block_ingestion_status_code": 456},
    "entries": {"max_entries_limit_per_query": 5},
    "length": {"max_query_length": "2h"},
    "range": {"max_query_range": "30m"},
    "lookback": {"max_query_lookback": "1h"},
    "series": {"max_query_series": 2},
    "bytes": {"max_query_bytes_read": "1KB"},
    "timeout": {"query_timeout": "1ms"},
    "matchers": {"max_streams_matchers_per_query": 2},
    "required": {"required_labels": ["app", "env"]},
    "minimum": {"minimum_labels_number": 2},
    "novolume": {"volume_enabled": False},
    "volume": {"volume_max_series": 1},
    "queries": {"blocked_queries": [{"pattern": ".*secret.*", "regex": True}, {"pattern": '{job="exact"}'}, {"types": "metric", "pattern": "sum.*", "regex": True},
                                    {"hash": 1083137555}]},
    "tagged": {"blocked_queries": [{"query_tags": {"source": "batch", "Team": "a"}}, {"pattern": ".*", "regex": True, "types": "metric", "tags": {"source": "logcli"}}]},
    "memory": {"max_query_memory": "2MB"},
    "otlp": {"otlp_config": {"resource_attributes": {"ignore_defaults": True, "attributes_config": [{"action": "index_label", "regex": "te.m"}]},
                             "log_attributes": [{"action": "index_label", "attributes": ["job"]}, {"action": "drop", "attributes": ["secret"]}]}},
    "plain": {},
}


def entry(line="x", age_ns=0, metadata=None):
    return [str(time.time_ns() - age_ns), line] + ([metadata] if metadata else [])


def push(node, tenant, entries, **labels):
    body = {"streams": [{"stream": labels or {"job": "x"}, "values": entries}]}
    return requests.post(node.url + PUSH, json=body, headers={"X-Scope-OrgID": tenant}, timeout=60)


def query(node, tenant, text=SELECTOR, path="/loki/api/v1/query_range", headers=None, **params):
    params = {"start": str(time.time_ns() - HOUR), "end": str(time.time_ns() + HOUR // 10), **params}
    return requests.get(node.url + path, params={"query": text, **params}, headers={"X-Scope-OrgID": tenant, **(headers or {})}, timeout=60)


def streams(node, tenant, **params):
    answer = query(node, tenant, '{job=~".+"}', **params)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["result"]


def lines(node, tenant, **params):
    return sorted(value[1] for stream in streams(node, tenant, **params) for value in stream["values"])


# tenant, entries and labels of one push, status, words of the answer, lines that are there afterwards (None: not looked at)
PUSHES = [
    ("line", [entry("x" * 20)], {"job": "x"}, 204, "", ["x" * 20]),
    ("line", [entry("x" * 21)], {"job": "y"}, 400, "max entry size '20' bytes exceeded for stream '{job=\"y\", service_name=\"y\"}' while adding an entry with length '21' bytes",
     ["x" * 20]),
    ("cut", [entry("0123456789abcdefghijklmn")], {"job": "x"}, 204, "", ["0123456789abcde[...]"]),
    ("names", [entry()], {"job": "x", "abcde": "1"}, 400, "", []),  # service_name itself is longer
    ("values", [entry()], {"job": "123456"}, 400, "has label value too long: '123456'", []),
    ("many", [entry()], {"job": "x", "a": "1"}, 204, "", ["x"]),
    ("many", [entry()], {"job": "x", "a": "1", "b": "2"}, 400, "has 3 label names; limit 2", ["x"]),
    ("nometa", [entry(metadata={"a": "b"})], {"job": "x"}, 400, "structured metadata, but this feature is disallowed", []),
    ("metasize", [entry(metadata={"a": "123456789"})], {"job": "x"}, 204, "", ["x"]),
    ("metasize", [entry(metadata={"a": "1234567890"})], {"job": "x"}, 400, "structured metadata too large: '11' bytes, limit: '10' bytes", ["x"]),
    ("metacount", [entry(metadata={"a": "1", "b": "2"})], {"job": "x"}, 400, "too many structured metadata labels: '2', limit: '1'", []),
    ("old", [entry("new", HOUR), entry("old", 3 * HOUR)], {"job": "x"}, 400, "has timestamp too old", None),
    ("future", [entry("now"), entry("later", -HOUR // 10)], {"job": "x"}, 400, "has timestamp too new", None),
    ("anyfuture", [entry("later", -24 * HOUR)], {"job": "x"}, 204, "", None),
    ("window", [entry("newest"), entry("behind", 2 * HOUR)], {"job": "x"}, 400, "entry too far behind", None),
    ("enforced", [entry()], {"job": "x", "env": "dev"}, 400, "missing required labels 'team' for user 'enforced' for stream", []),
    ("enforced", [entry()], {"job": "x", "env": "dev", "team": "t"}, 204, "", ["x"]),
    ("blocked", [entry()], {"job": "x"}, 456, "ingestion blocked for user 'blocked' until '2100-01-01T00:00:00Z' with status code '456'", []),
    ("silent", [entry()], {"job": "x"}, (200, 204), "", []),
    ("over", [entry()], {"job": "x"}, 204, "", ["x"]),
    ("rate", [entry("x" * 2000)], {"job": "x"}, 429, "ingestion rate limit exceeded for user rate (limit: 1048 bytes/sec) while attempting to ingest '1' lines totaling '2000' bytes", []),
    ("streamrate", [entry("x" * 300)], {"job": "x"}, 429, "Per stream rate limit exceeded (limit: 100B/sec) while attempting to ingest for stream", []),
    ("plain", [entry("x" * 262144)], {"job": "x"}, 204, "", None),
    ("plain", [entry("x" * 262145)], {"job": "y"}, 400, "max entry size '262144' bytes exceeded", None),
]

# tenant, parameters of one query, status, words of the answer
QUERIES = [
    ("entries", {"limit": 5}, 200, ""),
    ("entries", {"limit": 6}, 400, "max entries limit per query exceeded, limit > max_entries_limit_per_query (6 > 5)"),
    ("entries", {"text": f"count_over_time({SELECTOR}[1m])", "limit": 6}, 200, ""),
    ("length", {"start": "0", "end": str(2 * HOUR)}, 200, ""),
    ("length", {"start": "0", "end": str(3 * HOUR)}, 400, "the query time range exceeds the limit (query length: 3h0m0s, limit: 2h)"),
    *[("length", {"path": "/loki/api/v1/" + path, "start": "0", "end": str(3 * HOUR)}, 400, "the query time range exceeds the limit (query length: 3h0m0s, limit: 2h)")
      for path in ("labels", "label/job/values", "series", "index/stats", "index/volume", "detected_labels", "detected_fields")],
    *[("length", {"path": "/loki/api/v1/" + path, "start": "0", "end": str(3 * HOUR)}, 200, "") for path in ("index/volume_range", "patterns")],
    ("length", {"start": "00000999999", "end": str(2 * HOUR + 999999)}, 200, ""),
    ("length", {"start": "00000999999", "end": str(2 * HOUR + 1000000)}, 400, "(query length: 2h0m0.001s, limit: 2h)"),
    ("lookback", {"path": "/loki/api/v1/patterns", "start": "00001000000", "end": str(3 * HOUR), "step": "60"}, 200, '"data":[]'),
    ("plain", {"path": "/loki/api/v1/index/volume", "step": "0", "interval": "-1", "direction": "up"}, 200, ""),
    ("plain", {"path": "/loki/api/v1/index/volume_range", "step": "0"}, 400, "zero or negative query resolution"),
    ("range", {"text": f"rate({SELECTOR}[30m])"}, 200, ""),
    ("range", {"text": f"sum(rate({SELECTOR}[1h])) / 2"}, 400, "[interval] value exceeds limit: [1h] > [30m]"),
    ("series", {"text": "count_over_time({job=~\"s.+\"}[1h])", "step": "3600"}, 400, "maximum number of series (2) reached for a single query"),
    ("series", {"text": "sum(count_over_time({job=~\"s.+\"}[1h]))", "step": "3600"}, 200, ""),
    ("bytes", {"text": SELECTOR + " |= \"x\""}, 400, "the query would read too many bytes (query: "),
    ("matchers", {"text": '{a="1",job=~".+"}'}, 200, ""),
    ("matchers", {"text": '{a="1",b="2",job="3"}'}, 400, "max streams matchers per query exceeded, matchers-count > limit (3 > 2)"),
    ("required", {"text": '{app="x",env="y"}'}, 200, ""),
    ("required", {"text": '{app="x",job="z"}'}, 400, "stream selector is missing required matchers [env], labels present in the query were [app, job]"),
    ("required", {"text": 'sum(rate({job="x"}[1m]))'}, 400, "stream selector is missing required matchers [app, env], labels present in the query were [job]"),
    ("minimum", {"text": '{app="x",env="y"}'}, 200, ""),
    ("minimum", {"text": '{app="x"}'}, 400, "stream selector has less label matchers than required: (present: [app], number_present: 1, required_number_label_matchers: 2)"),
    ("novolume", {"path": "/loki/api/v1/index/volume"}, 404, ""),
    ("novolume", {}, 200, ""),
    ("queries", {"text": '{job="a"} |= "secret"'}, 400, "query blocked by policy"),
    ("queries", {"text": ' {job="exact"} '}, 400, "query blocked by policy"),
    ("queries", {"text": '{job="exact"} |= "x"'}, 200, ""),
    ("queries", {"text": 'sum(rate({job="a"}[1m]))'}, 400, "query blocked by policy"),
    ("queries", {"text": 'rate({job="sum"}[1m])'}, 400, "query blocked by policy"),  # a regex matches anywhere
    ("queries", {"text": '{job="sum"}'}, 200, ""),                                   # but of this rule, metric queries only
    ("plain|queries", {"text": '{job="a"} |= "secret"'}, 400, "query blocked by policy"),
    ("plain|required", {"text": '{job="x"}'}, 400, "stream selector is missing required matchers [app, env]"),
    ("plain|entries", {"limit": 6}, 400, "(6 > 5)"),
    ("plain|novolume", {"path": "/loki/api/v1/index/volume"}, 404, ""),
    ("plain", {"limit": 5000}, 200, ""),
    ("plain", {"limit": 5001}, 400, "(5001 > 5000)"),
    ("plain", {"text": '{job="a"} |= "secret"'}, 200, ""),
]


METRIC = f"count_over_time({SELECTOR}[1m])"
BLOCKED = "query blocked by policy"

# tenant, X-Query-Tags, query, status, words of the answer
TAGGED = [
    ("tagged", "Source=batch,team=A", SELECTOR, 400, BLOCKED),
    ("tagged", "team=a, x=y, SOURCE=Batch", METRIC, 400, BLOCKED),
    ("tagged", "Source=batch", SELECTOR, 200, ""),
    ("tagged", None, SELECTOR, 200, ""),
    ("tagged", "source=logcli", METRIC, 400, BLOCKED),
    ("tagged", "source=logcli", SELECTOR, 200, ""),
    ("tagged", "source=logcli=x", METRIC, 200, ""),
    ("plain", "Source=batch,team=a", SELECTOR, 200, ""),
    ("plain|tagged", "Source=batch,team=a", SELECTOR, 400, BLOCKED),
]

# tenant, X-Loki-Query-Limits, parameters of one query, status, words of the answer
TIGHTENED = [
    ("plain", {"maxEntriesLimitPerQuery": 5}, {"limit": 6}, 400, "max entries limit per query exceeded, limit > max_entries_limit_per_query (6 > 5)"),
    ("plain", {"maxEntriesLimitPerQuery": 5}, {"limit": 5}, 200, ""),
    ("entries", {"maxEntriesLimitPerQuery": 50}, {"limit": 6}, 400, "(6 > 5)"),
    ("plain", {"maxQueryLength": "30m"}, {}, 400, "the query time range exceeds the limit (query length: 1h6m0s, limit: 30m)"),
    ("plain", {"maxQueryInterval": "5m"}, {"text": f"rate({SELECTOR}[10m])"}, 400, "[interval] value exceeds limit: [10m] > [5m]"),
    ("plain", {"requiredLabels": ["env"]}, {}, 400, "stream selector is missing required matchers [env], labels present in the query were [job]"),
    ("required", {"requiredLabels": ["team"]}, {"text": '{app="x",env="y"}'}, 400, "stream selector is missing required matchers [team]"),
    ("plain", {"minimumLabelsNumber": 2}, {}, 400, "number_present: 1, required_number_label_matchers: 2"),
    ("minimum", {"minimumLabelsNumber": 1}, {}, 400, "number_present: 1, required_number_label_matchers: 2"),
    ("limited", {"maxQueryBytesRead": "1KB"}, {"text": SELECTOR + ' |= "x"'}, 400, "the query would read too many bytes (query: "),
    ("limited", {"maxQueryLookback": "1s"}, {"start": "999999999", "end": str(10**18)}, 200, '"result":[]'),
    ("plain|entries", {"maxEntriesLimitPerQuery": 3}, {"limit": 4}, 400, "(4 > 3)"),
    ("plain", {"maxEntriesLimitPerQuery": 5, "unknown": [1]}, {"limit": 6}, 400, "(6 > 5)"),
    ("plain", "no JSON", {"limit": 6}, 200, ""),
]


def a_query_is_blocked_by_its_tags(node):
    wrong = []
    for tenant, tags, text, status, words in TAGGED:
        answer = query(node, tenant, text, headers={"X-Query-Tags": tags} if tags else None)
        if answer.status_code != status or words not in answer.text:
            wrong.append((tenant, tags, text, answer.status_code, answer.text[:200]))
    assert not wrong, wrong


def tags_stand_in_the_query_log(node):
    assert query(node, "plain", '{job="tags-of-the-log"}', headers={"X-Query-Tags": "Source=my tool,Team=a!b,status=500,odd"}).status_code == 200
    found = [line for line in node.log().splitlines() if "tags-of-the-log" in line]
    assert len(found) == 1 and ' source="my tool"' in found[0] and " team=a_b" in found[0] and " status=200 " in found[0], found
    assert "status=500" not in found[0] and "odd" not in found[0], found


def a_request_tightens_its_own_limits_and_loosens_none(node):
    assert push(node, "limited", [entry("x" * 4000)]).status_code == 204
    wrong = []
    for tenant, limits, params, status, words in TIGHTENED:
        header = limits if isinstance(limits, str) else json.dumps(limits)
        answer = query(node, tenant, headers={"X-Loki-Query-Limits": header}, **params)
        if answer.status_code != status or words not in answer.text:
            wrong.append((tenant, limits, params, answer.status_code, answer.text[:300]))
    assert not wrong, wrong


def without_the_key_a_request_has_its_tenants_limits(binary, Node):
    with Node(binary) as node:
        node.start()
        assert query(node, "plain", headers={"X-Loki-Query-Limits": '{"maxEntriesLimitPerQuery": 5}'}, limit=6).status_code == 200


def a_push_is_taken_or_refused_as_its_row_says(node):
    wrong = []
    for tenant, entries, labels, status, words, stored in PUSHES:
        answer = push(node, tenant, entries, **labels)
        is_right = answer.status_code in (status if isinstance(status, tuple) else (status,)) and words in answer.text
        if answer.status_code == 429:
            is_right = is_right and int(answer.headers.get("Retry-After", "0")) >= 1
        if not is_right:
            wrong.append((tenant, labels, answer.status_code, answer.text[:300]))
        elif stored is not None and lines(node, tenant) != sorted(stored):
            wrong.append((tenant, "stored", lines(node, tenant)))
    assert not wrong, wrong


def a_query_is_answered_or_refused_as_its_row_says(node):
    for name in ("s1", "s2", "s3"):
        assert push(node, "series", [entry()], job=name).status_code == 204
    assert push(node, "bytes", [entry("x" * 4000)]).status_code == 204
    wrong = []
    for tenant, params, status, words in QUERIES:
        answer = query(node, tenant, **params)
        if answer.status_code != status or words not in answer.text:
            wrong.append((tenant, params, answer.status_code, answer.text[:300]))
    assert not wrong, wrong


def a_stream_too_many_is_429_and_the_others_go_on(node):
    assert push(node, "streams", [entry("1")], job="one").status_code == 204
    assert push(node, "streams", [entry("2")], job="two").status_code == 204
    answer = push(node, "streams", [entry("3")], job="three")
    assert answer.status_code == 429 and "maximum active stream limit exceeded when trying to create stream {job=\"three\"" in answer.text, answer.text
    assert "user: 'streams'" in answer.text and int(answer.headers["Retry-After"]) >= 1
    assert push(node, "streams", [entry("4")], job="one").status_code == 204
    assert lines(node, "streams") == ["1", "2", "4"]


def old_and_new_neighbours_of_refused_entries_are_stored(node):
    wide = {"start": str(time.time_ns() - 30 * HOUR), "end": str(time.time_ns() + 30 * HOUR)}
    for tenant, want in (("old", ["new"]), ("future", ["now"]), ("anyfuture", ["later"]), ("window", ["newest"])):
        assert lines(node, tenant, **wide) == want, (tenant, lines(node, tenant, **wide))


def labels_are_added_as_the_tenant_wants(node):
    for tenant, labels, want in (("service", {"job": "j", "team": "t"}, "t"), ("service", {"job": "j"}, "unknown_service"), ("noservice", {"job": "j"}, None),
                                 ("plain", {"job": "j"}, "j")):
        assert push(node, tenant, [entry("service of " + str(want))], **labels).status_code == 204
        found = [s["stream"].get("service_name") for s in streams(node, tenant) if any(v[1] == "service of " + str(want) for v in s["values"])]
        assert found == [want], (tenant, labels, found)
    for tenant, line, want in (("nolevel", "level=error", None), ("plain", "level=error", "error"), ("levels", "lvl=warn level=error", "warn")):
        assert push(node, tenant, [entry(line)]).status_code == 204
        found = [s["stream"].get("detected_level") for s in streams(node, tenant) if any(v[1] == line for v in s["values"])]
        assert found == [want], (tenant, found)


def otlp_attributes_become_what_the_tenant_wants(node):
    def attributes(pairs):
        return [{"key": key, "value": {"stringValue": value}} for key, value in pairs.items()]

    records = [{"timeUnixNano": entry()[0], "body": {"stringValue": job}, "attributes": attributes({"job": job, "secret": "s", "b": "2"})} for job in ("x", "y")]
    body = {"resourceLogs": [{"resource": {"attributes": attributes({"team": "a", "service.name": "shop"})}, "scopeLogs": [{"logRecords": records}]}]}
    for tenant, labels in (("otlp", ["job=x team=a", "job=y team=a"]), ("plain", ["service_name=shop"])):
        answer = requests.post(node.url + "/otlp/v1/logs", json=body, headers={"X-Scope-OrgID": tenant}, timeout=60)
        assert answer.status_code == 204, answer.text
        path = "/loki/api/v1/series?match[]=" + ('{team="a"}' if tenant == "otlp" else '{service_name="shop"}')
        found = requests.get(node.url + path, headers={"X-Scope-OrgID": tenant}, timeout=60).json()["data"]
        found = sorted(" ".join(f"{name}={value}" for name, value in sorted(stream.items()) if tenant == "plain" or name != "service_name") for stream in found)
        assert found == labels, found
    stored = query(node, "otlp", headers={"X-Loki-Response-Encoding-Flags": "categorize-labels"}).json()["data"]["result"]
    metadata = stored[0]["values"][0][2]["structuredMetadata"]
    assert metadata["b"] == "2" and "secret" not in metadata and "team" not in metadata, metadata
    limits = requests.get(node.url + "/loki/api/v1/drilldown-limits", headers={"X-Scope-OrgID": "otlp"}, timeout=60).json()["limits"]
    assert limits["otlp_config"]["resource_attributes"] == {"ignore_defaults": True, "attributes_config": [{"action": "index_label", "regex": "te.m"}]}, limits
    assert limits["otlp_config"]["log_attributes"][1] == {"action": "drop", "attributes": ["secret"]}, limits


def equal_times_are_told_apart_where_the_tenant_wants_it(node):
    stamp = str(time.time_ns())
    for tenant, want in (("same", [0, 1, 2]), ("plain", [0, 0, 0])):
        assert push(node, tenant, [[stamp, "a"], [stamp, "b"], [stamp, "c"]], job="times").status_code == 204
        answer = query(node, tenant, '{job="times"}', direction="forward").json()
        values = sorted((v[1], int(v[0]) - int(stamp)) for s in answer["data"]["result"] for v in s["values"])
        assert [at for _, at in values] == want, (tenant, values)


def queries_see_back_as_far_as_the_tenant_wants(node):
    assert push(node, "lookback", [entry("near", HOUR // 2), entry("far", 2 * HOUR)]).status_code == 204
    assert lines(node, "lookback", start=str(time.time_ns() - 5 * HOUR)) == ["near"]
    assert lines(node, "lookback", start=str(time.time_ns() - 5 * HOUR), end=str(time.time_ns() - 3 * HOUR)) == []


def a_query_over_its_time_is_504(node):
    body = [[str(time.time_ns() - i), f"line {i} " + "x" * 100] for i in range(60000)]
    assert push(node, "timeout", body).status_code == 204
    answer = query(node, "timeout", 'sum by (n) (count_over_time({job="x"} |~ "l[a-z]+ [0-9]+ x+$" | regexp "line (?P<n>[0-9]+)" [1h]))', step="3600")
    assert answer.status_code == 504 and "request timed out, decrease the duration of the request" in answer.text, (answer.status_code, answer.text[:300])


def what_detection_collects_is_the_querys_memory(node):
    """18,000 fields and 800 long values of a label are more than a query may hold, which may hold their lines; few are found by the same tenant."""
    at = time.time_ns()
    assert push(node, "memory", [[str(at), "id=few"]], job="few").status_code == 204
    assert push(node, "memory", [[str(at + i), " ".join(f"f{i}_{k}=1" for k in range(60))] for i in range(300)], job="fields").status_code == 204
    body = [{"stream": {"job": "labels", "id": f"{i}-" + "y" * 1500}, "values": [[str(at), "x"]]} for i in range(800)]
    assert requests.post(node.url + PUSH, json={"streams": body}, headers={"X-Scope-OrgID": "memory"}, timeout=60).status_code == 204
    answer = query(node, "memory", '{job="few"}', path="/loki/api/v1/detected_fields")
    assert answer.status_code == 200 and "id" in [field["label"] for field in answer.json()["fields"]], answer.text
    alone = query(node, "memory", '{job="fields"}', limit=1000)
    assert alone.status_code == 200, alone.text[:200]  # the lines alone are no more than it may hold
    for path, text, params in (("detected_fields", '{job="fields"}', {"line_limit": 1000}), ("detected_field/f1_1/values", '{job="fields"}', {"line_limit": 1000}),
                               ("detected_labels", '{job="labels"}', {})):
        answer = query(node, "memory", text, path="/loki/api/v1/" + path, **params)
        assert answer.status_code == 400 and "(max_query_memory)" in answer.text, (path, answer.status_code, answer.text[:200])
    text = requests.get(node.url + "/metrics?name=logi_query_cancelled").text
    assert float(text.split('logi_query_cancelled_total{reason="memory"} ')[1].split()[0]) >= 3, text


def volume_has_as_many_series_as_the_tenant_wants(node):
    for name in ("v1", "v2"):
        assert push(node, "volume", [entry("x" * 100)], job=name).status_code == 204
    answer = query(node, "volume", '{job="v1"}', path="/loki/api/v1/index/volume").json()
    assert len(answer["data"]["result"]) == 1, answer
    answer = query(node, "volume", '{job=~"v.+"}', path="/loki/api/v1/index/volume")
    assert answer.status_code == 400 and answer.text == "the query hit the max number of series limit (limit: 1 series)", answer.text


def the_volume_is_grouped_by_so_many_labels_at_most(node):
    def ask(count):
        form = {"query": '{job="x"}', "targetLabels": ",".join(f"l{i}" for i in range(count))}
        return requests.post(node.url + "/loki/api/v1/index/volume", data=form, headers={"X-Scope-OrgID": "plain"}, timeout=60)
    assert ask(256).status_code == 200
    for count in (257, 300000):  # the latter takes no longer
        answer = ask(count)
        assert answer.status_code == 400 and answer.text == "more than 256 target labels", (answer.status_code, answer.text[:200])


def a_query_whose_client_leaves_ends(node):
    body = [[str(time.time_ns() - i), f"line {i} " + "x" * 100] for i in range(60000)]
    assert push(node, "leaver", body).status_code == 204
    text = urllib.parse.quote('sum by (n) (count_over_time({job="x"} |~ "l[a-z]+ [0-9]+ x+$" | regexp "line (?P<n>[0-9]+)" [1h]))')
    end, left = time.monotonic() + 60, 0
    while left == 0:
        with socket.create_connection(("127.0.0.1", node.port), timeout=30) as client:
            client.sendall(f"GET /loki/api/v1/query_range?query={text}&step=3600 HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: leaver\r\n\r\n".encode())
        time.sleep(0.3)
        metrics = requests.get(node.url + "/metrics?name=logi_query_cancelled").text
        left = float(metrics.split('logi_query_cancelled_total{reason="client_closed"} ')[1].split()[0])
        assert left > 0 or time.monotonic() < end, "queries of clients that left run on"


def a_tenant_is_shown_its_limits(node):
    text = requests.get(node.url + "/config/tenant/v1/limits", headers={"X-Scope-OrgID": "queries"}).text
    assert 'blocked_queries: [{pattern: ".*secret.*", regex: true}' in text and "hash: 1083137555}]" in text, text
    text = requests.get(node.url + "/config/tenant/v1/limits", headers={"X-Scope-OrgID": "enforced"}).text
    assert "enforced_labels: [env, team]\n" in text, text


def a_refused_query_is_counted_by_its_reason(node):
    text = requests.get(node.url + "/metrics").text
    for reason in ("blocked", "limit"):
        rows = [line for line in text.splitlines() if line.startswith(f'logi_query_rejected_total{{reason="{reason}"}}')]
        assert rows and float(rows[0].split()[-1]) > 0, (reason, rows)


TESTS = [a_push_is_taken_or_refused_as_its_row_says, a_query_is_answered_or_refused_as_its_row_says, a_stream_too_many_is_429_and_the_others_go_on,
         old_and_new_neighbours_of_refused_entries_are_stored, labels_are_added_as_the_tenant_wants, otlp_attributes_become_what_the_tenant_wants,
         equal_times_are_told_apart_where_the_tenant_wants_it,
         queries_see_back_as_far_as_the_tenant_wants, a_query_over_its_time_is_504, volume_has_as_many_series_as_the_tenant_wants,
         the_volume_is_grouped_by_so_many_labels_at_most, a_query_whose_client_leaves_ends, a_tenant_is_shown_its_limits,
         what_detection_collects_is_the_querys_memory, a_refused_query_is_counted_by_its_reason, a_query_is_blocked_by_its_tags, tags_stand_in_the_query_log, a_request_tightens_its_own_limits_and_loosens_none]


def run(binary, results, Node):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        json.dump({"multi_tenant_queries_enabled": True, "querier": {"per_request_limits_enabled": True}, "overrides": OVERRIDES}, config)  # JSON is YAML
        config.flush()
        with Node(binary, config=config.name) as node:
            if not results.run("limits: the node starts", node.start):
                return
            for test in TESTS:
                results.run("limits: " + test.__name__.replace("_", " "), test, node)
    name = without_the_key_a_request_has_its_tenants_limits
    results.run("limits: " + name.__name__.replace("_", " "), name, binary, Node)
