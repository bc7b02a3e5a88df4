#!/usr/bin/env python3
"""kill -9 under load, again and again: each acknowledged line is there exactly once afterwards, none that was never sent, and /ready comes back.

    python3 tests/crash/run.py build/release/logi [--rounds 20] [--seed N]

The node seals, merges and commits its index every moment (tiny sizes), so that the kills hit those too. LOGI_LONG=1: 1000 rounds.
"""
import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.node import Node, Results  # noqa: E402

WRITERS = 4
LINES_A_PUSH = 20
FLAGS = ["--storage.seal_size=128KB", "--storage.seal_age=1s", "--storage.compaction_interval=1s", "--log.level=warn"]


class Writer(threading.Thread):
    """Pushes unique lines until the node is gone; knows what was sent and what was acknowledged. A patient one waits for a node that is about to start."""

    def __init__(self, node, round_number, index, base_ns, patient=False):
        super().__init__(daemon=True)
        self.patient = patient
        self.node, self.round, self.index, self.base = node, round_number, index, base_ns
        self.sent, self.acknowledged = {}, set()
        self.ending = False

    def labels(self):
        return {"job": "crash", "round": str(self.round), "writer": str(self.index)}

    def run(self):
        client = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=10)
        number = 0
        while self.patient and not self.ending:
            try:
                client.connect()
                break
            except OSError:
                time.sleep(0.002)
        try:
            while not self.ending:
                batch = []
                for _ in range(LINES_A_PUSH):
                    ts = self.base + number
                    line = f"round {self.round} writer {self.index} line {number} " + "x" * (number % 97)
                    self.sent[ts] = line
                    batch.append([str(ts), line])
                    number += 1
                body = json.dumps({"streams": [{"stream": self.labels(), "values": batch}]})
                client.request("POST", "/loki/api/v1/push", body, {"Content-Type": "application/json"})
                answer = client.getresponse()
                answer.read()
                if answer.status == 204:
                    self.acknowledged.update(int(ts) for ts, _ in batch)
        except (OSError, http.client.HTTPException):
            pass


def read_back(node, writer):
    """All stored lines of the writer, by time."""
    found = []
    selector = "{" + ", ".join(f'{k}="{v}"' for k, v in writer.labels().items()) + "}"
    start = writer.base
    while True:
        params = urllib.parse.urlencode({"query": selector, "start": start, "end": writer.base + 10**9, "limit": 5000, "direction": "forward"})
        client = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        client.request("GET", "/loki/api/v1/query_range?" + params)
        answer = client.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body[:300])
        page = [(int(ts), line) for stream in json.loads(body)["data"]["result"] for ts, line in stream["values"]]
        found += sorted(page)
        if len(page) < 5000:
            return found
        start = found[-1][0] + 1


def check(node, writer):
    found = read_back(node, writer)
    stamps = [ts for ts, _ in found]
    assert len(stamps) == len(set(stamps)), f"{len(stamps) - len(set(stamps))} lines are there twice"
    for ts, line in found:
        assert writer.sent.get(ts) == line, f"a line that was never sent: {ts} {line!r}"
    lost = writer.acknowledged - set(stamps)
    assert not lost, f"{len(lost)} of {len(writer.acknowledged)} acknowledged lines are lost, the first is {min(lost)}"


def flusher(node, stop, dice):
    while not stop.wait(dice.uniform(0.05, 0.4)):
        try:
            client = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
            client.request("POST", "/flush")
            client.getresponse().read()
        except (OSError, http.client.HTTPException):
            return


def one_round(node, number, dice, history):
    base = time.time_ns() - 60 * 10**9
    writers = [Writer(node, number, i, base) for i in range(WRITERS)]
    stop = threading.Event()
    threading.Thread(target=flusher, args=(node, stop, dice), daemon=True).start()
    for writer in writers:
        writer.start()
    time.sleep(dice.uniform(0.1, 1.2))
    node.kill()
    stop.set()
    for writer in writers:
        writer.join(20)
    if dice.random() < 0.3:  # a kill while it starts, and takes pushes beside its replay
        node.start(wait=False)
        early = [Writer(node, number, WRITERS + i, base, patient=True) for i in range(2)]
        for writer in early:
            writer.start()
        time.sleep(dice.uniform(0, 0.25))
        node.kill()
        for writer in early:
            writer.ending = True
        for writer in early:
            writer.join(20)
        writers += early
    node.flags = FLAGS + [f"--storage.shards={dice.choice([1, 2, 2, 3])}"]
    started = time.monotonic()
    node.start()
    took = time.monotonic() - started
    assert sum(len(w.acknowledged) for w in writers) > 0, "nothing was acknowledged"
    history.extend(writers)
    for writer in history[-4 * WRITERS:]:  # this round's, and that the rounds before it are still whole
        check(node, writer)
    print(f"     {sum(len(w.acknowledged) for w in writers)} lines acknowledged, ready after {took:.2f} s", flush=True)


def no_damage(binary, data):
    done = subprocess.run([binary, "verify", "--data", data], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=1000 if os.environ.get("LOGI_LONG") == "1" else 20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.rounds} rounds")
    dice = random.Random(options.seed)
    results = Results()
    history = []
    with tempfile.TemporaryDirectory(prefix="logi-crash-") as data, Node(os.path.abspath(options.binary), data=data, flags=FLAGS) as node:
        node.start()
        for number in range(options.rounds):
            if not results.run(f"round {number}", one_round, node, number, dice, history):
                if node.process.poll() is not None:
                    break
        results.run("all rounds are whole at the end", lambda: [check(node, writer) for writer in history])
        results.run("the node ends with 0", lambda: node.stop() == 0 or (_ for _ in ()).throw(AssertionError(node.log()[-500:])))
        results.run("logi verify finds no damage", no_damage, os.path.abspath(options.binary), data)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
