"""docs/openapi.yaml is what a node serves, names the routes it has, and says what they answer: schemathesis asks, and the recorded answers of real
Loki must fit too.

schemathesis and its companions (openapi/requirements.txt) are installed by pip into build/venv, once. Where pip cannot reach its registry and they
are not there, this says so and is skipped. LOGI_LONG=1: many more requests, and other ones each time.
"""
import hashlib
import http.client
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.request

from harness.node import free_port

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
PARTS = os.path.join(HERE, "openapi")
VENV = os.path.join(ROOT, "build", "venv")
PYTHON = os.path.join(VENV, "bin", "python")
DOCUMENT = os.path.join(ROOT, "docs", "openapi.yaml")
GOLDEN = os.path.join(os.environ.get("LOGI_SHARED", os.path.join(ROOT, "..", "shared")), "golden", "http")
METHODS = ("GET", "POST", "PUT", "DELETE")


def has_packages():
    wanted = os.path.join(PARTS, "requirements.txt")
    with open(wanted, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    stamp = os.path.join(VENV, "openapi.sha256")
    if os.path.exists(stamp) and open(stamp, encoding="ascii").read() == digest:
        return True
    if not os.path.exists(PYTHON):
        subprocess.run([sys.executable, "-m", "venv", VENV], check=False, capture_output=True)
    install = [PYTHON, "-m", "pip", "install", "-q", "--retries", "1", "--timeout", "20", "-r", wanted]
    if not os.path.exists(PYTHON) or subprocess.run(install, capture_output=True, timeout=600).returncode != 0:
        return False
    with open(stamp, "w", encoding="ascii") as file:
        file.write(digest)
    return True


def operations():
    """The document's (method, path)s, those that are pending, and the paths that take any method. Read as lines: YAML needs a package."""
    documented, any_method, path, method = set(), set(), None, None
    for line in open(DOCUMENT, encoding="utf-8").read().split("\ncomponents:\n")[0].split("\npaths:\n")[1].splitlines():
        if match := re.fullmatch(r"  (/\S*):", line):
            path = match[1]
        elif match := re.match(r"    (get|post|put|delete):", line):
            method = match[1].upper()
            documented.add((method, path))
        elif line == "      x-any-method: true":
            any_method.add(path)
    with open(os.path.join(ROOT, "tests", "docs", "openapi_pending.txt"), encoding="utf-8") as file:
        pending = {tuple(line.split()) for line in file if not line.startswith("#")}
    return documented, pending, any_method


def ask(node, method, target, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)
    connection.request(method, target, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def the_document_is_served(node):
    with urllib.request.urlopen(node.url + "/openapi.yaml", timeout=30) as answer:
        assert answer.headers["Content-Type"] == "application/yaml", answer.headers
        assert answer.read() == open(DOCUMENT, "rb").read(), "the binary holds another document"


def a_path_has_the_methods_that_the_document_says(node):
    documented, pending, any_method = operations()
    assert len(documented) > 60 and pending <= documented, pending - documented
    wrong = []
    for path in sorted({path for _, path in documented} - any_method):
        target = re.sub(r"\{\w+\}", "x", path)
        want = {m for m, p in documented - pending if p == path}
        answer, body = ask(node, "PATCH", target)
        allowed = set((answer.headers["Allow"] or "").replace(" ", "").split(",")) - {""}
        if want and (answer.status != 405 or allowed != want or body or answer.headers["Content-Type"]):
            wrong.append(f"{path}: {answer.status} Allow {sorted(allowed)}, documented {sorted(want)}")
        if not want and answer.status != 404:
            wrong.append(f"{path}: {answer.status}: it is served, so it leaves tests/docs/openapi_pending.txt")
    assert not wrong, wrong


def methods_that_a_path_does_not_take_are_405(node):
    documented, pending, any_method = operations()
    wrong = []
    for path in sorted({path for _, path in documented - pending}):
        target = re.sub(r"\{\w+\}", "x", path)
        for method in ("HEAD", "OPTIONS", "TRACE", "BREW", "get"):
            answer, body = ask(node, method, target)
            want = 200 if path in any_method else 405
            if answer.status != want or (want == 405 and body):
                wrong.append(f"{method} {path}: {answer.status} {body[:40]}")
    assert not wrong, wrong


def paths_are_taken_to_the_letter(node):
    documented, pending, _ = operations()
    wrong = []
    for path in sorted({path for _, path in documented - pending}):
        target = re.sub(r"\{\w+\}", "x", path)
        cases = [(target + "/", 404, None), (target.upper(), 404, None), (target + "x/y/z", 404, None), ("/" + target + "?a=b", 301, target + "?a=b"), ("/x/.." + target, 301, target),
                 ("/." + target, 301, target), (target.replace("/", "%2F", 1), 400, None), ("/%2e%2e" + target, 404, None), (target + "%00", 404, None), (target + "%", 400, None)]
        for case, status, location in cases:
            answer, body = ask(node, "GET", case)
            if case.startswith("%2F") and answer.status in (400, 404):
                continue  # a target that does not begin with a slash
            if (answer.status, answer.headers["Location"]) != (status, location):
                wrong.append(f"{case}: {answer.status} {answer.headers['Location']}, want {status} {location}")
            elif status == 404 and (body != b"404 page not found\n" or answer.headers["Content-Type"] != "text/plain; charset=utf-8"):
                wrong.append(f"{case}: {body!r} {answer.headers['Content-Type']}")
        first = target[1]
        encoded = ask(node, "PATCH", "/%" + f"{ord(first):02x}" + target[2:])[0].status
        plain = ask(node, "PATCH", target)[0].status
        if encoded != plain:
            wrong.append(f"{target} with its first letter encoded: {encoded}, plain {plain}")
    assert not wrong, wrong


def the_document_is_valid_openapi():
    code = "import sys, yaml, openapi_spec_validator; openapi_spec_validator.validate(yaml.safe_load(open(sys.argv[1])))"
    done = subprocess.run([PYTHON, "-c", code, DOCUMENT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def recorded_answers_fit_the_document():
    if not os.path.isdir(GOLDEN):
        print(f"     recorded answers are not here ({GOLDEN}): skipped")
        return
    done = subprocess.run([PYTHON, os.path.join(PARTS, "recorded.py"), DOCUMENT, GOLDEN], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


LINES = ['level=info msg="GET /item/%d" status=200 dur=%dms size=2KB', '{"level":"error","msg":"item %d failed","s":{"code":500,"a":[%d]}}', "127.0.0.1 - frank %d error %d", '\u00e9\u2028<&> %d \\" %d']


def push_something(node):
    now = time.time_ns()
    streams = []
    for app, env in (("web", "prod"), ("web", "test"), ("db", "prod"), ("w\u00e9b", "prod")):
        values = [[str(now - i * 20_000_000_000), LINES[i % 4] % (i, i), {"trace_id": f"{i:x}", "n": str(i % 3)}] for i in range(180)]
        streams.append({"stream": {"app": app, "env": env}, "values": values})
    body = json.dumps({"streams": streams}).encode()
    request = urllib.request.Request(node.url + "/loki/api/v1/push", data=body, headers={"Content-Type": "application/json"})
    assert urllib.request.urlopen(request, timeout=30).status == 204
    assert ask(node, "POST", "/flush")[0].status == 204  # one half in segments, and one in memory
    for stream in streams:
        stream["values"] = [[str(int(ts) + 1), line, more] for ts, line, more in stream["values"][:40]]
    request.data = json.dumps({"streams": streams}).encode()
    assert urllib.request.urlopen(request, timeout=30).status == 204


def configuration():
    """schemathesis.toml; in a long run with more examples, and a seed that the failure prints."""
    with open(os.path.join(PARTS, "schemathesis.toml"), encoding="utf-8") as file:
        text = file.read()
    examples = 40
    if os.environ.get("LOGI_LONG") == "1":
        examples = 1000
        text = text.replace("seed = 1", f"seed = {random.randrange(1 << 31)}").replace("deterministic = true", "deterministic = false")
    path = os.path.join(VENV, f"schemathesis-{os.getpid()}.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path, examples


def schemathesis_finds_nothing(node):
    _, pending, _ = operations()
    unserved = "|".join(sorted({re.escape(path) for _, path in pending}))
    path, examples = configuration()
    command = [os.path.join(VENV, "bin", "st"), "--config-file", path, "run", node.url + "/openapi.yaml", "--max-examples", str(examples)]
    command += ["--exclude-path-regex", f"^({unserved})$"] if unserved else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=7200, cwd=VENV, env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": PARTS, "NO_COLOR": "1"})
    os.unlink(path)
    told = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert done.returncode == 0, told[-8000:]
    asked = int(re.search(r"(\d+) generated", told)[1])
    assert asked > 2000, told[-2000:]
    print(f"     {asked} requests")
    with urllib.request.urlopen(node.url + "/ready", timeout=30) as answer:
        assert answer.read() == b"ready\n"


def run(binary, results, Node):
    with Node(binary, flags=["--ochi.listen", f"127.0.0.1:{free_port()}", "--log.level", "error"]) as node:
        if not results.run("openapi: the node starts", node.start):
            return
        for test in (the_document_is_served, a_path_has_the_methods_that_the_document_says, methods_that_a_path_does_not_take_are_405, paths_are_taken_to_the_letter):
            results.run("openapi: " + test.__name__.replace("_", " "), test, node)
        if not has_packages():
            print("     schemathesis cannot be installed: skipped")
            return
        results.run("openapi: the document is valid openapi", the_document_is_valid_openapi)
        results.run("openapi: recorded answers fit the document", recorded_answers_fit_the_document)
        results.run("openapi: entries to ask about are pushed", push_something, node)
        results.run("openapi: schemathesis finds nothing", schemathesis_finds_nothing, node)
