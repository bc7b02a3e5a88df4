"""What one tenant has, no other one meets: the cases of the threat list (tenant isolation, ids as paths, routes reached in strange ways), each a row of a table.

Tenant `a` has pushed; its secrets are words that occur nowhere else. Whatever tenant `b` asks, in whatever way, none of them may come back.
"""
import json
import os
import socket
import tempfile
import threading
import time
import urllib.parse

import requests

from secure_node import wait_for

SECRETS = ["hush-label", "hush-value", "hush-line", "hush-meta", "hush-field"]
PUSH = "/loki/api/v1/push"
SELECTOR = '{job=~".+"}'

CONFIG = """
tenancy: required
multi_tenant_queries_enabled: true
server: {admin_listen: ""}
overrides:
  a: {max_line_size: 4321, blocked_queries: [{pattern: "{job=\\"blocked\\"}"}]}
  slow: {ingestion_rate_mb: 0.001, ingestion_burst_size_mb: 0.001}
"""

# Every route that reads, with what makes it read all.
NOW = int(time.time())
RANGE = {"start": NOW - 3600, "end": NOW + 600}
READS = [
    ("/loki/api/v1/query_range", {"query": SELECTOR, **RANGE}),
    ("/loki/api/v1/query_range", {"query": '{job=~".+"} |= "hush" | json | logfmt', **RANGE}),
    ("/loki/api/v1/query_range", {"query": 'sum by (hush_label, job) (count_over_time({job=~".+"}[1h]))', **RANGE, "step": 600}),
    ("/loki/api/v1/query", {"query": 'topk(10, count_over_time({job=~".+"}[2h]))', "time": NOW + 600}),
    ("/loki/api/v1/query", {"query": 'bytes_over_time({service_name=~".+"}[2h])', "time": NOW + 600}),
    ("/loki/api/v1/labels", RANGE),
    ("/loki/api/v1/label", RANGE),
    ("/loki/api/v1/label/job/values", RANGE),
    ("/loki/api/v1/label/hush_label/values", RANGE),
    ("/loki/api/v1/label/service_name/values", RANGE),
    ("/loki/api/v1/series", {"match[]": SELECTOR, **RANGE}),
    ("/loki/api/v1/series", RANGE),
    ("/loki/api/v1/index/stats", {"query": SELECTOR, **RANGE}),
    ("/loki/api/v1/index/volume", {"query": SELECTOR, **RANGE}),
    ("/loki/api/v1/index/volume_range", {"query": SELECTOR, **RANGE, "step": 600}),
    ("/loki/api/v1/patterns", {"query": SELECTOR, **RANGE}),
    ("/loki/api/v1/detected_labels", {"query": SELECTOR, **RANGE}),
    ("/loki/api/v1/detected_fields", {"query": SELECTOR, **RANGE}),
    ("/loki/api/v1/detected_field/hush_field/values", {"query": SELECTOR, **RANGE}),
    ("/api/prom/query", {"query": SELECTOR, **RANGE}),
    ("/api/prom/label", RANGE),
    ("/api/prom/label/job/values", RANGE),
    ("/api/prom/series", {"match[]": SELECTOR, **RANGE}),
    ("/config/tenant/v1/limits", {}),
    ("/loki/api/v1/drilldown-limits", {}),
]

# LogQL that tries to name another tenant.
QUERIES = ['{__tenant_id__="a"}', '{__tenant_id__=~".+", job=~".+"}', '{job=~".+", __tenant_id__!="b"}', '{job=~".+"} | __tenant_id__="a"',
           '{tenant="a"}', '{job=~".+"} |= "hush"', 'label_replace(count_over_time({job=~".+"}[1h]), "t", "a", "", "")',
           'count_over_time({__tenant_id__="a", job=~".+"}[1h])']

# Tenant ids that are no ids: 400 (or 401), and nothing of a tenant with a similar name.
BAD_IDS = ["../a", "..%2fa", "%252e%252e", "a/b", "/a", "a/", "..", ".", "a\\b", "a b", "a,b", "a;b", "a\tb", "ä", "a" * 151, "a|", "|a", "a||b", "|", "a|../a", "a\x7f",
           "a%00b", "a?b", "a#b", "<a>", "a\"b", "a&b", "$a", "a=b", "a@b", "a+b", "~a", "a{b}"]

