"""The command line: help, version, exit codes, signals, locks, settings from file, environment and flags."""
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
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
    for flag, meant in (("--server.lisen", "server.listen?"), ("--lisen", "--listen?"), ("-confg.file", "--config.file?"), ("--limits_config.max_line_sise", "max_line_size")):
        for args in ([flag, "x"], [flag + "=x"], [flag]):
            done = call(binary, "serve", *args)
            assert done.returncode == 2 and meant in done.stderr, (args, done.returncode, done.stderr)


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


LOKI_FLAGS = [  # flags as Loki has them, what the settings then say
    (["-server.http-listen-port=3200"], 'listen: "127.0.0.1:3200"'),
    (["-server.http-listen-address", "0.0.0.0", "--server.http-listen-port", "3200"], 'listen: "0.0.0.0:3200"'),
    (["-log.level=debug"], 'level: "debug"'),
    (["-auth.enabled=false"], 'default_tenant: "fake"'),
    (["-distributor.ingestion-rate-limit-mb=7"], "ingestion_rate_mb: 7"),
    (["-validation.reject-old-samples=false"], "reject_old_samples: false"),
    (["-validation.increment-duplicate-timestamps", "-validation.reject-old-samples.max-age=3d"], "reject_old_samples_max_age: 3d"),
    (["-store.retention", "31d", "-memberlist.join", "a,b", "-ingester.wal-enabled", "-server.grpc-listen-port=9095"], "retention_period: 31d"),
    (["--limits_config.reject_old_samples", "false", "--auth_enabled", "false"], "reject_old_samples: false"),
    (["-runtime-config.file=/x"], 'file: "/x"'),
    (["-querier.per-request-limits-enabled"], "per_request_limits_enabled: true"),
    (["-target", "read,write,backend"], 'target: "read,write,backend"'),
]


def loki_flags_set_their_keys(binary, _):
    for flags, want in LOKI_FLAGS:
        done = call(binary, "check-config", *flags)
        assert done.returncode == 0 and want in done.stdout, (flags, done.stdout, done.stderr)
    done = call(binary, "check-config", "-memberlist.join=a", "-frontend.max-cache-freshness", "-server.grpc-listen-port", "9095")
    assert [line.rsplit("=", 1)[1] for line in done.stderr.splitlines()] == ["memberlist.join", "frontend.max-cache-freshness", "server.grpc-listen-port"], done.stderr


def a_configuration_is_verified_and_printed(binary, _):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("server:\n  http_listen_port: ${PORT:3300}\nstorage: {durability: '${DURABILITY:sync}'}\n")
        file.flush()
        for flags, env, want in ((["-config.expand-env=true"], {}, 'listen: "127.0.0.1:3300"'), (["-config.expand-env"], {"PORT": "4400"}, 'listen: "127.0.0.1:4400"'),
                                 (["--config.expand-env=true"], {"DURABILITY": "async"}, 'durability: "async"')):
            done = call(binary, "-config.file=" + file.name, *flags, "-verify-config", "-print-config-stderr", env=env)
            assert done.returncode == 0 and want in done.stderr and "config is valid" in done.stderr, (flags, done.returncode, done.stderr)
        assert call(binary, "-config.file", file.name, "-verify-config").returncode == 1  # ${PORT:3300} is no number
        done = call(binary, "-config.file", file.name, "-config.expand-env", "-verify-config", env={"DURABILITY": "never"})
        assert done.returncode == 1 and 'storage.durability: "never" is not sync or async' in done.stderr, done.stderr
    for flags in (["--auth.users_file=/does/not/exist"], ["-target=nonsense"], ["-runtime-config.file=/does/not/exist"],
                  ["-server.http-tls-cert-path=/does/not/exist", "-server.http-tls-key-path=/does/not/exist"]):
        done = call(binary, "-verify-config", *flags)
        assert done.returncode == 1 and done.stderr, (flags, done.returncode, done.stderr)


def a_probe_without_curl(binary, Node):
    with Node(binary) as node:
        node.start()
        listen = f"127.0.0.1:{node.port}"
        for args in (["-health", f"-health.url={node.url}/ready"], ["-health", "-health.url", node.url + "/ready"], ["-health", "--listen", listen], ["health", "--listen=" + listen],
                     ["health", "--listen", f"0.0.0.0:{node.port}"]):
            done = call(binary, *args)
            assert done.returncode == 0 and "healthy" in done.stdout, (args, done.returncode, done.stderr)
        done = call(binary, "-health", f"-health.url={node.url}/nowhere")
        assert done.returncode == 1 and "status code 404" in done.stderr, done.stderr
        assert node.stop() == 0
        done = call(binary, "health", "--listen", listen)
        assert done.returncode == 1 and "Health check failed" in done.stderr, done.stderr


# method, path, which roles have it
ROUTES = [
    ("POST", "/loki/api/v1/push", "write"), ("POST", "/api/prom/push", "write"), ("POST", "/otlp/v1/logs", "write"), ("POST", "/insert/loki/api/v1/push", "write"),
    ("GET", "/loki/api/v1/query_range", "read"), ("GET", "/loki/api/v1/labels", "read"), ("GET", "/loki/api/v1/tail", "read"), ("GET", "/loki/api/v1/index/stats", "read"),
    ("GET", "/api/prom/query", "read"), ("POST", "/query", "read"), ("GET", "/loki/api/v1/rules", "backend"), ("GET", "/prometheus/api/v1/alerts", "backend"),
    ("GET", "/loki/api/v1/delete", "backend"), ("GET", "/ready", "all"), ("GET", "/metrics", "all"), ("GET", "/config", "all"),
]


def a_target_leaves_out_the_routes_of_the_others(binary, Node):
    printed = call(binary, "-list-targets")
    assert printed.returncode == 0 and {"all", "read", "write", "backend"} <= set(printed.stdout.split()), printed.stdout
    for target, roles in (("read", {"read"}), ("distributor,ingester", {"write"}), ("backend", {"backend"}), ("read,write", {"read", "write"}), ("all", {"read", "write", "backend"})):
        with Node(binary, flags=["-target=" + target]) as node:
            node.start()
            for method, path, role in ROUTES:
                request = urllib.request.Request(node.url + path, method=method, data=b"" if method == "POST" else None)
                try:
                    body = urllib.request.urlopen(request).read()
                except urllib.error.HTTPError as error:
                    body = error.read()
                is_there = body != b"404 page not found\n"
                assert is_there == (role == "all" or role in roles), (target, path, body[:100])
            assert ("plays a part only" in node.log()) == (len(roles) < 3), node.log()
            assert node.stop() == 0, node.log()


def loki_flags_work(binary, Node):
    with Node(binary, flags=["-target=all", "-auth.enabled=false"]) as node:
        node.start()
        assert urllib.request.urlopen(node.url + "/ready").read() == b"ready\n"


TESTS = [help_and_version, usage_errors_exit_2, config_errors_exit_1_and_name_the_line, settings_have_their_order,
         a_second_process_on_the_folder_is_refused, a_port_in_use_is_named, sigterm_ends_with_0_and_sigquit_goes_on, loki_flags_work, loki_flags_set_their_keys,
         a_configuration_is_verified_and_printed, a_probe_without_curl, a_target_leaves_out_the_routes_of_the_others]


def run(binary, results, Node):
    for test in TESTS:
        results.run("command line: " + test.__name__.replace("_", " "), test, binary, Node)
