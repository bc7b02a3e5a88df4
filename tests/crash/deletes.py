#!/usr/bin/env python3
"""kill -9 while delete requests are taken, lines erased, and more pushed: a line of a request that was answered with 204 never shows again, every other
acknowledged line is there exactly once, and in the end all requests are processed and nothing of them is on the disk.

    python3 tests/crash/deletes.py build/release/logi [--rounds 10] [--seed N]
"""
import argparse
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.node import Node, Results  # noqa: E402

FLAGS = ["--storage.seal_size=128KB", "--storage.seal_age=1s", "--storage.compaction_interval=1s", "--storage.delete_delay=0s", "--log.level=warn"]
S = 10**9


def call(node, method, path, body=None, timeout=60, **params):
    client = http.client.HTTPConnection("127.0.0.1", node.port, timeout=timeout)
    client.request(method, path + ("?" + urllib.parse.urlencode(params) if params else ""), body, {"Content-Type": "application/json"})
    answer = client.getresponse()
    return answer.status, answer.read().decode()


class History:
    def __init__(self):
        self.base = (int(time.time()) - 1200) * S  # all deletes reach back before now
        self.number = 0
        self.kept = set()     # acknowledged, of no request
        self.sent = set()
        self.deleted = []     # rounds whose request was answered


def push(node, history, round_number, count):
    values, keeps = [], []
    for _ in range(count):
        history.number += 1
        drops = history.number % 3 == 0
        line = f"{'drop' if drops else 'keep'} round={round_number} n={history.number} " + "x" * (history.number % 61)
        values.append([str(history.base + history.number * 1000), line])
        if not drops:
            keeps.append(line)
    history.sent.update(line for _, line in values)
    body = json.dumps({"streams": [{"stream": {"app": "crash", "s": str(history.number % 4)}, "values": values}]})
    if call(node, "POST", "/loki/api/v1/push", body)[0] == 204:
        history.kept.update(keeps)


def work(node, history, round_number, dice, stop):
    """Pushes, then asks for the drops of this round to go, then pushes keeps of the next numbers, until the node is gone."""
    try:
        for _ in range(dice.randint(5, 30)):
            push(node, history, round_number, 60)
        if dice.random() < 0.5:
            call(node, "POST", "/flush")
        status, text = call(node, "POST", "/loki/api/v1/delete", query='{app="crash"} |= "drop round=%d "' % round_number,
                            start=history.base // S - 1, end=history.base // S + 900)
        assert status == 204, (status, text)
        history.deleted.append(round_number)
        while not stop.is_set():
            push(node, history, -1 - round_number, 3)
            time.sleep(0.01)
    except (OSError, http.client.HTTPException):
        pass


def read_all(node, history):
    found, start = [], history.base
    while True:
        status, text = call(node, "GET", "/loki/api/v1/query_range", query='{app="crash"}', start=start, end=history.base + 900 * S, limit=5000,
                            direction="forward")
        assert status == 200, (status, text[:300])
        page = sorted((int(ts), line) for stream in json.loads(text)["data"]["result"] for ts, line in stream["values"])
        found += page
        if len(page) < 5000:
            return [line for _, line in found]
        start = found[-1][0] + 1


def check(node, history):
    found = read_all(node, history)
    assert len(found) == len(set(found)), "a line is there twice"
    assert set(found) <= history.sent, "a line that was never sent"
    lost = history.kept - set(found)
    assert not lost, f"{len(lost)} of {len(history.kept)} acknowledged lines are lost: {min(lost)}"
    back = [line for line in found if line.startswith("drop") and int(re.search(r"round=(-?\d+) ", line)[1]) in history.deleted]
    assert not back, f"{len(back)} deleted lines are there: {back[0]}"
    status, text = call(node, "GET", "/loki/api/v1/query", query='sum(count_over_time({app="crash"}[1h]))', time=history.base + 900 * S)
    assert status == 200 and int(json.loads(text)["data"]["result"][0]["value"][1]) == len(found), (text[:300], len(found))


def one_round(node, history, number, dice):
    stop = threading.Event()
    worker = threading.Thread(target=work, args=(node, history, number, dice, stop), daemon=True)
    worker.start()
    time.sleep(dice.uniform(0.1, 2.5))
    node.kill()
    stop.set()
    worker.join(30)
    node.flags = FLAGS + [f"--storage.shards={dice.choice([1, 2, 3])}"]
    node.start()
    check(node, history)


def processed(node):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        states = [r["status"] for r in json.loads(call(node, "GET", "/loki/api/v1/delete")[1])]
        if all(s == "processed" for s in states):
            return
        time.sleep(0.2)
    raise AssertionError(states)


def on_disk(binary, node, history):
    found = len(read_all(node, history))
    assert node.stop() == 0
    done = subprocess.run([binary, "verify", "--data", node.data], capture_output=True, text=True, timeout=300)
    entries = int(re.search(r"(\d+) entries", done.stdout)[1])
    assert done.returncode == 0 and entries == found, (done.stdout + done.stderr, found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=200 if os.environ.get("LOGI_LONG") == "1" else 10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.rounds} rounds")
    binary = os.path.abspath(options.binary)
    dice, results, history = random.Random(options.seed), Results(), History()
    with tempfile.TemporaryDirectory(prefix="logi-crash-") as data, Node(binary, data=data, flags=FLAGS) as node:
        node.start()
        for number in range(options.rounds):
            if not results.run(f"round {number}", one_round, node, history, number, dice):
                break
        results.run("requests were taken", lambda: history.deleted or (_ for _ in ()).throw(AssertionError("none")))
        results.run("all requests are processed at the end", processed, node)
        results.run("what is left is what it was", check, node, history)
        results.run("nothing of them is on the disk", on_disk, binary, node, history)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