# Ids that are good, and each a tenant of its own.
GOOD_IDS = ["A", "a.", ".a", "a..", "a'", "a*", "*", "(a)", "a-", "a_", "!a", "...", "a" * 150, "index", "log", "con", "-", "_"]

# Ways to reach a route that a proxy in front may have meant to close: they are the same route with the same rules, or none at all.
WAYS = [
    ("a double slash", "GET //loki/api/v1/labels HTTP/1.1", {301, 404}),
    ("dot segments", "GET /loki/api/../../config HTTP/1.1", {301, 404}),
    ("dot segments behind a route", "GET /loki/api/v1/labels/../../../../config HTTP/1.1", {301, 404}),
    ("a letter encoded", "GET /%6coki/api/v1/labels HTTP/1.1", {401, 404}),
    ("a slash encoded", "GET /loki%2fapi/v1/labels HTTP/1.1", {404}),
    ("dots encoded", "GET /loki/%2e%2e/config HTTP/1.1", {404, 301}),
    ("dots encoded twice", "GET /loki/%252e%252e/config HTTP/1.1", {404}),
    ("a trailing slash", "GET /loki/api/v1/labels/ HTTP/1.1", {404}),
    ("a path parameter", "GET /loki/api/v1/labels;x HTTP/1.1", {404}),
    ("a question mark encoded", "GET /loki/api/v1/labels%3fx HTTP/1.1", {404}),
    ("a NUL encoded", "GET /loki/api/v1/labels%00 HTTP/1.1", {400, 404}),
    ("a fragment", "GET /loki/api/v1/labels#x HTTP/1.1", {400, 404}),
    ("upper case", "GET /LOKI/api/v1/labels HTTP/1.1", {404}),
    ("a backslash", "GET /loki\\api\\v1\\labels HTTP/1.1", {400, 404}),
    ("HEAD", "HEAD /loki/api/v1/labels HTTP/1.1", {401, 405}),
    ("OPTIONS", "OPTIONS /loki/api/v1/labels HTTP/1.1", {405}),
    ("a lower-case method", "get /loki/api/v1/labels HTTP/1.1", {400, 405}),
    ("absolute form", "GET http://elsewhere/loki/api/v1/labels HTTP/1.1", {401}),
    ("HTTP/1.0", "GET /loki/api/v1/labels HTTP/1.0", {401}),
    ("HTTP/2's preface", "PRI * HTTP/2.0", {400, 505}),
    ("method override", "POST /loki/api/v1/labels HTTP/1.1\r\nX-HTTP-Method-Override: GET\r\nContent-Length: 0", {401}),
    ("an upgrade to h2c", "GET /loki/api/v1/labels HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__", {401}),
    ("a header with an underscore", "GET /loki/api/v1/labels HTTP/1.1\r\nX_Scope_OrgID: a", {401}),
    ("a forwarded identity", "GET /loki/api/v1/labels HTTP/1.1\r\nX-Forwarded-User: a\r\nX-Org-Id: a\r\nForwarded: for=a", {401}),
    ("the tenant in the URL", "GET /loki/api/v1/labels?X-Scope-OrgID=a&tenant=a HTTP/1.1", {401}),
    ("the header named in Connection", "GET /loki/api/v1/labels HTTP/1.1\r\nX-Scope-OrgID:\r\nConnection: X-Scope-OrgID", {401}),
    ("a folded header", "GET /loki/api/v1/labels HTTP/1.1\r\nX-Other: b\r\n X-Scope-OrgID: a", {400}),
    ("a space before the colon", "GET /loki/api/v1/labels HTTP/1.1\r\nX-Scope-OrgID : a", {400}),
    ("two lengths", "POST /loki/api/v1/labels HTTP/1.1\r\nX-Scope-OrgID: b\r\nContent-Length: 0\r\nContent-Length: 44", {400}),
]


