"""What the suites of clients share: running one as its own process, and asking the node what came of it."""
import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request


def call(command, cwd=None, timeout=120, env=None):
    """Runs a client to its end, which must be a good one; its standard output."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, env=env)
    assert done.returncode == 0, f"exit {done.returncode}: {(done.stdout + done.stderr)[-3000:]}"
    return done.stdout


def ask(url, body=None, status=200, method=None, headers=None):
    """One request with this outcome; the answer's body."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            got, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        got, text = error.code, error.read()
    assert got == status, (got, text[:2000])
    return text


def entries(node, tenant, query, wanted=0, timeout=30):
    """Each entry as (labels, ns, line, metadata), oldest first; waits until there are as many as wanted: clients push late."""
    end = time.monotonic() + timeout
    parameters = urllib.parse.urlencode({"query": query, "since": "1h", "limit": 5000, "direction": "forward"})
    while True:
        text = ask(f"{node.url}/loki/api/v1/query_range?{parameters}",
                   headers={"X-Scope-OrgID": tenant, "X-Loki-Response-Encoding-Flags": "categorize-labels"})
        found = [(stream["stream"], int(at), line, extra.get("structuredMetadata", {}))
                 for stream in json.loads(text)["data"]["result"] for at, line, extra in stream["values"]]
        if len(found) >= wanted or time.monotonic() > end:
            return sorted(found, key=lambda entry: entry[1])
        time.sleep(0.05)
