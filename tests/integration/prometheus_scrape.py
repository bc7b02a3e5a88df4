"""Debian's Prometheus scrapes /metrics, and promtool finds nothing to complain of but Loki's own names."""
import concurrent.futures
import gzip
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

from harness import push_request
from harness.node import free_port

# Loki's names, kept for its dashboards, that break Prometheus' conventions.
ALLOWED = ("loki_compactor_deleted_lines", "loki_compactor_pending_delete_requests_count", "loki_ingester_chunk_bounds_hours")


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.read(), answer.headers


def push(node, count):
    values = [[str(time.time_ns() + i), f"line {i}"] for i in range(count)]
    body = json.dumps({"streams": [{"stream": {"job": "scrape"}, "values": values}]}).encode()
    request = urllib.request.Request(node.url + "/loki/api/v1/push", data=body, headers={"Content-Type": "application/json"})
    assert urllib.request.urlopen(request).status == 204


def promtool_is_content(node):
    text, headers = get(node.url + "/metrics")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60)
    complaints = [line for line in (done.stdout + done.stderr).decode().splitlines() if line and not line.startswith(ALLOWED)]
    assert not complaints, complaints


def counters_say_what_was_pushed(node):
    push(node, 25)
    text = get(node.url + "/metrics")[0].decode()
    total = sum(float(v) for v in re.findall(r"^loki_distributor_lines_received_total\{[^}]*\} (\S+)$", text, re.M))
    assert total == 25, total
    for name in ("loki_request_duration_seconds_count", "loki_distributor_bytes_received_total", "loki_ingester_streams_created_total",
                 "log_messages_total", "logi_wal_fsync_seconds_count", "process_resident_memory_bytes"):
        assert re.search(rf"^{name}", text, re.M), name


def samples(node):
    """Sums over labels, by family (histograms: by _count)."""
    sums = {}
    for name, value in re.findall(r"^([a-z_]+)(?:\{.*\})? (\S+)$", get(node.url + "/metrics")[0].decode(), re.M):
        sums[name] = sums.get(name, 0) + float(value)
    return sums


def what_happens_is_counted(node):
    push(node, 10)
    get(node.url + "/loki/api/v1/query_range?query=%7Bjob%3D%22scrape%22%7D")
    get(node.url + "/loki/api/v1/query?query=count_over_time(%7Bjob%3D%22scrape%22%7D%5B5m%5D)")
    get(node.url + "/loki/api/v1/labels")
    get(node.url + "/flush")
    before = samples(node)
    push(node, 10)
    get(node.url + "/loki/api/v1/query_range?query=%7Bjob%3D%22scrape%22%7D%7C%3D%22line%22")
    get(node.url + "/flush")
    after = samples(node)
    grown = ["logi_ingest_decode_seconds_count", "logi_ingest_delay_seconds_count", "loki_distributor_ingester_appends_total", "logi_query_first_byte_seconds_count",
             "logi_query_peak_memory_bytes_sum", "logi_query_fanout_shards_count", "loki_logql_querystats_bytes_processed_per_seconds_count", "loki_ingester_chunk_size_bytes_count",
             "loki_ingester_chunk_encode_time_seconds_count", "loki_ingester_chunk_utilization_count", "loki_chunk_store_index_entries_per_chunk_count", "logi_cache_requests_total",
             "logi_query_match_seconds_total", "loki_ingester_chunks_stored_total", "process_network_receive_bytes_total"]
    stuck = [name for name in grown if not after.get(name, 0) > before.get(name, 0)]
    assert not stuck, stuck
    text = get(node.url + "/metrics")[0].decode()
    for line in (r'loki_request_duration_seconds_count\{method="gRPC",route="/logproto.Pusher/Push",status_code="success",ws="false"\} [1-9]',
                 r'loki_request_duration_seconds_count\{method="gRPC",route="/logproto.Querier/QuerySample",status_code="success",ws="false"\} [1-9]',
                 r'loki_ring_members\{name="ingester",state="ACTIVE"\} 1', r'loki_overrides_defaults\{limit_name="max_line_size"\} 262144',
                 r'loki_tcp_connections_limit\{protocol="http"\} 10000', r'logi_http_rejected_total\{reason="parse"\} 0', r'logi_threads_cpu_seconds_total\{role="io"\} ',
                 r"logi_config_hash [1-9]", r'loki_query_scheduler_queue_length\{user="default"\} 0'):
        assert re.search("^" + line, text, re.M), line


