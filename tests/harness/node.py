"""A Logi process for tests: starts it on a free port with its own data folder, waits until it is ready, ends it by pid."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from harness.packages import Unreachable


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Node:
    def __init__(self, binary, data=None, config=None, flags=(), env=None):
        self.binary = binary
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="logi-test-")
        self.config = config
        self.flags = list(flags)
        self.env = env or {}
        self.process = None
        self.port = None
        self.log_path = os.path.join(tempfile.gettempdir(), f"logi-{os.getpid()}-{id(self)}.log")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, wait=True, timeout=30, port=None):
        self.port = port or free_port()
        command = [self.binary, "serve", "--listen", f"127.0.0.1:{self.port}", "--data", self.data, *self.flags]
        if self.config:
            command += ["--config", self.config]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **self.env})
        if wait:
            self.wait_ready(timeout)
        return self

    def why_not_ready(self):
        """None when /ready says so, else the reason."""
        try:
            with urllib.request.urlopen(self.url + "/ready", timeout=5) as answer:
                return None if answer.status == 200 else f"status {answer.status}"
        except urllib.error.HTTPError as error:
            return error.read().decode(errors="replace")
        except OSError as error:
            return str(error)

    def wait_ready(self, timeout=30):
        end = time.monotonic() + timeout
        reason = ""
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"logi ended with {self.process.returncode}: {self.log()[-2000:]}")
            reason = self.why_not_ready()
            if reason is None:
                return
            time.sleep(0.02)
        raise AssertionError(f"not ready after {timeout} s: {reason}: {self.log()[-2000:]}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout=60):
        """SIGTERM; the exit code."""
        if self.process is None or self.process.poll() is not None:
            return None if self.process is None else self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)
        if os.path.exists(self.log_path):
            os.unlink(self.log_path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Results:
    """Counts named checks; a failure is told and the run goes on."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def skip(self, name, reason):
        """What cannot be tried on this machine is told, counted, and repeated by tests/run.sh."""
        self.skipped += 1
        print(f"SKIPPED {name}: {reason}", flush=True)

    def have(self, name, install, *args):
        """The client that `install` brings (harness/packages.py), or None: skipped where no registry answers, else failed."""
        found = []
        try:
            found.append(install(*args))
        except Unreachable as error:
            self.skip(name, f"not installed, and its registry cannot be reached: {error}")
            return None
        except Exception as error:  # wrong version, no package client, no room: to be repaired
            self.failed += 1
            print(f"FAIL {name}: cannot be installed: {type(error).__name__}: {error}", flush=True)
            return None
        return found[0]

    def run(self, name, check, *args):
        try:
            check(*args)
        except Exception as error:  # a test that breaks is a test that failed
            self.failed += 1
            print(f"FAIL {name}: {type(error).__name__}: {error}", flush=True)
            return False
        self.passed += 1
        print(f"ok   {name}", flush=True)
        return True

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else ""))
        return 1 if self.failed or not self.passed else 0
