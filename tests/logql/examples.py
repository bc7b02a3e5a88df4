#!/usr/bin/env python3
"""Runs the examples of docs/logql.md: pushes their entries, asks their queries, compares the answers with those on the page.

    tests/logql/examples.py build/release/logi            the last line is "N passed, N failed"
    tests/logql/examples.py build/release/logi --write    puts the answers on the page: read them before they are committed

An example is a block ```logql: entries, ---, query, ---, answer. A block ```logql-templates has one template a line, and after " => " what it prints.
"""
import argparse
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.node import Node  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "../../docs/logql.md")
CONFIG = os.path.join(HERE, "../conformance/logql.yaml")
T0 = 1709805600
LABELS = re.compile(r'\{(\w+="[^"]*"(?:, )?)+\} ')
BLOCK = re.compile(r"```(logql|logql-templates)\n(.*?)\n```", re.DOTALL)
ARROW = "   => "
PAIR = re.compile(r'(\w+)="([^"]*)"')


def post(node, path, body, kind="application/x-www-form-urlencoded"):
    request = urllib.request.Request(node.url + path, data=body.encode(), headers={"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.read().decode()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error.code}: {error.read().decode().strip()}") from None


def push(node, number, lines):
    """One entry a second; returns the time of the last."""
    streams = []
    for second, line in enumerate(lines):
        labels = LABELS.match(line)
        text = line[labels.end():] if labels else line
        stream = {"app": "shop", "example": str(number), **(dict(PAIR.findall(labels.group())) if labels else {})}
        streams.append({"stream": stream, "values": [[str((T0 + second) * 10**9), text.replace("␛", "\x1b")]]})
    post(node, "/loki/api/v1/push", json.dumps({"streams": streams}), "application/json")
    return T0 + len(lines) - 1


def label_text(labels, hidden):
    return "{" + ", ".join(f'{n}="{v}"' for n, v in sorted(labels.items()) if (n, v) not in hidden) + "}"


def answer(node, number, query, last):
    """The answer as the page shows it."""
    own = re.sub(r'\{app="shop"', f'{{app="shop", example="{number}"', query)
    hidden = {("example", str(number)), ("app", "shop")}
    params = {"query": own, "start": T0, "end": last + 1, "time": last, "direction": "forward", "step": 60}
    is_log = query.startswith("{")
    reply = json.loads(post(node, "/loki/api/v1/query_range" if is_log else "/loki/api/v1/query", urllib.parse.urlencode(params)))["data"]
    if is_log:
        found = [(int(t), line, label_text(s["stream"], hidden)) for s in reply["result"] for t, line in s["values"]]
        shown = [line.replace("\x1b", "␛") + ("" if labels == "{}" else "   " + labels) for _, line, labels in sorted(found)]
    elif reply["resultType"] == "scalar":
        shown = [reply["result"][1]]
    else:
        shown = [f"{label_text(s['metric'], {('example', str(number))})} {s['value'][1]}" for s in reply["result"]]
    return "\n".join(shown) or "(nothing)"


def example(node, number, text):
    """The block with its answer."""
    entries, query = text.split("\n---\n")[:2] if "\n---\n" in text else (None, None)
    assert query, "an example has entries, a query and an answer"
    query = query.removesuffix("\n---")
    last = push(node, number, entries.split("\n"))
    return f"{entries}\n---\n{query}\n---\n{answer(node, number, query, last)}"


def templates(node, number, text):
    """The block with what each template prints."""
    out = []
    post(node, "/loki/api/v1/push", json.dumps({"streams": [{"stream": {"app": "shop", "example": str(number)}, "values": [
        [str(T0 * 10**9), "GET /a b", {"user": "Ann Lee", "ms": "7.25"}]]}]}), "application/json")
    for line in text.split("\n"):
        template = line.split(ARROW)[0]
        query = f'{{app="shop", example="{number}"}} | label_format example="" | drop example | line_format `{template}`'
        reply = json.loads(post(node, "/loki/api/v1/query_range", urllib.parse.urlencode({"query": query, "start": T0, "end": T0 + 1})))["data"]
        stream = reply["result"][0]
        assert "__error__" not in stream["stream"], f"{template}: {stream['stream']}"
        out.append(template + ARROW + stream["values"][0][1].replace("\n", "⏎"))
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    passed = failed = 0
    with Node(os.path.abspath(args.binary), config=CONFIG) as node:
        node.start()

        def run(match):
            nonlocal passed, failed
            number = passed + failed
            try:
                got = (example if match.group(1) == "logql" else templates)(node, number, match.group(2))
            except AssertionError as error:
                got = f"{match.group(2)}\n{error}"
            if got == match.group(2):
                passed += 1
            else:
                failed += 1
                if not args.write or re.search(r"\n\d{3}: ", got):
                    print(f"FAIL\n--- the page\n{match.group(2)}\n--- the node\n{got}")
            return f"```{match.group(1)}\n{got}\n```"

        written = BLOCK.sub(run, page)
    if args.write:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(written)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
