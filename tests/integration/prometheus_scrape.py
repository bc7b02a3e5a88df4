"""Debian's Prometheus scrapes /metrics, and promtool finds nothing to complain of but Loki's own names."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request

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
    get(node.url + "/loki/api/v1/query_range?query=%7Bjob%3D%22scrape%22%7D")
    get(node.url + "/flush")
    after = samples(node)
    grown = ["logi_ingest_decode_seconds_count", "logi_ingest_delay_seconds_count", "loki_distributor_ingester_appends_total", "logi_query_first_byte_seconds_count",
             "logi_query_peak_memory_bytes_sum", "logi_query_fanout_shards_count", "loki_logql_querystats_bytes_processed_per_seconds_count", "loki_ingester_chunk_size_bytes_count",
             "loki_ingester_chunk_encode_time_seconds_count", "loki_ingester_chunks_stored_total", "process_network_receive_bytes_total"]
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


TESTS = [promtool_is_content, counters_say_what_was_pushed, formats_and_filters, prometheus_scrapes, what_happens_is_counted]


def run(binary, results, Node):
    with Node(binary) as node:
        if not results.run("metrics: the node starts", node.start):
            return
        for test in TESTS:
            results.run("metrics: " + test.__name__.replace("_", " "), test, node)