def raw(node, head, more=""):
    """Status and whole text of the first answer to a request as bytes."""
    host = "" if "HTTP/1.0" in head else "Host: x\r\n"
    line, _, rest = head.partition("\r\n")
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as client:
        client.sendall(f"{line}\r\n{host}{rest + chr(13) + chr(10) if rest else ''}Connection: close\r\n\r\n{more}".encode("latin-1"))
        answer = b""
        while True:
            try:
                part = client.recv(65536)
            except ConnectionError:
                break
            if not part:
                break
            answer += part
    text = answer.decode("latin-1")
    return int(text.split(" ")[1]) if text.startswith("HTTP/") else 0, text


def ask(node, path, params, tenant, method="GET"):
    headers = {"X-Scope-OrgID": tenant} if tenant is not None else {}
    if method == "POST":
        return requests.post(node.url + path, data=params, headers=headers, timeout=60)
    return requests.get(node.url + path, params=params, headers=headers, timeout=60)


def push(node, tenant, stream, line, metadata=None):
    value = [str(time.time_ns()), line] + ([metadata] if metadata else [])
    return requests.post(node.url + PUSH, json={"streams": [{"stream": stream, "values": [value]}]}, headers={"X-Scope-OrgID": tenant}, timeout=60)


def no_secret(text, what):
    for secret in SECRETS + [secret.replace("-", "_") for secret in SECRETS]:
        if secret == "hush_label" and "by (hush_label" in what or secret in what:
            continue  # the question itself may come back
        assert secret not in text, (what, secret, text[:300])


def fill(node):
    for i in range(50):
        line = json.dumps({"hush_field": f"hush-field-{i}", "msg": "hush-line"})
        assert push(node, "a", {"job": "hush-value", "hush_label": "hush-value"}, line, {"note": "hush-meta"}).status_code == 204
    assert push(node, "b", {"job": "open"}, "of b").status_code == 204


def the_owner_sees_it_all(node):
    seen = "".join(ask(node, path, params, "a").text for path, params in READS)
    for secret in ("hush-value", "hush-line", "hush-meta", "hush_label", "hush-field-1"):
        assert secret in seen, secret
    assert "4321" in ask(node, "/config/tenant/v1/limits", {}, "a").text


def no_route_shows_another_tenants_data(node):
    for tenant in ("b", "never-seen"):
        for path, params in READS:
            for method in ("GET", "POST"):
                answer = ask(node, path, params, tenant, method)
                no_secret(answer.text + str(answer.headers), f"{method} {path} {params} as {tenant}")
                assert answer.status_code in (200, 404, 405), (path, answer.status_code, answer.text)
    limits = ask(node, "/config/tenant/v1/limits", {}, "b").text
    assert "4321" not in limits and "blocked" not in limits.replace("blocked_queries: []", ""), limits


def counts_are_of_the_tenants_own(node):
    stats = ask(node, "/loki/api/v1/index/stats", {"query": SELECTOR, **RANGE}, "b").json()
    assert stats["entries"] == 1 and stats["streams"] == 1, stats
    answer = ask(node, "/loki/api/v1/query", {"query": 'sum(count_over_time({job=~".+"}[2h]))', "time": NOW + 600}, "b").json()
    assert answer["data"]["result"][0]["value"][1] == "1", answer
    summary = ask(node, "/loki/api/v1/query_range", {"query": SELECTOR, **RANGE}, "b").json()["data"]["stats"]["summary"]
    assert summary["totalLinesProcessed"] <= 1, summary


def every_tenant_route_wants_a_tenant(node):
    for path, params in READS:
        for header in (None, "", ":x"):
            answer = ask(node, path, params, header)
            assert answer.status_code in (400, 401) and "no org id" in answer.text, (path, header, answer.status_code, answer.text)
    for path in (PUSH, "/api/prom/push", "/otlp/v1/logs"):
        answer = requests.post(node.url + path, data=b"{}", headers={"Content-Type": "application/json"})
        assert answer.status_code == 401, (path, answer.status_code, answer.text)


