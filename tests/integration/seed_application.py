"""What Loki's documentation page "Query Loki with Python" tells its readers to write, with its words; run by seed_clients.py with an interpreter that has httpx.

    seed_application.py URL CA_BUNDLE USER TOKEN
"""
import json
import sys
import time
from datetime import datetime, timedelta

import httpx
import requests


def query_range(
    url: str,
    query: str,
    start: datetime,
    end: datetime,
    limit: int = 1000,
    get=requests.get,
    **kwargs,
) -> list:
    """Query Loki for log entries within a time range."""
    resp = get(
        f"{url}/loki/api/v1/query_range",
        params={
            "query": query,
            "start": str(int(start.timestamp() * 1e9)),  # nanoseconds
            "end": str(int(end.timestamp() * 1e9)),
            "limit": limit,
            "direction": "backward",
        },
        **kwargs,
    )
    resp.raise_for_status()
    return resp.json()["data"]["result"]


def query_instant(url: str, query: str, **kwargs) -> list:
    """Run an instant metric query against Loki."""
    resp = requests.get(
        f"{url}/loki/api/v1/query",
        params={
            "query": query,
            "time": str(int(datetime.now().timestamp() * 1e9)),
        },
        **kwargs,
    )
    resp.raise_for_status()
    return resp.json()["data"]["result"]


def push_logs(url, labels, entries, post=requests.post, **kwargs) -> None:
    """Push log entries to Loki."""
    payload = {
        "streams": [
            {
                "stream": labels,
                "values": [list(e) for e in entries],
            }
        ]
    }
    headers = {"Content-Type": "application/json", **kwargs.pop("headers", {})}
    resp = post(f"{url}/loki/api/v1/push", headers=headers, data=json.dumps(payload), **kwargs)
    resp.raise_for_status()


def get_labels(url, **kwargs) -> list:
    """List all known label names."""
    resp = requests.get(f"{url}/loki/api/v1/labels", **kwargs)
    resp.raise_for_status()
    return resp.json()["data"]


def get_label_values(url, label, **kwargs) -> list:
    """List values for a specific label."""
    resp = requests.get(f"{url}/loki/api/v1/label/{label}/values", **kwargs)
    resp.raise_for_status()
    return resp.json()["data"]


def texts(results):
    return sorted(line for stream in results for _, line in stream["values"])


def main():
    url, bundle, user, token = sys.argv[1:5]
    secure = {"auth": (user, token), "verify": bundle}
    hour = {"start": datetime.now() - timedelta(hours=1), "end": datetime.now() + timedelta(seconds=2)}
    now_ns = str(int(time.time() * 1e9))
    entries = [(now_ns, "application started"), (now_ns, "an error on port 8080")]

    # auth= and verify= with a CA bundle; then without a check, as for a self-signed certificate
    push_logs(url, {"job": "varlogs", "env": "dev", "level": "info"}, entries, **secure)
    for get in (requests.get, httpx.get):
        assert texts(query_range(url, '{job="varlogs"} |= "error"', **hour, get=get, **secure)) == ["an error on port 8080"], get
        assert texts(query_range(url, '{job="varlogs"}', **hour, get=get, auth=(user, token), verify=False)) == sorted(e[1] for e in entries)
    def httpx_post(target, data, **kwargs):
        return httpx.post(target, content=data, **kwargs)

    push_logs(url, {"job": "httpx"}, [(now_ns, "by httpx")], post=httpx_post, **secure)
    assert texts(query_range(url, '{job="httpx"}', **hour, **secure)) == ["by httpx"]

    # tenants by header, one and several
    for tenant in ("tenant1", "tenant2", "tenant3"):
        push_logs(url, {"job": "tenants"}, [(now_ns, "of " + tenant)], headers={"X-Scope-OrgID": tenant}, **secure)
    one = {"headers": {"X-Scope-OrgID": "tenant2"}, **secure}
    many = {"headers": {"X-Scope-OrgID": "tenant1|tenant2|tenant3"}, **secure}
    for get in (requests.get, httpx.get):
        assert texts(query_range(url, '{job="tenants"}', **hour, get=get, **one)) == ["of tenant2"]
        assert texts(query_range(url, '{job="tenants"}', **hour, get=get, **many)) == ["of tenant1", "of tenant2", "of tenant3"]

    # instant queries, labels and values
    results = query_instant(url, 'sum(rate({job="varlogs"}[10m])) by (level)', **secure)
    assert [entry["metric"] for entry in results] == [{"level": "info"}] and float(results[0]["value"][1]) > 0, results
    labels = get_labels(url, **secure)
    assert {"job", "env"} <= set(labels), labels
    for label in labels:
        assert get_label_values(url, label, **secure), label
    assert get_label_values(url, "env", **secure) == ["dev"]
    for query, reason in (('{job="varlogs"}', "log queries are not supported as an instant query type"), ("{}", "at least one")):
        resp = requests.get(f"{url}/loki/api/v1/query", params={"query": query}, **secure)
        assert resp.status_code == 400 and reason in resp.text, (query, resp.status_code, resp.text)
    resp = requests.get(f"{url}/loki/api/v1/query_range", params={"query": "{}"}, **secure)
    assert resp.status_code == 400, resp.text

    # httpx with one client for many requests, also when they run at once
    with httpx.Client(auth=(user, token), verify=bundle) as client:
        for _ in range(20):
            assert texts(query_range(url, '{job="httpx"}', **hour, get=client.get)) == ["by httpx"]
    print("all of the page works")


main()
