#!/usr/bin/env python3
"""Everything at once against a node built with a sanitizer: pushes, queries of every kind, flushes, clients that leave, scrapes, while heads are sealed and
segments merged each moment. In the end each acknowledged line is there exactly once, the node exits 0, and the sanitizer has said nothing. Then the same
through ends in the midst of it, SIGTERM and kill -9, with the traffic and the changes of rude.py.

    python3 tests/stress/run.py build/asan/logi build/tsan/logi     LOGI_LONG=1: ten minutes each instead of seconds
"""
import http.client
import json
import os
import random
import socket
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, ROOT)
from harness.node import Node, Results  # noqa: E402
import rude  # noqa: E402

FLAGS = ["--storage.seal_size=256KB", "--storage.seal_age=1s", "--storage.compaction_interval=1s", "--log.level=warn"]
SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1",
    "LSAN_OPTIONS": f"suppressions={ROOT}/lsan.supp:print_suppressions=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"suppressions={ROOT}/tsan.supp",
}
WRITERS = 3
SAID = ("ThreadSanitizer", "AddressSanitizer", "LeakSanitizer", "runtime error:")
LOG_QUERIES = [
    '{job="stress"}',
    '{job="stress", writer=~"0|1"} |= "number 1"',
    '{job="stress"} |~ "number [0-9]*7 " | logfmt | odd="true"',
    '{job="stress"} | json | line_format "{{.writer}} {{.n}}"',
    '{job="stress"} | pattern "<_> number <n> <_>" | n > 10 | keep n',
    '{job="stress"} != "x" | trace="1" | drop trace',
]
METRIC_QUERIES = [
    'sum by (writer) (count_over_time({job="stress"}[1m]))',
    'topk(2, sum by (n) (rate({job="stress"} | logfmt | n < 100 [1m])))',
    'quantile_over_time(0.9, {job="stress"} | logfmt | unwrap n [1m]) by (writer)',
    'sum(count_over_time({job="stress"}[1m])) / sum(bytes_over_time({job="stress"} |= "number" [1m]))',
]
OTHERS = [
    "/loki/api/v1/labels", "/loki/api/v1/label/writer/values", "/loki/api/v1/series", "/loki/api/v1/index/stats?query=%7Bjob%3D%22stress%22%7D",
    "/loki/api/v1/index/volume?query=%7Bjob%3D%22stress%22%7D", "/loki/api/v1/detected_fields?query=%7Bjob%3D%22stress%22%7D",
    "/loki/api/v1/patterns?query=%7Bjob%3D%22stress%22%7D", "/metrics", "/config", "/ready", "/api/prom/label",
]


class Actor(threading.Thread):
    """Does one thing again and again until it is told to end; what it raises is kept."""

    def __init__(self, node, seed):
        super().__init__(daemon=True)
        self.node, self.random = node, random.Random(seed)
        self.ending = False
        self.failure = None
        self.turns = 0

    def run(self):
        try:
            while not self.ending:
                self.act()
                self.turns += 1
        except Exception as error:  # told by the main thread
            self.failure = error

    def ask(self, method, path, body=None, headers=None, timeout=120):
        client = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=timeout)
        try:
            client.request(method, path, body, headers or {})
            answer = client.getresponse()
            return answer.status, answer.read()
        finally:
            client.close()


class Writer(Actor):
    def __init__(self, node, seed, index, base):
        super().__init__(node, seed)
        self.index, self.base, self.number = index, base, 0
        self.acknowledged = {}

    def act(self):
        values = []
        for _ in range(self.random.randrange(1, 60)):
            ts = self.base + self.number * 1000 + self.random.randrange(2) * 500
            line = f'w={self.index} number {self.number} n={self.number} odd={"true" if self.number % 2 else "false"} ' + "y" * self.random.randrange(200)
            values.append([str(ts), line] if self.number % 3 else [str(ts), line, {"trace": str(self.number % 5)}])
            self.number += 1
        self.random.shuffle(values)
        stream = {"job": "stress", "writer": str(self.index), "part": str(self.random.randrange(4))}
        body = json.dumps({"streams": [{"stream": stream, "values": values}]})
        status, text = self.ask("POST", "/loki/api/v1/push", body, {"Content-Type": "application/json"})
        if status == 204:
            self.acknowledged.update({int(value[0]): value[1] for value in values})
        else:
            assert status in (429, 503), (status, text)
            time.sleep(0.05)


class Reader(Actor):
    def act(self):
        kind = self.random.randrange(4)
        if kind == 0:
            path, status_wanted = self.random.choice(OTHERS), (200,)
        else:
            query = self.random.choice(LOG_QUERIES if kind < 3 else METRIC_QUERIES)
            params = {"query": query, "limit": self.random.choice([1, 50, 1000]), "direction": self.random.choice(["forward", "backward"])}
            path, status_wanted = "/loki/api/v1/query_range?" + urllib.parse.urlencode(params), (200,)
        status, text = self.ask("GET", path)
        assert status in status_wanted, (path, status, text[:300])


class Flusher(Actor):
    def act(self):
        status, text = self.ask("POST", "/flush")
        assert status in (200, 204), (status, text[:300])
        time.sleep(self.random.random())


