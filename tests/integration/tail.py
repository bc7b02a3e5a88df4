"""Live tails by Python's `websockets`, and by raw sockets where a client has to be rude."""
import asyncio
import base64
import importlib
import inspect
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

import requests

PACKAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "python-websockets")


def find_websockets():
    """The module: the system's (Debian: python3-websockets), or by pip into build/, once; None where neither is to be had."""
    sys.path.append(PACKAGES)
    try:
        return __import__("websockets")
    except ImportError:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--retries", "1", "--timeout", "20", "--target", PACKAGES, "websockets"],
                       capture_output=True, timeout=300)
        importlib.invalidate_caches()
    try:
        return __import__("websockets")
    except ImportError:
        return None


websockets = find_websockets()

WAIT = 20  # seconds, for conditions that come at once on an idle machine


def push(node, labels, values, tenant=None):
    headers = {"X-Scope-OrgID": tenant} if tenant else {}
    answer = requests.post(f"{node.url}/loki/api/v1/push", json={"streams": [{"stream": labels, "values": values}]}, headers=headers)
    assert answer.status_code == 204, (answer.status_code, answer.text)


def tail_url(node, query, path="/loki/api/v1/tail", **params):
    return f"ws://127.0.0.1:{node.port}{path}?" + urllib.parse.urlencode({"query": query, **params})


def connect(url, headers=None):
    names = inspect.signature(websockets.connect).parameters
    return websockets.connect(url, max_size=None, **{"additional_headers" if "additional_headers" in names else "extra_headers": headers or {}})


def entries_of(message):
    return [(s["stream"], *v) for s in message["streams"] for v in s["values"]]


class Tail:
    """A tail in a thread of its own: what it got, as it comes."""

    def __init__(self, node, query, headers=None, path="/loki/api/v1/tail", **params):
        self.messages, self.entries, self.dropped = [], [], []
        self.close = None
        self.opened = threading.Event()
        self.url, self.headers = tail_url(node, query, path, **params), headers or {}
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.run(),), daemon=True)
        self.thread.start()
        assert self.opened.wait(WAIT), f"no tail: {self.close}"

    async def run(self):
        try:
            async with connect(self.url, self.headers) as self.socket:
                self.opened.set()
                async for text in self.socket:
                    message = json.loads(text)
                    self.messages.append(message)
                    self.dropped += message.get("dropped_entries") or []
                    self.entries += entries_of(message)
        except websockets.ConnectionClosed:
            pass
        except Exception as error:
            self.close = (0, repr(error))
            return
        finally:
            self.opened.set()
        self.close = (self.socket.close_code, self.socket.close_reason)

    def wait(self, condition, what):
        end = time.monotonic() + WAIT
        while not condition(self):
            assert time.monotonic() < end, f"{what}: {len(self.entries)} entries, close {self.close}, last {self.messages[-1:]}"
            time.sleep(0.01)
        return self

    def lines(self):
        return [entry[2] for entry in self.entries]

    def end(self):
        if self.close is None:
            asyncio.run_coroutine_threadsafe(self.socket.close(), self.loop)
        self.thread.join(WAIT)
        assert not self.thread.is_alive(), "the close frame was not answered"