def no_query_names_its_way_to_another_tenant(node):
    for query in QUERIES:
        for path, params in (("/loki/api/v1/query_range", RANGE), ("/loki/api/v1/query", {"time": NOW + 600}), ("/api/prom/query", RANGE),
                             ("/loki/api/v1/series", {"match[]": query, **RANGE}), ("/loki/api/v1/index/volume", RANGE)):
            answer = ask(node, path, {"query": query, **params}, "b")
            no_secret(answer.text, f"{path} {query}")


def a_name_that_is_no_tenant_is_refused(node):
    for name in BAD_IDS:
        status, text = raw(node, "GET /loki/api/v1/labels HTTP/1.1\r\nX-Scope-OrgID: " + name.encode().decode("latin-1"))
        assert status == 400, (name, status, text[:200])
        no_secret(text, name)
        status, _ = raw(node, "POST /loki/api/v1/push HTTP/1.1\r\nContent-Type: application/json\r\nX-Scope-OrgID: " + name.encode().decode("latin-1") +
                        "\r\nContent-Length: 14", '{"streams":[]}')
        assert status == 400, (name, status)
    for control in ("a\x00b", "a\x01b"):
        assert raw(node, "GET /loki/api/v1/labels HTTP/1.1\r\nX-Scope-OrgID: " + control)[0] in (0, 400), control


def names_that_look_alike_are_tenants_of_their_own(node):
    for name in GOOD_IDS:
        assert push(node, name, {"job": "mine"}, "of " + name).status_code == 204, name
    for name in GOOD_IDS:
        answer = ask(node, "/loki/api/v1/query_range", {"query": SELECTOR, **RANGE}, name)
        lines = [value[1] for stream in answer.json()["data"]["result"] for value in stream["values"]]
        assert lines == ["of " + name], (name, lines)
    assert requests.post(node.url + "/flush").status_code == 204
    for name in GOOD_IDS:
        answer = ask(node, "/loki/api/v1/query_range", {"query": SELECTOR, **RANGE}, name)
        assert [value[1] for stream in answer.json()["data"]["result"] for value in stream["values"]] == ["of " + name], name
    outside = [entry for entry in os.listdir(os.path.dirname(node.data)) if entry in ("a", "A", "...")]
    assert not outside, outside


def a_header_sent_twice_means_the_first(node):
    for order, want in (("a b", "hush"), ("b a", "of b")):
        first, second = order.split()
        query = urllib.parse.urlencode({"query": SELECTOR, **RANGE})
        _, text = raw(node, f"GET /loki/api/v1/query_range?{query} HTTP/1.1\r\nX-Scope-OrgID: {first}\r\nX-Scope-OrgID: {second}")
        assert want in text and ("hush" in text) == (first == "a"), (order, text[:500])


def what_follows_a_colon_is_cut_off(node):
    answer = ask(node, "/loki/api/v1/query_range", {"query": SELECTOR, **RANGE}, "b:a")
    assert "of b" in answer.text
    no_secret(answer.text, "b:a")


def strange_ways_reach_no_route_without_its_rules(node):
    for name, head, want in WAYS:
        status, text = raw(node, head)
        assert status in want, (name, status, text[:300])
        no_secret(text, name)
        assert "max_recv_msg_size" not in text, name  # /config


def a_pipelined_request_has_no_tenant_of_the_one_before(node):
    query = urllib.parse.urlencode({"query": SELECTOR, **RANGE})
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as client:
        client.sendall((f"GET /loki/api/v1/query_range?{query} HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: a\r\n\r\n"
                        f"GET /loki/api/v1/query_range?{query} HTTP/1.1\r\nHost: x\r\n\r\n"
                        f"GET /loki/api/v1/query_range?{query} HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: b\r\nConnection: close\r\n\r\n").encode())
        answer = b""
        while part := client.recv(65536):
            answer += part
    first, second, third = answer.decode().split("HTTP/1.1 ")[1:]
    assert first.startswith("200") and "hush-line" in first
    assert second.startswith("401") and third.startswith("200"), (second[:100], third[:100])
    no_secret(second + third, "pipelined")


