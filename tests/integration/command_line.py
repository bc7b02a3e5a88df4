"""The command line: help, version, exit codes, signals, locks, settings from file, environment and flags."""
import os
import signal
import subprocess
import tempfile
import time
import urllib.request


def call(binary, *args, env=None):
    return subprocess.run([binary, *args], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})


def help_and_version(binary, _):
    assert "serve" in call(binary, "--help").stdout and call(binary, "help").returncode == 0
    helped = call(binary, "serve", "--help")
    assert helped.returncode == 0 and "--server.listen" in helped.stdout and "--storage.durability" in helped.stdout
    assert call(binary, "version").stdout.startswith("logi ")


def usage_errors_exit_2(binary, _):
    for args in (["serve", "--nonsense", "1"], ["nonsense"], ["serve", "positional"], ["serve", "--listen"], []):
        done = call(binary, *args)
        assert done.returncode == 2, (args, done.returncode, done.stderr)
    assert "did you mean server.listen" in call(binary, "serve", "--server.lisen", "x").stderr


def config_errors_exit_1_and_name_the_line(binary, _):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
        file.write("server:\n  listen: 127.0.0.1:1\n  max_conections: 5\n")
    try:
        done = call(binary, "serve", "--config", file.name)
        assert done.returncode == 1 and ":3: unknown key server.max_conections: did you mean server.max_connections?" in done.stderr, done.stderr
        assert call(binary, "check-config", "-config.file=" + file.name).returncode == 1
    finally:
        os.unlink(file.name)
    assert call(binary, "serve", "--config", "/does/not/exist").returncode == 1


def settings_have_their_order(binary, _):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
        file.write("server:\n  listen: 127.0.0.1:1\nstorage:\n  shards: 3\nlimits_config:\n  max_line_size: 1KB\n")
    try:
        done = call(binary, "check-config", "--config", file.name, "--shards", "5", env={"LOGI_SERVER_LISTEN": "127.0.0.1:2", "LOGI_STORAGE_SHARDS": "4", "LOGI_PORT": "tcp://10.0.0.1:3100"})
        assert done.returncode == 0, done.stderr
        assert 'listen: "127.0.0.1:2"' in done.stdout and "shards: 5" in done.stdout and "max_line_size: 1" in done.stdout, done.stdout
    finally:
        os.unlink(file.name)


def a_second_process_on_the_folder_is_refused(binary, Node):
    with Node(binary) as first:
        first.start()
        second = Node(binary, data=first.data)
        second.start(wait=False)
        assert second.process.wait(20) == 75, second.log()
        assert "in use" in second.log()
        second.close()


def a_port_in_use_is_named(binary, Node):
    with Node(binary) as first, Node(binary) as second:
        first.start()
        done = call(binary, "serve", "--listen", f"127.0.0.1:{first.port}", "--data", second.data)
        assert done.returncode == 75 and str(first.port) in done.stderr, done.stderr


def sigterm_ends_with_0_and_sigquit_goes_on(binary, Node):
    with Node(binary) as node:
        node.start()
        node.process.send_signal(signal.SIGQUIT)
        node.process.send_signal(signal.SIGUSR1)
        node.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert urllib.request.urlopen(node.url + "/ready").status == 200
        assert "logi_head_entries" in node.log()
        assert node.stop() == 0
        assert "stopped" in node.log()


def loki_flags_work(binary, Node):
    with Node(binary, flags=["-target=all", "-auth.enabled=false"]) as node:
        node.start()
        assert urllib.request.urlopen(node.url + "/ready").read() == b"ready\n"


TESTS = [help_and_version, usage_errors_exit_2, config_errors_exit_1_and_name_the_line, settings_have_their_order,
         a_second_process_on_the_folder_is_refused, a_port_in_use_is_named, sigterm_ends_with_0_and_sigquit_goes_on, loki_flags_work]


def run(binary, results, Node):
    for test in TESTS:
        results.run("command line: " + test.__name__.replace("_", " "), test, binary, Node)