class Leaver(Actor):
    """Clients that go away in the middle: of a head, of a body, of an answer."""

    def act(self):
        query = urllib.parse.quote(self.random.choice(LOG_QUERIES))
        texts = [
            b"GET /loki/api/v1/query_range?query=" + query.encode() + b"&limit=5000 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST /loki/api/v1/push HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n" + b"{" * 70000,
        ]
        text = self.random.choice(texts)
        with socket.create_connection(("127.0.0.1", self.node.port), timeout=60) as client:
            client.sendall(text[: self.random.randrange(1, len(text) + 1)])
            time.sleep(self.random.random() * 0.02)


def read_back(node, writer):
    found, start = [], writer.base - 1
    while True:
        params = urllib.parse.urlencode({"query": f'{{job="stress", writer="{writer.index}"}}', "start": start, "end": writer.base + 10**12,
                                         "limit": 5000, "direction": "forward"})
        status, body = writer.ask("GET", "/loki/api/v1/query_range?" + params)
        assert status == 200, (status, body[:300])
        page = sorted((int(ts), line) for stream in json.loads(body)["data"]["result"] for ts, line in stream["values"])
        found += page
        if len(page) < 5000:
            return found
        start = page[-1][0] + 1


def silent(node):
    said = [line for line in node.log().splitlines() if any(word in line for word in SAID)]
    assert not said, "\n".join(said[:5]) + "\n" + node.log()[-6000:]


def stress(binary, seconds, seed):
    with Node(binary, flags=FLAGS, env=SANITIZERS) as node:
        node.start(timeout=120)
        base = time.time_ns() - 5 * 10**9
        writers = [Writer(node, seed + i, i, base) for i in range(WRITERS)]
        actors = writers + [Reader(node, seed + 10 + i) for i in range(3)] + [Flusher(node, seed + 20), Leaver(node, seed + 30)]
        for actor in actors:
            actor.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and not any(actor.failure for actor in actors) and node.process.poll() is None:
            time.sleep(0.1)
        for actor in actors:
            actor.ending = True
        for actor in actors:
            actor.join(timeout=300)
            assert not actor.is_alive(), f"{type(actor).__name__} hangs"
        assert node.process.poll() is None, f"logi ended with {node.process.returncode}: {node.log()[-6000:]}"
        for actor in actors:
            assert actor.failure is None, f"{type(actor).__name__} (seed {seed}): {actor.failure}: {node.log()[-3000:]}"
            assert actor.turns > 0, f"{type(actor).__name__} did nothing"
        for writer in writers:
            assert read_back(node, writer) == sorted(writer.acknowledged.items()), f"writer {writer.index} (seed {seed}): lines are lost, doubled or changed"
        code = node.stop(timeout=300)
        silent(node)
        assert code == 0, f"exit code {code}: {node.log()[-3000:]}"


class PatientWriter(Writer):
    """A writer that goes on through the node's ends. What was not answered may be there or not."""

    def act(self):
        try:
            super().act()
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
        time.sleep(0.02)


def lives(binary, seconds, seed):
    with tempfile.TemporaryDirectory(prefix="logi-stress-") as folder:
        flags = FLAGS + ["--shutdown_timeout=1s", "--storage.delete_delay=1s", "--ochi.listen="]
        with Node(binary, config=os.path.join(folder, "logi.yaml"), flags=flags, env=SANITIZERS) as node:
            reloader = rude.Reloader(node, seed)
            node.start(timeout=120)
            base = time.time_ns() - 60 * 10**9
            writers = [PatientWriter(node, seed + i, i, base) for i in range(WRITERS)]
            kinds = [rude.AnyRequest] * 4 + [rude.SilentTail] * 2 + [rude.SlowReader, rude.Changer]
            actors = writers + [reloader] + [kind(node, seed + 10 + i) for i, kind in enumerate(kinds)]
            for actor in actors:
                actor.start()
            for kills in (False, True):
                end = time.monotonic() + seconds / 2
                while time.monotonic() < end and not any(actor.failure for actor in actors) and node.process.poll() is None:
                    time.sleep(0.1)
                assert node.process.poll() is None, f"logi ended with {node.process.returncode}: {node.log()[-6000:]}"
                with reloader.starting:
                    reloader.write(False)
                    code = node.kill() if kills else node.stop(timeout=300)
                    silent(node)
                    assert kills or code == 0, f"exit code {code}: {node.log()[-3000:]}"
                    node.start(timeout=120, port=node.port)
            for actor in actors:
                actor.ending = True
            for actor in actors:
                actor.join(timeout=300)
                assert not actor.is_alive(), f"{type(actor).__name__} hangs"
                assert actor.failure is None, f"{type(actor).__name__} (seed {seed}): {actor.failure}: {node.log()[-3000:]}"
                assert actor.turns > 0, f"{type(actor).__name__} did nothing"
            for writer in writers:
                found = read_back(node, writer)
                kept = dict(found)
                lost = [ts for ts, line in writer.acknowledged.items() if kept.get(ts) != line]
                assert not lost and len(kept) == len(found), f"writer {writer.index} (seed {seed}): {len(lost)} lines lost, {len(found) - len(kept)} doubled"
            code = node.stop(timeout=300)
            silent(node)
            assert code == 0, f"exit code {code}: {node.log()[-3000:]}"


def main():
    results = Results()
    seconds = 600 if os.environ.get("LOGI_LONG") == "1" else 8
    seed = int(os.environ.get("LOGI_SEED", "1"))
    for binary in sys.argv[1:]:
        results.run(f"stress of {binary}, {seconds} s, seed {seed}", stress, os.path.abspath(binary), seconds, seed)
        results.run(f"lives of {binary}, {seconds} s, seed {seed}", lives, os.path.abspath(binary), seconds, seed)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