def a_text_of_one_tenant_is_no_error_of_another(node):
    push(node, "a", {"job": "hush-value"}, "hush-line " * 1000)
    answer = push(node, "b", {"job": "open"}, "x" * 300000)
    assert answer.status_code == 400 and "262144" in answer.text, answer.text
    no_secret(answer.text, "push of a long line")
    assert ask(node, "/loki/api/v1/query_range", {"query": '{job="blocked"}'}, "a").text == "query blocked by policy"
    assert ask(node, "/loki/api/v1/query_range", {"query": '{job="blocked"}'}, "b").status_code == 200


def the_same_stream_of_two_tenants_is_two_streams(node):
    stamp = str(time.time_ns())
    for tenant in ("twin1", "twin2"):
        body = {"streams": [{"stream": {"job": "same"}, "values": [[stamp, "same"], [stamp, "only " + tenant]]}]}
        assert requests.post(node.url + PUSH, json=body, headers={"X-Scope-OrgID": tenant}).status_code == 204
    for flushed in (False, True):
        for tenant in ("twin1", "twin2"):
            answer = ask(node, "/loki/api/v1/query_range", {"query": '{job="same"}'}, tenant).json()
            lines = sorted(value[1] for stream in answer["data"]["result"] for value in stream["values"])
            assert lines == ["only " + tenant, "same"], (flushed, tenant, lines)
        assert requests.post(node.url + "/flush").status_code == 204


def one_tenants_rate_is_not_another_ones(node):
    statuses = {push(node, "slow", {"job": "slow"}, "x" * 900).status_code for _ in range(20)}
    assert 429 in statuses, statuses
    assert all(push(node, "b", {"job": "open"}, "x" * 900).status_code == 204 for _ in range(20))


def several_tenants_are_joined_and_each_line_says_whose_it_is(node):
    answer = ask(node, "/loki/api/v1/query_range", {"query": SELECTOR, **RANGE, "limit": 1000}, "twin1|b|twin2|twin1").json()
    owners = {stream["stream"]["__tenant_id__"] for stream in answer["data"]["result"]}
    assert owners == {"twin1", "twin2", "b"}, owners
    no_secret(json.dumps(answer), "twin1|b|twin2")
    answer = ask(node, "/loki/api/v1/query_range", {"query": '{job=~".+", __tenant_id__=~"twin.+"}', **RANGE, "limit": 1000}, "b|twin1|twin2").json()
    assert {stream["stream"]["__tenant_id__"] for stream in answer["data"]["result"]} == {"twin1", "twin2"}
    answer = ask(node, "/loki/api/v1/query_range", {"query": '{job=~".+", __tenant_id__="a"}', **RANGE}, "b|twin1")
    no_secret(answer.text, "__tenant_id__ of a tenant that was not asked for")
    for path, params in READS:
        answer = ask(node, path, params, "b|twin1")
        no_secret(answer.text, f"{path} {params} as b|twin1")
    for path in (PUSH, "/api/prom/push", "/otlp/v1/logs"):
        answer = requests.post(node.url + path, json={"streams": []}, headers={"X-Scope-OrgID": "b|twin1"})
        assert answer.status_code == 400 and "multiple org IDs present" in answer.text, (path, answer.text)