class RawTail:
    """The same over a bare socket: reads only when told to, and sends whatever bytes."""

    def __init__(self, node, query, extra="", buffer=None, **params):
        self.sock = socket.socket()
        if buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.sock.settimeout(WAIT)
        self.sock.connect(("127.0.0.1", node.port))
        path = "/loki/api/v1/tail?" + urllib.parse.urlencode({"query": query, **params})
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall((f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           f"Sec-WebSocket-Key: {key}\r\n{extra}\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            got = self.sock.recv(1)
            assert got, self.buffer
            self.buffer += got
        self.head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status = int(self.head.split()[1])

    def need(self, n):
        while len(self.buffer) < n:
            got = self.sock.recv(65536)
            if not got:
                raise EOFError
            self.buffer += got

    def frame(self):
        """(opcode, payload)"""
        self.need(2)
        opcode, n, at = self.buffer[0] & 15, self.buffer[1], 2
        if n == 126:
            self.need(4)
            n, at = struct.unpack(">H", self.buffer[2:4])[0], 4
        elif n == 127:
            self.need(10)
            n, at = struct.unpack(">Q", self.buffer[2:10])[0], 10
        self.need(at + n)
        payload, self.buffer = self.buffer[at:at + n], self.buffer[at + n:]
        return opcode, payload

    def until(self, opcode):
        end = time.monotonic() + WAIT
        while True:
            assert time.monotonic() < end, f"no frame {opcode}"
            frame = self.frame()
            if frame[0] == opcode:
                return frame[1]

    def close_code(self):
        return struct.unpack(">H", self.until(8)[:2])[0]

    def send(self, opcode, payload=b"", fin=True, masked=True):
        head = bytes([(0x80 if fin else 0) | opcode])
        bit = 0x80 if masked else 0
        n = len(payload)
        head += bytes([bit | n]) if n < 126 else bytes([bit | 126]) + struct.pack(">H", n) if n < 65536 else bytes([bit | 127]) + struct.pack(">Q", n)
        self.sock.sendall(head + (b"\0\0\0\0" if masked else b"") + payload)


def metric(node, name):
    for line in requests.get(f"{node.url}/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    raise AssertionError(f"no {name}")


def wait_for(condition, what):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def history_comes_first_then_what_is_pushed(node):
    now = time.time_ns()
    push(node, {"t": "hist"}, [[str(now - i * 10**9), f"old {i}"] for i in (5, 4, 3, 2, 1)])
    tail = Tail(node, '{t="hist"}', limit=3).wait(lambda t: len(t.entries) == 3, "history")
    push(node, {"t": "hist"}, [[str(time.time_ns()), "new", {"k": "v"}]])
    tail.wait(lambda t: len(t.entries) == 4, "live").end()
    assert tail.lines() == ["old 3", "old 2", "old 1", "new"], tail.lines()
    assert tail.entries[3][0] == {"t": "hist", "service_name": "unknown_service", "detected_level": "unknown", "k": "v"}, tail.entries[3]
    assert tail.entries[0][0] == {"t": "hist", "service_name": "unknown_service", "detected_level": "unknown"}
    assert tail.close[0] == 1000, tail.close


def start_bounds_the_history(node):
    now = time.time_ns()
    push(node, {"t": "start"}, [[str(now - 60 * 10**9), "long ago"], [str(now - 10**9), "just now"]])
    tail = Tail(node, '{t="start"}', start=str(now - 30 * 10**9)).wait(lambda t: t.entries, "history")
    push(node, {"t": "start"}, [[str(time.time_ns()), "live"]])
    tail.wait(lambda t: len(t.entries) == 2, "live").end()
    assert tail.lines() == ["just now", "live"], tail.lines()


def the_whole_pipeline_runs(node):
    query = '{t="pipe"} |= "keep" | logfmt | n > 2 | line_format "{{.n}}/{{.verb}}" | label_format z="{{.n}}x"'
    tail = Tail(node, query)
    time_ns = time.time_ns()
    push(node, {"t": "pipe"}, [[str(time_ns + i), f"verb=keep{i} n={i}"] for i in range(5)] + [[str(time_ns + 9), "verb=other n=9"]])
    tail.wait(lambda t: len(t.entries) == 2, "live").end()
    assert tail.lines() == ["3/keep3", "4/keep4"], tail.lines()
    assert tail.entries[0][0]["z"] == "3x" and tail.entries[0][0]["verb"] == "keep3", tail.entries[0]


def other_streams_and_tenants_are_not_seen(node):
    tail = Tail(node, '{t="mine", x=~"a.*"}', headers={"X-Scope-OrgID": "one"})
    now = time.time_ns()
    push(node, {"t": "mine", "x": "ab"}, [[str(now), "two's"]], tenant="two")
    push(node, {"t": "mine", "x": "b"}, [[str(now), "other stream"]], tenant="one")
    push(node, {"t": "mine", "x": "ab"}, [[str(now + 1), "wanted"]], tenant="one")
    tail.wait(lambda t: t.entries, "live").end()
    assert tail.lines() == ["wanted"], tail.lines()


def categorized_labels_are_kept_apart(node):
    tail = Tail(node, '{t="cat"} | logfmt', headers={"X-Loki-Response-Encoding-Flags": "categorize-labels"})
    push(node, {"t": "cat"}, [[str(time.time_ns()), "level=warn n=1", {"trace": "x"}]])
    tail.wait(lambda t: t.entries, "live").end()
    assert tail.entries[0][0] == {"t": "cat", "service_name": "unknown_service"}, tail.entries
    assert tail.entries[0][3] == {"structuredMetadata": {"detected_level": "warn", "trace": "x"}, "parsed": {"level": "warn", "n": "1"}}, tail.entries
    assert tail.messages[0]["encodingFlags"] == ["categorize-labels"], tail.messages


def delay_for_holds_entries_back(node):
    tail = Tail(node, '{t="delay"}', delay_for=2)
    at = time.time_ns()
    push(node, {"t": "delay"}, [[str(at), "late"]])
    tail.wait(lambda t: t.entries, "live").end()
    assert time.time_ns() - at >= 2 * 10**9, time.time_ns() - at


def an_entry_that_is_pushed_twice_comes_once(node):
    tail = Tail(node, '{t="twice"}')
    at = str(time.time_ns())
    for _ in range(3):
        push(node, {"t": "twice"}, [[at, "same"]])
    push(node, {"t": "twice"}, [[str(time.time_ns()), "last"]])
    tail.wait(lambda t: "last" in t.lines(), "live").end()
    assert tail.lines() == ["same", "last"], tail.lines()


def every_api_is_seen(node):
    tail = Tail(node, '{service_name=~"otel|ochi|legacy"}')
    now = time.time_ns()
    otlp = {"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "otel"}}]},
                              "scopeLogs": [{"logRecords": [{"timeUnixNano": str(now), "body": {"stringValue": "by otlp"}}]}]}]}
    answer = requests.post(f"{node.url}/otlp/v1/logs", json=otlp)
    assert answer.status_code in (200, 204), (answer.status_code, answer.text)
    ochi = {"streams": [{"stream": {"service_name": "ochi"}, "values": [[str(now + 1), "by ochi"]]}]}
    answer = requests.post(f"{node.url}/insert/loki/api/v1/push", json=ochi)
    assert answer.status_code == 200, (answer.status_code, answer.text)
    legacy = {"streams": [{"labels": '{service_name="legacy"}', "entries": [{"ts": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "line": "by legacy"}]}]}
    answer = requests.post(f"{node.url}/api/prom/push", json=legacy)
    assert answer.status_code == 204, (answer.status_code, answer.text)
    tail.wait(lambda t: len(t.entries) == 3, "live").end()
    assert sorted(tail.lines()) == ["by legacy", "by ochi", "by otlp"], tail.lines()


def legacy_frames_have_the_first_form(node):
    url = tail_url(node, '{t="leg"}', "/api/prom/tail", regexp="ye.")

    async def run():
        async with connect(url) as sock:
            await asyncio.to_thread(push, node, {"t": "leg"}, [[str(time.time_ns()), "no"], [str(time.time_ns()), "yes"]])
            return await asyncio.wait_for(sock.recv(), WAIT)

    text = asyncio.run(run())
    message = json.loads(text)
    assert text.endswith("\n") and message["dropped_entries"] is None, text
    assert message["streams"][0]["labels"] == '{detected_level="unknown", service_name="unknown_service", t="leg"}', text
    assert message["streams"][0]["entries"][0]["line"] == "yes" and message["streams"][0]["entries"][0]["ts"].endswith("Z"), text


def bad_requests_are_refused_before_the_upgrade(node):
    base = f"{node.url}/loki/api/v1/tail"
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": base64.b64encode(b"0" * 16).decode()}
    cases = [
        ({"query": '{a="b"}'}, {}, 400, "Bad Request\n"),
        ({"query": '{a="b"}'}, {**upgrade, "Sec-WebSocket-Version": "8"}, 400, "Bad Request\n"),
        ({"query": '{a="b"}'}, {**upgrade, "Sec-WebSocket-Key": "short"}, 400, "Bad Request\n"),
        ({"query": '{a="b"}', "delay_for": "6"}, upgrade, 400, "delay_for can't be greater than 5"),
        ({"query": '{a="b"}', "limit": "0"}, upgrade, 400, "limit must be a positive value"),
        ({"query": '{a="b"}', "start": "yesterday"}, upgrade, 400, None),
        ({"query": '{a="b"'}, upgrade, 400, None),
        ({"query": ''}, upgrade, 400, None),
    ]
    for params, headers, status, text in cases:
        answer = requests.get(base, params=params, headers=headers)
        assert answer.status_code == status and (text is None or answer.text.rstrip("\n") == text.rstrip("\n")), (params, headers, answer.status_code, answer.text)
    assert requests.get(base, params={"query": '{a="b"}'}).headers["Sec-Websocket-Version"] == "13"
    assert requests.post(base, params={"query": '{a="b"}'}, headers=upgrade).status_code == 405
    assert requests.get(base, params={"query": '{a="b"}'}, headers={**upgrade, "X-Scope-OrgID": "a|b"}).text.strip() == "multiple org IDs present"


def a_metric_query_is_closed_with_lokis_words(node):
    raw = RawTail(node, 'rate({a="b"}[1m])')
    payload = raw.until(8)
    assert payload == struct.pack(">H", 1011) + b"only log selector is supported", payload
    raw.sock.close()


def too_many_tails_of_a_tenant_are_closed(node):
    tails = [Tail(node, '{t="many"}', headers={"X-Scope-OrgID": "crowd"}) for _ in range(10)]
    raw = RawTail(node, '{t="many"}', extra="X-Scope-OrgID: crowd\r\n")
    payload = raw.until(8)
    assert payload == struct.pack(">H", 1011) + b"max concurrent tail requests limit exceeded, count > limit (11 > 10)", payload
    raw.sock.close()
    tails[0].end()
    wait_for(lambda: metric(node, "loki_querier_tail_active") <= 9, "the first has not ended")
    tails[0] = Tail(node, '{t="many"}', headers={"X-Scope-OrgID": "crowd"})
    push(node, {"t": "many"}, [[str(time.time_ns()), "to all"]], tenant="crowd")
    for tail in tails:
        tail.wait(lambda t: t.lines() == ["to all"], "one of ten")
    for tail in tails:
        tail.end()


def pings_are_sent_and_answered(node):
    raw = RawTail(node, '{t="ping"}')
    raw.until(9)
    raw.send(9, b"hello")
    assert raw.until(10) == b"hello"
    raw.send(10, b"unasked")
    raw.send(8, struct.pack(">H", 1000) + b"bye")
    assert raw.close_code() == 1000
    assert raw.sock.recv(10) == b"", "the socket is open after both close frames"


def rude_frames_end_the_tail(node):
    cases = [
        ("unmasked", lambda raw: raw.send(1, b"x", masked=False), 1002),
        ("reserved opcode", lambda raw: raw.send(3, b"x"), 1002),
        ("reserved bit", lambda raw: raw.sock.sendall(b"\xc1\x81\0\0\0\0x"), 1002),
        ("long message", lambda raw: raw.send(1, b"x" * 5000), 1009),
        ("huge length", lambda raw: raw.sock.sendall(b"\x81\xff" + struct.pack(">Q", 2**62) + b"\0\0\0\0"), 1009),
        ("length with its top bit", lambda raw: raw.sock.sendall(b"\x81\xff" + b"\xff" * 8 + b"\0\0\0\0"), 1002),
        ("fragments over the limit", lambda raw: [raw.send(1, b"x" * 3000, fin=False), raw.send(0, b"x" * 3000)], 1009),
        ("no UTF-8", lambda raw: raw.send(1, b"\xff\xfe"), 1007),
        ("long ping", lambda raw: raw.send(9, b"x" * 126), 1002),
        ("fragmented ping", lambda raw: raw.send(9, b"x", fin=False), 1002),
        ("close of one byte", lambda raw: raw.send(8, b"x"), 1002),
        ("continuation of nothing", lambda raw: raw.send(0, b"x"), 1002),
    ]
    for name, act, code in cases:
        raw = RawTail(node, '{t="rude"}')
        act(raw)
        try:
            got = raw.close_code()
        except (EOFError, ConnectionError, AssertionError) as error:
            got = f"no close frame ({error!r})"
        assert got == code, f"{name}: {got}, wanted {code}"
        raw.sock.close()
    raw = RawTail(node, '{t="rude"}')  # a message is no offence, it is ignored; frames right behind the handshake are read
    raw.send(1, b"hello")
    raw.send(2, b"\xff")
    push(node, {"t": "rude"}, [[str(time.time_ns()), "still there"]])
    assert b"still there" in raw.until(1)
    raw.sock.close()


def a_flood_of_pings_is_bounded(node):
    raw = RawTail(node, '{t="flood"}', buffer=4096)
    before = metric(node, "process_resident_memory_bytes")
    ping = b"\x89\xfd\0\0\0\0" + b"p" * 125
    raw.sock.settimeout(1)
    sent = 0
    try:
        for _ in range(4000):  # 130 kB each, and no pong is read
            raw.sock.sendall(ping * 1000)
            sent += 131000
    except socket.timeout:
        pass
    grown = metric(node, "process_resident_memory_bytes") - before
    assert sent < 100 << 20 and grown < 32 << 20, (sent, grown)
    raw.sock.close()


def a_slow_reader_is_told_what_it_lost(node):
    raw = RawTail(node, '{t="slow"}', buffer=4096)
    good = Tail(node, '{t="slow"}')
    count, line = 0, "x" * 1000
    while metric(node, "logi_tail_dropped_entries_total") == 0:
        now = time.time_ns()
        push(node, {"t": "slow"}, [[str(now + i), f"{count + i} {line}"] for i in range(1000)])
        count += 1000
        assert count < 200000, "nothing was dropped"
        good.wait(lambda t: len(t.entries) == count, "the tail that keeps up")
    push(node, {"t": "slow"}, [[str(time.time_ns()), "the end"]])
    got, dropped, last = 0, [], ""
    while last != "the end":
        message = json.loads(raw.until(1))
        got += len(entries_of(message))
        last = entries_of(message)[-1][2] if message["streams"] else last
        assert len(message.get("dropped_entries", [])) <= 1000
        dropped += message.get("dropped_entries", [])
    assert 0 < got < count + 1 and dropped, (got, count, len(dropped))
    assert dropped[0]["timestamp"].isdigit() and dropped[0]["labels"]["t"] == "slow", dropped[0]
    good.wait(lambda t: len(t.entries) == count + 1, "the tail that keeps up").end()
    assert not good.dropped and [int(e[2].split()[0]) for e in good.entries[:count]] == list(range(count))
    raw.sock.close()


def nothing_is_lost_or_doubled_while_pushing(node):
    """Tails that begin in the middle of pushes see each entry once; sealing in between changes nothing."""
    stop, pushed, lock = threading.Event(), {}, threading.Lock()

    def pusher(index):
        at = 0
        while not stop.is_set():
            values = []
            for _ in range(5):
                values.append([str(time.time_ns()), f"{index}/{at}"])
                at += 1
            push(node, {"t": "race", "p": str(index % 7)}, values)
            with lock:
                pushed[index] = at
            stop.wait(0.01)  # all that is pushed is to fit into the history of the last tail

    threads = [threading.Thread(target=pusher, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    tails = []
    for _ in range(8):
        time.sleep(0.15)
        tails.append(Tail(node, '{t="race"}', limit=5000))
        requests.post(f"{node.url}/flush")
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert sum(pushed.values()) < 5000, "pushed more than a history holds"
    wanted = {f"{i}/{k}" for i, n in pushed.items() for k in range(n)}
    for tail in tails:
        tail.wait(lambda t: len(t.entries) >= len(wanted), "all entries")
        assert not tail.dropped, tail.dropped
        lines = tail.lines()
        assert len(lines) == len(set(lines)), f"{len(lines) - len(set(lines))} entries came twice"
        assert set(lines) == wanted, (len(lines), len(wanted))
        tail.end()


def a_client_that_vanishes_is_forgotten(node):
    wait_for(lambda: metric(node, "loki_querier_tail_active") == 0, "tails of before")
    raws = [RawTail(node, '{t="gone"}', extra=f"X-Scope-OrgID: g{i}\r\n") for i in range(20)]
    wait_for(lambda: metric(node, "loki_querier_tail_active") == 20, "20 tails")
    for raw in raws:
        raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.sock.close()
    wait_for(lambda: metric(node, "loki_querier_tail_active") == 0, "tails of clients that left")
    wait_for(lambda: metric(node, "loki_querier_tail_active_streams") == 0, "their streams")
    wait_for(lambda: metric(node, 'logi_memory_used_bytes{area="tail"}') == 0, "their memory")


def limits_of_the_request_hold_for_its_tail(binary, Node):
    with Node(binary, flags=["--ochi.listen", "", "--querier.per_request_limits_enabled=true"]) as node:
        node.start()
        push(node, {"t": "own"}, [[str(time.time_ns()), "before"]])
        limits = {"X-Loki-Query-Limits": json.dumps({"requiredLabels": ["t"], "maxQueryTime": "20s"})}
        tail = Tail(node, '{t="own"}', headers=limits).wait(lambda t: t.lines() == ["before"], "history")
        push(node, {"t": "own"}, [[str(time.time_ns()), "after"]])
        tail.wait(lambda t: t.lines() == ["before", "after"], "live").end()
        missing = "a-label-" + "x" * 40
        tail = Tail(node, '{t="own"}', headers={"X-Loki-Query-Limits": json.dumps({"requiredLabels": ["t", missing]})}).wait(lambda t: t.close, "the end")
        assert tail.close[0] == 1011 and f"stream selector is missing required matchers [{missing}]" in tail.close[1], tail.close


def a_stop_says_goodbye(binary, Node):
    with Node(binary, flags=["--ochi.listen", ""]) as node:
        node.start()
        push(node, {"t": "stop"}, [[str(time.time_ns()), "x"]])
        tails = [Tail(node, '{t="stop"}') for _ in range(5)]
        for tail in tails:
            tail.wait(lambda t: t.entries, "history")
        stuck = RawTail(node, '{t="stop"}')  # never answers
        begun = time.monotonic()
        assert node.stop() == 0
        assert time.monotonic() - begun < 15, "the stop waited for a client"
        for tail in tails:
            tail.thread.join(WAIT)
            assert tail.close == (1001, "server is shutting down"), tail.close
        stuck.sock.close()


def a_stop_in_less_time_than_a_goodbye_takes_is_a_stop(binary, Node):
    with Node(binary, flags=["--ochi.listen", "", "--shutdown_timeout", "100ms"]) as node:
        node.start()
        stuck = [RawTail(node, '{t="short"}') for _ in range(3)]  # they never answer
        wait_for(lambda: metric(node, "loki_querier_tail_active") == 3, "no tails")
        assert node.stop(timeout=WAIT) == 0
        for raw in stuck:
            raw.sock.close()


def a_kill_in_the_middle_loses_nothing_that_was_acknowledged(binary, Node):
    with Node(binary, flags=["--ochi.listen", ""]) as node:
        node.start()
        tail = Tail(node, '{t="kill"}')
        begun = time.time_ns()
        acknowledged = []
        for i in range(50):
            push(node, {"t": "kill"}, [[str(time.time_ns()), f"{i}"]])
            acknowledged.append(f"{i}")
        node.kill()
        tail.thread.join(WAIT)
        assert tail.close is not None and tail.close[0] in (1006, 0), tail.close
        node.start()
        again = Tail(node, '{t="kill"}', start=str(begun), limit=1000).wait(lambda t: len(t.entries) >= 50, "all of before the kill")
        assert again.lines() == acknowledged, again.lines()
        push(node, {"t": "kill"}, [[str(time.time_ns()), "after"]])
        again.wait(lambda t: t.lines()[-1] == "after", "live after the kill").end()


def an_idle_tail_outlives_the_timeouts_of_requests(binary, Node):
    with Node(binary, flags=["--ochi.listen", "", "--server.idle_timeout", "1s", "--server.head_timeout", "1s", "--server.write_timeout", "2s"]) as node:
        node.start()
        tail = Tail(node, '{t="idle"}')
        time.sleep(4)  # nothing happens: that is what is tested
        push(node, {"t": "idle"}, [[str(time.time_ns()), "awake"]])
        tail.wait(lambda t: t.lines() == ["awake"], "live").end()


def a_client_that_takes_nothing_is_cut(binary, Node):
    with Node(binary, flags=["--ochi.listen", "", "--server.write_timeout", "1s"]) as node:
        node.start()
        raw = RawTail(node, '{t="cut"}', buffer=4096)
        wait_for(lambda: metric(node, "loki_querier_tail_active") == 1, "no tail")
        for _ in range(10):
            push(node, {"t": "cut"}, [[str(time.time_ns() + i), "x" * 1000] for i in range(1000)])
        wait_for(lambda: metric(node, "loki_querier_tail_active") == 0, "it is still there")
        raw.sock.close()


def a_tail_ends_after_its_longest_time(binary, Node):
    with Node(binary, flags=["--ochi.listen", "", "--querier.tail_max_duration", "1s", "--tail.origins", "https://good.example"]) as node:
        node.start()
        tail = Tail(node, '{t="long"}').wait(lambda t: t.close, "the end")
        assert tail.close == (1011, "reached tail max duration limit"), tail.close
        assert RawTail(node, '{a="b"}', extra="Origin: https://evil.example\r\n").status == 403
        assert RawTail(node, '{a="b"}', extra="Origin: https://good.example\r\n").status == 101


def run(binary, results, Node):
    if websockets is None:
        print("     SKIPPED: websockets is not installed and pip cannot reach its registry", flush=True)
        return
    with Node(binary, flags=["--ochi.listen", ""]) as node:
        node.start()
        for check in [history_comes_first_then_what_is_pushed, start_bounds_the_history, the_whole_pipeline_runs, other_streams_and_tenants_are_not_seen,
                      categorized_labels_are_kept_apart, delay_for_holds_entries_back, an_entry_that_is_pushed_twice_comes_once, every_api_is_seen,
                      legacy_frames_have_the_first_form, bad_requests_are_refused_before_the_upgrade, a_metric_query_is_closed_with_lokis_words,
                      too_many_tails_of_a_tenant_are_closed, pings_are_sent_and_answered, rude_frames_end_the_tail, a_flood_of_pings_is_bounded,
                      a_slow_reader_is_told_what_it_lost, nothing_is_lost_or_doubled_while_pushing, a_client_that_vanishes_is_forgotten]:
            results.run("tail: " + check.__name__, check, node)
        results.run("tail: the node stops", lambda: (_ for _ in ()).throw(AssertionError(node.log()[-3000:])) if node.stop() != 0 else None)
    for check in [limits_of_the_request_hold_for_its_tail, a_stop_says_goodbye, a_stop_in_less_time_than_a_goodbye_takes_is_a_stop, a_kill_in_the_middle_loses_nothing_that_was_acknowledged,
                  an_idle_tail_outlives_the_timeouts_of_requests, a_client_that_takes_nothing_is_cut, a_tail_ends_after_its_longest_time]:
        results.run("tail: " + check.__name__, check, binary, Node)