def formats_and_filters(node):
    text, headers = get(node.url + "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert headers["Content-Type"].startswith("application/openmetrics-text") and text.decode().endswith("# EOF\n")
    packed, headers = get(node.url + "/metrics", **{"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip" and packed[:2] == b"\x1f\x8b"
    only = get(node.url + "/metrics?name=logi_head")[0].decode()
    assert "logi_head_entries" in only and "loki_" not in only


def documented_families():
    """docs/metrics.md: name -> (type, label names). The page is made from the table that the node is built with."""
    page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "metrics.md")
    with open(page) as file:
        rows = re.findall(r"^\| `(\S+)` \| (counter|gauge|histogram) \| (.*?) \|", file.read(), re.M)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def served_families(text):
    """name -> (type, sets of label names that occur)."""
    families = {name: (kind, set()) for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", text, re.M):
        family = name if name in families else re.sub(r"_(bucket|sum|count)$", "", name)
        names = set(re.findall(r'(\w+)="(?:[^"\\]|\\.)*"', labels)) - {"le"}
        families[family][1].add(frozenset(names))
    return families


def families_are_those_of_the_documentation(node):
    told = documented_families()
    served = served_families(get(node.url + "/metrics")[0].decode())
    assert len(told) > 170 and set(told) == set(served), set(told) ^ set(served)
    for name, (kind, label_sets) in served.items():
        assert kind == told[name][0], name
        assert label_sets <= {frozenset(told[name][1])}, (name, label_sets, told[name])
    lines = get(node.url + "/metrics")[0].decode().splitlines()
    names = [line.split(" ")[2] for line in lines if line.startswith("# TYPE")]
    assert names == sorted(names) and len(names) == len(set(names))


COMPONENTS = ["distributor", "ingester", "querier", "query-frontend", "query-scheduler", "index-gateway", "compactor", "ruler", "logi"]


def components_share_all_families_and_split_routes(node):
    get(node.url + "/loki/api/v1/labels")
    push(node, 1)
    whole = get(node.url + "/metrics")[0].decode()
    parts = {component: get(node.url + "/metrics?component=" + component)[0].decode() for component in COMPONENTS}
    keys = lambda text: set(re.findall(r"^([a-z_]+(?:\{.*\})?) \S+$", text, re.M))
    union = set().union(*(keys(text) for text in parts.values()))
    missing = {key for key in keys(whole) - union if not key.startswith(("loki_request_", "loki_response_", "loki_inflight_"))}
    assert not missing, missing
    routes = {component: set(re.findall(r'^loki_request_duration_seconds_count\{.*route="([^"]*)"', text, re.M)) for component, text in parts.items()}
    assert "loki_api_v1_push" in routes["distributor"] and not any("query" in route or "/logproto" in route for route in routes["distributor"]), routes
    assert all(route.startswith("/logproto.") for route in routes["ingester"]) and routes["ingester"], routes
    assert "loki_api_v1_labels" in routes["querier"] and routes["querier"] == routes["query-frontend"], routes
    assert "metrics" in routes["logi"] and not routes["logi"] & (routes["querier"] | routes["distributor"] | routes["ingester"]), routes
    both = get(node.url + "/metrics?component=distributor,compactor")[0].decode()
    assert "loki_distributor_lines_received_total" in both and "loki_compactor_deleted_lines" in both and "logi_head" not in both


def exemplars_name_the_trace_of_a_request(node):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    get(node.url + "/loki/api/v1/labels", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    for bad in ("00-short", f"00-{trace.upper()}-00f067aa0ba902b7-01", '00-"}{"}{"}{"}{"}{"}{"}{"}{"}{"}{"-00f067aa0ba902b7-01'):
        get(node.url + "/loki/api/v1/series", traceparent=bad)
    open_metrics = get(node.url + "/metrics?name=loki_request_duration", Accept="application/openmetrics-text")[0].decode()
    found = re.findall(r'^loki_request_duration_seconds_bucket\{[^#]*route="(\w+)"[^#]*\} (\d+) # \{trace_id="(\w+)"\} (\S+) (\d+\.\d{3})$', open_metrics, re.M)
    assert [(route, id) for route, _, id, _, _ in found] == [("loki_api_v1_labels", trace)], found
    assert abs(float(found[0][4]) - time.time()) < 600 and float(found[0][3]) < 60
    assert "trace_id" not in get(node.url + "/metrics?name=loki_request_duration")[0].decode()


def prometheus_scrapes(node):
    if shutil.which("prometheus") is None:
        print("     prometheus is not installed: skipped")
        return
    folder = tempfile.mkdtemp(prefix="logi-prom-")
    port = free_port()
    with open(os.path.join(folder, "p.yml"), "w") as file:
        file.write(f"global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: logi\n  static_configs: [{{targets: ['127.0.0.1:{node.port}']}}]\n")
    with open(os.path.join(folder, "log"), "wb") as log:
        process = subprocess.Popen(["prometheus", f"--config.file={folder}/p.yml", f"--storage.tsdb.path={folder}/data",
                                    f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        value = None
        while time.monotonic() < end and value is None:
            time.sleep(0.3)
            try:
                answer = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?query=up%7Bjob%3D%22logi%22%7D")[0])
                found = [r["value"][1] for r in answer["data"]["result"]]
                value = found[0] if found and found[0] == "1" else None
            except OSError:
                pass
        assert value == "1", "Prometheus did not scrape"
        answer = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?query=sum(loki_distributor_lines_received_total)")[0])
        assert answer["data"]["result"][0]["value"][1] == "25", answer
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def push_as(connection, tenant):
    body = json.dumps({"streams": [{"stream": {"job": "cap"}, "values": [[str(time.time_ns()), "x"]]}]})
    connection.request("POST", "/loki/api/v1/push", body, {"Content-Type": "application/json", "X-Scope-OrgID": tenant})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 204, answer.status


def tenants_past_the_cap_are_one(node):
    """2,000 tenants, 500 of them with series of their own; and no line is lost between them."""
    before = samples(node)["loki_distributor_lines_received_total"]

    def some(first):
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        for i in range(first, 2000, 8):
            push_as(connection, f"tenant-{i}")
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(some, range(8)))
    text = get(node.url + "/metrics")[0].decode()
    for label in ("tenant", "user"):
        values = set(re.findall(rf'[{{,]{label}="([^"]*)"', text))
        assert len(values) <= 501, (label, len(values))
    own = len(re.findall(r"^loki_ingester_memory_streams\{", text, re.M))
    assert 490 < own <= 501, own
    assert samples(node)["loki_distributor_lines_received_total"] - before == 2000, samples(node)["loki_distributor_lines_received_total"] - before
    assert samples(node)["loki_ingester_memory_streams"] >= 2000
    done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=60)
    assert not [line for line in done.stdout.decode().splitlines() if line and not line.startswith(ALLOWED)], done.stdout


def counters_never_fall_under_load(node):
    """And at rest, what was received is what is stored and what was dropped as a duplicate."""
    stops, failures = threading.Event(), []

    def write(writer):
        at = time.time_ns()
        for batch in range(60):
            values = [[str(at + batch * 1000 + i), f"line {i}"] for i in range(500)]
            body = json.dumps({"streams": [{"stream": {"job": "load", "writer": str(writer)}, "values": values}]}).encode()
            for _ in range(2 if batch % 10 == 0 else 1):  # some twice
                request = urllib.request.Request(node.url + "/loki/api/v1/push", data=body, headers={"Content-Type": "application/json", "X-Scope-OrgID": "load"})
                assert urllib.request.urlopen(request).status == 204

    def scrape():
        last = {}
        while not stops.is_set():
            text = get(node.url + "/metrics")[0].decode()
            counters = set(re.findall(r"^# TYPE (\S+) counter$", text, re.M))
            for key, name, value in re.findall(r"^((\w+)(?:\{.*\})?) (\S+)$", text, re.M):
                if name in counters or re.search(r"_(bucket|count)$", name):
                    if float(value) < last.get(key, 0):
                        failures.append((key, last[key], value))
                    last[key] = float(value)

    scrapers = [threading.Thread(target=scrape) for _ in range(2)]
    for thread in scrapers:
        thread.start()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    stops.set()
    for thread in scrapers:
        thread.join()
    assert not failures, failures[:10]
    get(node.url + "/flush")
    text = get(node.url + "/metrics")[0].decode()
    of = lambda name: sum(float(v) for v in re.findall(rf'^{name}\{{.*tenant="load".*\}} (\S+)$', text, re.M))
    answer = json.loads(get(node.url + "/loki/api/v1/query?query=sum(count_over_time(%7Bjob%3D%22load%22%7D%5B1h%5D))", **{"X-Scope-OrgID": "load"})[0])
    stored = float(answer["data"]["result"][0]["value"][1])
    assert stored == 4 * 60 * 500, stored
    assert of("loki_distributor_lines_received_total") == stored + of("logi_ingest_duplicate_lines_total"), (stored, of("logi_ingest_duplicate_lines_total"))


def small_bodies_that_unpack_to_much_stay_off_the_loops(node):
    """Each of these is under 64 KiB and unpacks to 30 to 60 MB: the threads of queries and large pushes take the work."""
    def cpu(role):
        text = get(node.url + "/metrics?name=logi_threads_cpu")[0].decode()
        return float(re.search(rf'role="{role}"\}} (\S+)', text).group(1))

    packed = gzip.compress(b'{"streams": [' + b" " * (50 << 20))
    # Snappy: a literal of one byte, then copies of 64 bytes from one byte back.
    snappy = push_request.varint(1 + 64 * 21000) + b"\x00 " + (b"\xfe" + b"\x01\x00") * 21000
    assert len(packed) < 60 << 10 and len(snappy) < 64 << 10
    before = {role: cpu(role) for role in ("io", "query")}
    for _ in range(12):
        for body, headers in ((packed, {"Content-Type": "application/json", "Content-Encoding": "gzip"}), (snappy, {"Content-Type": "application/x-protobuf"})):
            try:
                urllib.request.urlopen(urllib.request.Request(node.url + "/loki/api/v1/push", data=body, headers=headers))
                raise AssertionError("taken")
            except urllib.error.HTTPError as error:
                assert error.code == 400, error.code
    spent = {role: cpu(role) - before[role] for role in before}
    assert spent["query"] > 0.1 and spent["query"] > 3 * spent["io"], spent


def unclean_starts_are_counted(binary, Node):
    with Node(binary) as node:
        node.start()
        assert samples(node)["logi_unclean_starts_total"] == 0
        node.stop()
        node.start()
        assert samples(node)["logi_unclean_starts_total"] == 0, "it had ended in order"
        node.kill()
        node.start()
        assert samples(node)["logi_unclean_starts_total"] == 1
        node.stop()
        node.start()
        assert samples(node)["logi_unclean_starts_total"] == 1


TESTS = [promtool_is_content, counters_say_what_was_pushed, formats_and_filters, prometheus_scrapes, what_happens_is_counted, families_are_those_of_the_documentation,
         components_share_all_families_and_split_routes, exemplars_name_the_trace_of_a_request, small_bodies_that_unpack_to_much_stay_off_the_loops, counters_never_fall_under_load, tenants_past_the_cap_are_one]


def run(binary, results, Node):
    with Node(binary) as node:
        if not results.run("metrics: the node starts", node.start):
            return
        for test in TESTS:
            results.run("metrics: " + test.__name__.replace("_", " "), test, node)
    results.run("metrics: unclean starts are counted", unclean_starts_are_counted, binary, Node)