def nobody_meets_another_one_while_all_push_and_ask_at_once(node):
    wrong = []

    def live(tenant):
        session = requests.Session()
        session.headers["X-Scope-OrgID"] = tenant
        for i in range(15):
            body = {"streams": [{"stream": {"job": "crowd"}, "values": [[str(time.time_ns()), f"{tenant} {i}"]]}]}
            if session.post(node.url + PUSH, json=body).status_code != 204:
                wrong.append((tenant, "push"))
            answer = session.get(node.url + "/loki/api/v1/query_range", params={"query": '{job="crowd"}', "limit": 1000}).json()
            lines = [value[1] for stream in answer["data"]["result"] for value in stream["values"]]
            if len(lines) != i + 1 or any(not line.startswith(tenant + " ") for line in lines):
                wrong.append((tenant, i, lines[:3]))

    crowd = [threading.Thread(target=live, args=(f"crowd{n}",)) for n in range(12)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert not wrong, wrong[:3]


def metrics_name_no_data_and_a_bounded_number_of_tenants(node):
    text = requests.get(node.url + "/metrics").text
    for secret in ("hush-value", "hush-line", "hush-meta", "hush-field", "hush_label"):
        assert secret not in text, secret
    tenants = {line.split('tenant="')[1].split('"')[0] for line in text.splitlines() if 'tenant="' in line and not line.startswith("#")}
    assert len(tenants) <= 8 + 1, tenants  # metrics.max_tenants and __other__


def the_log_keeps_to_one_line_whatever_is_asked(node):
    before = len(node.log())
    query = '{job="x"} |= "line\nlevel=error msg=forged \x1b[31m\x07"'

    def is_told():  # asked again: of one kind, the log takes so many lines a second
        ask(node, "/loki/api/v1/query_range", {"query": query}, "b")
        return "forged" in node.log()[before:]

    wait_for(is_told, "the query in the log")
    told = [line for line in node.log()[before:].split("\n")[:-1] if line]
    assert all(line.startswith("ts=") for line in told) and "\x1b" not in "".join(told) and "\x07" not in "".join(told), told


def all_of_it_holds_after_a_restart(node):
    assert node.stop() == 0
    node.start()
    no_route_shows_another_tenants_data(node)
    the_owner_sees_it_all(node)


TESTS = [the_owner_sees_it_all, no_route_shows_another_tenants_data, counts_are_of_the_tenants_own, every_tenant_route_wants_a_tenant,
         no_query_names_its_way_to_another_tenant, a_name_that_is_no_tenant_is_refused, names_that_look_alike_are_tenants_of_their_own,
         a_header_sent_twice_means_the_first, what_follows_a_colon_is_cut_off, strange_ways_reach_no_route_without_its_rules,
         a_pipelined_request_has_no_tenant_of_the_one_before, a_text_of_one_tenant_is_no_error_of_another,
         the_same_stream_of_two_tenants_is_two_streams, one_tenants_rate_is_not_another_ones, several_tenants_are_joined_and_each_line_says_whose_it_is,
         nobody_meets_another_one_while_all_push_and_ask_at_once, metrics_name_no_data_and_a_bounded_number_of_tenants,
         the_log_keeps_to_one_line_whatever_is_asked, all_of_it_holds_after_a_restart]


def several_tenants_only_where_they_are_allowed(binary, Node):
    with Node(binary) as node:
        node.start()
        for path, params in READS:
            answer = ask(node, path, params, "b|c")
            assert answer.status_code == 400 and "multiple org IDs present" in answer.text, (path, answer.status_code, answer.text)
        assert ask(node, "/loki/api/v1/labels", {}, "b|b").status_code == 200


def administrative_routes_move_to_their_own_listener(binary, Node):
    from harness.node import free_port
    admin = free_port()
    with Node(binary, flags=["--server.admin_listen", f"127.0.0.1:{admin}"]) as node:
        node.start()
        for path in ("/config", "/services", "/flush", "/log_level", "/ring", "/memberlist", "/distributor/ring"):
            assert requests.get(node.url + path).status_code == 404, path
            assert requests.get(f"http://127.0.0.1:{admin}{path}").status_code in (200, 204), path
        assert requests.get(f"http://127.0.0.1:{admin}/loki/api/v1/labels").status_code == 404
        assert requests.get(f"http://127.0.0.1:{admin}/ready").status_code == 200


def run(binary, results, Node):
    for test in (several_tenants_only_where_they_are_allowed, administrative_routes_move_to_their_own_listener):
        results.run("isolation: " + test.__name__.replace("_", " "), test, binary, Node)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        config.write(CONFIG)
        config.flush()
        with Node(binary, config=config.name, flags=["--metrics.max_tenants", "8"]) as node:
            if not results.run("isolation: the node starts", node.start) or not results.run("isolation: tenants push", fill, node):
                return
            for test in TESTS:
                results.run("isolation: " + test.__name__.replace("_", " "), test, node)
