"""Traffic that no client of ours would send, and changes under a node's feet: all routes with any parameters and bodies, pipelined, cut short and left; tails
that never answer; readers that hardly read; rules and delete requests that come and go; settings that are read again while half of them are wrong."""
import base64
import gzip
import http.client
import json
import os
import random
import re
import signal
import socket
import threading
import time
import urllib.parse
import zlib

from harness import push_request

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TIMES = ["0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e300", "NaN", "Inf", "1.5", "99999999999", "2026-01-01T00:00:00Z", "x", ""]
NUMBERS = TIMES + ["100", "4999", "1m", "1ms", "292y", "18446744073709551616", " 1", "+1"]
QUERIES = ['{job="stress"}', '{job=~".+"} | logfmt | n > 10', '{job="stress"} | json | unpack | decolorize', '{job=~".*s.*"} |~ "[0-9]+7 " | line_format "{{.n}}"', '{a="b"',
           'sum by (writer) (count_over_time({job="stress"}[1m]))', 'quantile_over_time(0.9, {job="stress"} | logfmt | unwrap n [1m])', 'vector(1) / 0', "",
           'count_over_time({job="stress"}[200y])', 'sum(count_over_time({job="stress"}[1m] offset -100y))', 'topk(2, rate({job="rude"}[1h]))']
VALUES = {"query": QUERIES, "match[]": QUERIES, "start": TIMES, "end": TIMES, "time": TIMES, "step": NUMBERS, "limit": NUMBERS, "since": NUMBERS, "interval": NUMBERS,
          "line_limit": NUMBERS, "delay_for": NUMBERS, "direction": ["forward", "x"], "targetLabels": ["job,n", ",,"], "aggregateBy": ["labels", "x"], "force": ["true"],
          "request_id": ["00000000", "x"], "mode": ["diff", "x"], "regexp": ["(", ".*"], "type": ["alert", "x"], "labels": ["a:b", "a"], "component": ["x"]}
RULES = "name: {name}\ninterval: 1s\nrules:\n  - alert: A\n    expr: sum(count_over_time({{job=\"stress\"}}[1m])) > 0\n    annotations: {{summary: '{{{{ $value }}}}'}}\n"
SETTINGS = "limits_config:\n  max_query_series: {series}\n  query_timeout: {timeout}\nquerier:\n  per_request_limits_enabled: true\nlog:\n  level: {level}\n"
# Not among them: what would end the node, and tenants other than "rude", whose lines are counted.
PASSED_OVER = {"/ingester/shutdown"}
HEADERS = {"X-Scope-OrgID": "rude"}


def routes():
    """(method, path) of docs/openapi.yaml."""
    with open(os.path.join(ROOT, "docs", "openapi.yaml")) as file:
        text = file.read()
    found, path = [], None
    for line in text[text.index("\npaths:"):text.index("\ncomponents:")].splitlines():
        at_path, at_method = re.match(r"  (/\S*):$", line), re.match(r"    (get|post|put|delete):", line)
        path = at_path[1] if at_path else path
        if at_method and path not in PASSED_OVER:
            found.append((at_method[1].upper(), path))
    assert len(found) > 60, found
    return found


class Rude(threading.Thread):
    """Goes on through the node's ends and starts: a connection that fails is part of it."""

    def __init__(self, node, seed):
        super().__init__(daemon=True)
        self.node, self.random = node, random.Random(seed)
        self.ending, self.failure, self.turns = False, None, 0

    def run(self):
        while not self.ending and self.failure is None:
            try:
                self.act()
                self.turns += 1
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
            except Exception as error:  # told by the main thread
                self.failure = error

    def dial(self, buffer=None):
        client = socket.socket()
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(5)
        client.connect(("127.0.0.1", self.node.port))
        return client

    def ask(self, method, path, body=None):
        client = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=60)
        try:
            client.request(method, path, body, HEADERS)
            answer = client.getresponse()
            return answer.status, answer.read()
        finally:
            client.close()


