"""A node with a small memory budget: it stays under it, says so, loses nothing, answers right, and recovers."""
import json
import os
import random
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

MIB = 1 << 20
LIMIT = 128 * MIB
FLAGS = ["--memory.limit=128MiB", "--storage.stream_idle=20s", "--storage.seal_age=5s", "--limits_config.max_query_memory=64MB"]


def metrics(node):
    text = urllib.request.urlopen(node.url + "/metrics?name=logi_memory", timeout=30).read().decode()
    return {name: float(value) for name, value in re.findall(r"^(logi_memory\S+) (\S+)$", text, re.M)}


def anonymous_bytes(node):
    with open(f"/proc/{node.process.pid}/statm") as file:
        _, resident, shared = file.read().split()[:3]
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGESIZE")


class Watch:
    """Looks at the process all the time: the most that it had, and the highest level that it told."""

    def __init__(self, node):
        self.node, self.bytes_max, self.level_max, self.stops = node, 0, 0, False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stops:
            self.bytes_max = max(self.bytes_max, anonymous_bytes(self.node))
            try:
                self.level_max = max(self.level_max, metrics(self.node)["logi_memory_pressure_level"])
            except OSError:
                pass
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stops = True
        self.thread.join()


def push(node, streams):
    """Until it is acknowledged; how often it was refused, and that each refusal says when to come again."""
    body = json.dumps({"streams": streams}).encode()
    refused = 0
    end = time.monotonic() + 120
    while time.monotonic() < end:
        request = urllib.request.Request(node.url + "/loki/api/v1/push", data=body, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.status == 204, answer.status
                return refused
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            assert error.code in (429, 503) and error.headers["Retry-After"] == "1", (error.code, text)
            refused += 1
            time.sleep(0.1)
    raise AssertionError("a push was refused for two minutes")


def get(node, path, **params):
    return json.loads(urllib.request.urlopen(f"{node.url}{path}?{urllib.parse.urlencode(params)}", timeout=120).read())


def count(node, job, **labels):
    """Asked again while the node says that it has no memory for it."""
    selector = ", ".join(f'{name}="{value}"' for name, value in {"job": job, **labels}.items())
    end = time.monotonic() + 120
    while True:
        try:
            answer = get(node, "/loki/api/v1/query", query=f"sum(count_over_time({{{selector}}}[2h]))")
            return sum(int(float(one["value"][1])) for one in answer["data"]["result"])
        except urllib.error.HTTPError as error:
            assert error.code == 503 and time.monotonic() < end, error.read()
            time.sleep(0.2)


def write_lines(node, writer, batches, lines):
    seeded = random.Random(writer)
    for _ in range(batches):
        at = time.time_ns()
        values = [[str(at + i), "".join(seeded.choices("abcdefghijklmnopqrstuvwxyz0123456789 ", k=64)) * 8] for i in range(1000)]
        push(node, [{"stream": {"job": "load", "writer": str(writer)}, "values": values}])
        lines.append(len(values))


def ask(node, stops, answers):
    """Queries that hold much: they are answered whole, or refused with words and a time to come again."""
    while not stops.is_set():
        try:
            answer = get(node, "/loki/api/v1/query_range", query='{job="load"}', limit=5000, since="1h")
            answers.append(answer["status"])
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            assert error.code == 503 and "memory.limit" in text and error.headers["Retry-After"], (error.code, text)
            answers.append("refused")


def load_stays_under_the_limit(node):
    lines, answers, stops = [], [], threading.Event()
    with Watch(node) as watch:
        readers = [threading.Thread(target=ask, args=(node, stops, answers)) for _ in range(2)]
        writers = [threading.Thread(target=write_lines, args=(node, i, 40, lines)) for i in range(4)]
        for thread in readers + writers:
            thread.start()
        for thread in writers:
            thread.join()
        stops.set()
        for thread in readers:
            thread.join()
    assert watch.bytes_max <= LIMIT, f"{watch.bytes_max} bytes"
    assert len(lines) == 160 and "success" in answers
    assert count(node, "load") == sum(lines), (count(node, "load"), sum(lines))


def streams_press_until_pushes_are_refused_and_it_recovers(node):
    """Label sets of live streams are memory that only time gives back."""
    refused, pushed, groups = 0, 0, 0
    end = time.monotonic() + 240
    with Watch(node) as watch:
        while refused == 0 and time.monotonic() < end:
            at = time.time_ns()
            streams = [{"stream": {"job": "many", "group": str(groups), "id": f"{pushed + i}", "filler": f"{pushed + i}" * 150}, "values": [[str(at), "x"]]} for i in range(500)]
            refused += push(node, streams)
            pushed += len(streams)
            groups += 1
    told = metrics(node)
    assert refused > 0 and watch.level_max == 3 and told['logi_memory_shed_total{action="reject_push"}'] >= refused
    assert watch.bytes_max <= LIMIT, f"{watch.bytes_max} bytes"
    for group in range(0, groups, 5):  # each small enough to be answered under pressure
        assert count(node, "many", group=group) == 500, group
    end = time.monotonic() + 120
    while metrics(node)["logi_memory_pressure_level"] == 3:  # below: the directories of their segments stay
        assert time.monotonic() < end, metrics(node)
        time.sleep(0.2)
    push(node, [{"stream": {"job": "after"}, "values": [[str(time.time_ns()), "x"]]}])
    assert count(node, "after") == 1


TESTS = [load_stays_under_the_limit, streams_press_until_pushes_are_refused_and_it_recovers]


def is_sanitized(binary):
    """ASan's and TSan's own memory is many times that of the node."""
    with open(binary, "rb") as file:
        return bool(re.search(b"__[at]san_init", file.read()))


def run(binary, results, Node):
    if is_sanitized(binary):
        results.skip("memory: a node under a small budget", "the binary has a sanitizer, whose memory would be counted")
        return
    with Node(binary, flags=FLAGS) as node:
        if not results.run("memory: the node starts", node.start):
            return
        for test in TESTS:
            results.run("memory: " + test.__name__.replace("_", " "), test, node)