class AnyRequest(Rude):
    ROUTES = routes()

    def mutated(self, data):
        data = bytearray(data)
        for _ in range(self.random.choice([0, 0, 1, 3])):
            at = self.random.randrange(len(data) + 1)
            data[at : at + self.random.randrange(20)] = self.random.randbytes(self.random.randrange(10))
        return bytes(data)

    def push_body(self):
        now, values = time.time_ns(), []
        for i in range(self.random.randrange(50)):
            values.append((now - self.random.randrange(10**10), f'line {i} {{"a":1}} n={i}', {"m": str(i % 3)} if i % 2 else None))
        if self.random.random() < 0.5:
            return "application/x-protobuf", push_request.push_request([('{job="rude"}', values)])
        texts = [[str(ts), line] + ([metadata] if metadata else []) for ts, line, metadata in values]
        return "application/json", json.dumps({"streams": [{"stream": {"job": "rude", "p": str(len(texts))}, "values": texts}]}).encode()

    def request(self):
        pick = self.random.choice
        method, path = pick(self.ROUTES)
        path = re.sub(r"\{\w+\}", lambda _: pick(["job", "g1", "%00", "..", "x" * 300, "%C3%A9"]), path)
        fields = [(name, pick(values)) for name, values in VALUES.items() if self.random.random() < (0.8 if name == "query" else 0.25)]
        headers, body = {"Host": "a", **HEADERS}, b""
        if "push" in path or "otlp" in path:
            headers["Content-Type"], body = self.push_body()
            coding = pick(["", "", "gzip", "deflate", "zstd", "lz4", "snappy", "x"])
            if coding:
                headers["Content-Encoding"] = coding
                body = gzip.compress(body) if coding == "gzip" else zlib.compress(body) if coding == "deflate" else body
            body = self.mutated(body)
        elif method == "POST" and "rules" in path:
            body = self.mutated(RULES.format(name=pick(["g1", "g2", ""])).encode())
        elif method == "POST" and self.random.random() < 0.6:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body, fields = urllib.parse.urlencode(fields).encode(), []
        if "tail" in path:
            headers.update({"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()})
        if self.random.random() < 0.2:
            headers["X-Loki-Query-Limits"] = pick(['{"maxQueryTime":"5s","requiredLabels":["job"]}', "{"])
        path += "?" + urllib.parse.urlencode(fields) if fields else ""
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if not body or self.random.random() < 0.8:
            return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        return f"{head}Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"

    def act(self):
        text = b"".join(self.request() for _ in range(self.random.choice([1, 1, 3])))
        text = text[: self.random.randrange(1, len(text) + 1)] if self.random.random() < 0.2 else text
        with self.dial() as client:
            client.sendall(text)
            client.settimeout(self.random.choice([0.01, 0.3]))
            answer = b""
            try:
                answer = client.recv(65536)
            except TimeoutError:
                pass
        # 503, 507: the node stops, or has no room; 504: the query's time is over.
        assert not answer.startswith(b"HTTP/1.1 5") or answer[9:12] in (b"503", b"504", b"505", b"507"), (text[:500], answer[:500])


class SilentTail(Rude):
    """Opens a tail, hardly reads, and never says goodbye."""

    def act(self):
        query = urllib.parse.quote(self.random.choice(QUERIES[:4]))
        with self.dial(buffer=4096) as client:
            client.sendall((f"GET /loki/api/v1/tail?query={query}&delay_for={self.random.choice([0, 1])} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n").encode())
            client.recv(100)
            time.sleep(self.random.random() * 3)


class SlowReader(Rude):
    def act(self):
        with self.dial(buffer=4096) as client:
            client.sendall(b"GET /loki/api/v1/query_range?query=%7Bjob%3D%22stress%22%7D&limit=5000 HTTP/1.1\r\nHost: a\r\n\r\n")
            for _ in range(self.random.randrange(20)):
                if not client.recv(2000):
                    break
                time.sleep(0.02)


class Changer(Rude):
    """Rules and delete requests of one tenant, and the node's own marker."""

    def act(self):
        pick, now = self.random.choice, time.time_ns()
        lines = [[str(now - i * 10**9), f"gone {i}"] for i in range(100)]
        client = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=60)
        try:
            client.request("POST", "/loki/api/v1/push", json.dumps({"streams": [{"stream": {"job": "gone"}, "values": lines}]}), {"Content-Type": "application/json", **HEADERS})
            client.getresponse().read()
        finally:
            client.close()
        self.ask("POST", "/loki/api/v1/delete?" + urllib.parse.urlencode({"query": pick(['{job="gone"}', '{job="gone"} |= "1"']), "start": now // 10**9 - 3600}))
        _, text = self.ask("GET", "/loki/api/v1/delete")
        for one in json.loads(text)[:3] if text.startswith(b"[") else []:
            self.ask("DELETE", f"/loki/api/v1/delete?force=true&request_id={one['request_id']}")
        self.ask(*pick([("POST", "/loki/api/v1/rules/a", RULES.format(name=pick(["g1", "g2"]))), ("DELETE", "/loki/api/v1/rules/a"), ("GET", "/prometheus/api/v1/rules")]))
        self.ask(pick(["POST", "DELETE"]), "/ingester/prepare_shutdown")


class Reloader(Rude):
    """The settings' file, changed and read again; now and then it is cut short. `starting`: held while the node reads it for good."""

    def __init__(self, node, seed):
        super().__init__(node, seed)
        self.starting = threading.Lock()
        self.write(False)

    def write(self, may_break):
        pick = self.random.choice
        text = SETTINGS.format(series=pick([500, 1000]), timeout=pick(["1m", "30s"]), level=pick(["warn", "error"]))
        if may_break and self.random.random() < 0.3:
            text = text[: self.random.randrange(len(text))]
        with open(self.node.config + ".new", "w") as file:
            file.write(text)
        os.rename(self.node.config + ".new", self.node.config)

    def act(self):
        with self.starting:
            self.write(True)
            try:
                os.kill(self.node.process.pid, signal.SIGHUP)
            except ProcessLookupError:
                pass
        time.sleep(self.random.random() * 0.5)
