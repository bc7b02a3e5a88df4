"""TLS and basic authentication: what clients may do, and what they are told; certificates, users and settings that change while the node serves."""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import requests

from secure_node import Authority, SecureNode, passwd, wait_for

ALICE = ("alice", "correct horse")
ROOT = ("root", "battery: staple")  # a colon is a byte of a password like others


class World:
    """All that the tests share: the node, its files, its authority."""

    def __init__(self, binary):
        self.binary = binary
        self.folder = tempfile.mkdtemp(prefix="logi-secure-")
        self.authority = Authority(self.folder)
        self.cert, self.key = (shutil.copy(path, os.path.join(self.folder, name)) for path, name in
                               zip(self.authority.issue("server"), ("shown.crt", "shown.key")))
        self.users = os.path.join(self.folder, "users")
        self.config = os.path.join(self.folder, "logi.yaml")
        for user, flags in ((ALICE, ("--tenants", "team-a,team-b")), (ROOT, ("--tenants", "*", "--admin"))):
            done = passwd(binary, self.users, *user, *flags)
            assert done.returncode == 0, done.stderr
        self.write_config("")
        self.node = SecureNode(binary, self.authority.bundle, config=self.config)

    def write_config(self, more, head_timeout="2s"):
        with open(self.config, "w") as file:
            file.write(f"""
server:
  head_timeout: {head_timeout}
  http_tls_config:
    cert_file: {self.cert}
    key_file: {self.key}
auth:
  users_file: {self.users}
multi_tenant_queries_enabled: true
{more}
""")

    def get(self, path, user=None, tenant=None, **kwargs):
        headers = {"X-Scope-OrgID": tenant} if tenant else {}
        return requests.get(self.node.url + path, auth=user, headers={**headers, **kwargs.pop("headers", {})}, verify=self.authority.bundle, timeout=30,
                            **kwargs)

    def push(self, line, user=ALICE, tenant=None, session=None):
        body = {"streams": [{"stream": {"app": "x"}, "values": [[str(time.time_ns()), line]]}]}
        headers = {"X-Scope-OrgID": tenant} if tenant else {}
        return (session or requests).post(self.node.url + "/loki/api/v1/push", json=body, auth=user, headers=headers, verify=self.authority.bundle,
                                          timeout=30)

    def lines(self, user=ALICE, tenant=None):
        answer = self.get("/loki/api/v1/query_range", user, tenant, params={"query": '{app="x"}', "limit": 5000})
        answer.raise_for_status()
        return sorted(value[1] for stream in answer.json()["data"]["result"] for value in stream["values"])

    def metric(self, text):
        for line in self.get("/metrics", ROOT).text.splitlines():
            if line.startswith(text + " "):
                return float(line.split()[-1])
        return 0.0

    def hang_up(self):
        """SIGHUP, and what the log says of it."""
        before = len(self.node.log())
        self.node.process.send_signal(signal.SIGHUP)
        wait_for(lambda: any(word in self.node.log()[before:] for word in ("msg=reloaded", "not reloaded")), "a word about the reload")
        time.sleep(0.2)  # a reload has three steps, each with its line; TLS contexts reach the loops by message
        return self.node.log()[before:]

    def peer_name(self):
        """The name in the certificate that the node shows."""
        context = ssl.create_default_context(cafile=self.authority.bundle)
        with socket.create_connection(("127.0.0.1", self.node.port), timeout=10) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
            return dict(pair[0] for pair in tls.getpeercert()["subject"])["commonName"]

    def close(self):
        self.node.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def handshake(world, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(world.authority.bundle)
    for name, value in settings.items():
        if name == "alpn":
            context.set_alpn_protocols(value)
        elif name == "ciphers":
            context.set_ciphers(value)
        else:
            setattr(context, name, value)
    with socket.create_connection(("127.0.0.1", world.node.port), timeout=10) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
        return tls.version(), tls.selected_alpn_protocol(), tls.cipher()[0]


def tls_12_and_13_are_spoken_and_nothing_older(world):
    assert handshake(world)[0] == "TLSv1.3"
    version, _, cipher = handshake(world, maximum_version=ssl.TLSVersion.TLSv1_2)
    assert version == "TLSv1.2" and cipher.startswith("ECDHE") and ("GCM" in cipher or "CHACHA" in cipher), cipher
    for bad in ({"minimum_version": ssl.TLSVersion.TLSv1, "maximum_version": ssl.TLSVersion.TLSv1_1, "ciphers": "DEFAULT:@SECLEVEL=0"},
                {"maximum_version": ssl.TLSVersion.TLSv1_2, "ciphers": "AES128-SHA:AES256-GCM-SHA384"}):
        try:
            raise AssertionError(f"{bad}: {handshake(world, **bad)}")
        except (ssl.SSLError, ConnectionError):
            pass


def alpn_is_http_1_1_and_never_h2(world):
    assert handshake(world, alpn=["h2", "http/1.1"])[1] == "http/1.1"
    assert handshake(world)[1] is None
    try:
        assert handshake(world, alpn=["h2"])[1] is None, "h2 alone was agreed to"
    except (ssl.SSLError, ConnectionError):
        pass


def clear_text_on_a_tls_port_gets_no_answer(world):
    before = world.metric('logi_http_rejected_total{reason="tls"}')
    with socket.create_connection(("127.0.0.1", world.node.port), timeout=10) as plain:
        plain.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            assert b"ready" not in plain.recv(1000)
        except ConnectionError:
            pass
    wait_for(lambda: world.metric('logi_http_rejected_total{reason="tls"}') > before, "the failed handshake counted")


def a_handshake_that_does_not_end_is_cut(world):
    before = world.metric('logi_http_rejected_total{reason="slow_client"}')
    silent = [socket.create_connection(("127.0.0.1", world.node.port), timeout=30) for _ in range(3)]
    silent[1].sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # a record's head and no more
    for client in silent:
        try:
            assert client.recv(100) == b""
        except ConnectionError:
            pass
        client.close()
    wait_for(lambda: world.metric('logi_http_rejected_total{reason="slow_client"}') >= before + 3, "slow handshakes counted")
    assert world.get("/ready").status_code == 200


def large_bodies_and_answers_cross_tls(world):
    now = time.time_ns()
    lines = [f"{i} " + "x" * 2000 for i in range(4000)]
    body = {"streams": [{"stream": {"app": "large"}, "values": [[str(now + i), line] for i, line in enumerate(lines)]}]}
    answer = requests.post(world.node.url + "/loki/api/v1/push", json=body, auth=ALICE, verify=world.authority.bundle, timeout=60)
    assert answer.status_code == 204, answer.text
    answer = world.get("/loki/api/v1/query_range", ALICE, params={"query": '{app="large"}', "limit": 4000, "direction": "forward"})
    values = answer.json()["data"]["result"][0]["values"]
    assert [value[1] for value in values] == lines


def a_request_without_credentials_is_401_on_every_route(world):
    for path in ("/loki/api/v1/labels", "/loki/api/v1/query_range", "/api/prom/query", "/config", "/services", "/metrics", "/loki/api/v1/status/buildinfo",
                 "/loki/api/v1/format_query", "/flush", "/log_level", "/config/tenant/v1/limits", "/loki/api/v1/index/stats", "/ring"):
        answer = world.get(path, tenant="team-a")
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith('Basic realm='), (path, answer.status_code)
        assert "no-such-thing" not in answer.text
    assert world.get("/ready").status_code == 200
    assert requests.post(world.node.url + "/loki/api/v1/push", json={"streams": []}, verify=world.authority.bundle).status_code == 401


def wrong_credentials_are_401_and_tell_nothing(world):
    texts = set()
    for user in (("alice", "wrong"), ("nobody", "correct horse"), ("alice", ""), ("", "correct horse"), ("ALICE", "correct horse"),
                 ("alice", "correct horse "), ("alice\x00", "correct horse"), ("a" * 5000, "b"), ("alice", "x" * 5000)):
        answer = world.get("/loki/api/v1/labels", user)
        assert answer.status_code == 401, (user[0][:20], answer.status_code, answer.text)
        texts.add(answer.text)
    assert len(texts - {"wrong user or password\n"}) <= 1, texts
    for header in ("Bearer abc", "Basic", "Basic !!!", "Basic " + "A" * 9000, "basic YWxpY2U=", "Negotiate x"):
        assert world.get("/loki/api/v1/labels", headers={"Authorization": header}).status_code == 401, header[:30]


def two_authorization_headers_are_400(world):
    context = ssl.create_default_context(cafile=world.authority.bundle)
    with socket.create_connection(("127.0.0.1", world.node.port), timeout=10) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
        tls.sendall(b"GET /loki/api/v1/labels HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==\r\nAuthorization: Basic eDp5\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 400")


def a_user_reaches_their_tenants_and_no_other(world):
    assert world.push("for the first tenant").status_code == 204
    assert world.push("for b", tenant="team-b").status_code == 204
    assert world.lines(tenant="team-a") == ["for the first tenant"] == world.lines()
    assert world.lines(tenant="team-b") == ["for b"]
    assert world.lines(tenant="team-b|team-a") == ["for b", "for the first tenant"]
    for tenant in ("team-c", "default", "team-a|team-c", "*", "team-A"):
        for answer in (world.get("/loki/api/v1/query_range", ALICE, tenant, params={"query": '{app="x"}'}), world.get("/loki/api/v1/labels", ALICE, tenant)):
            assert answer.status_code == 403 and "user 'alice' may not use tenant" in answer.text, (tenant, answer.status_code, answer.text)
    assert world.push("x", tenant="team-c").status_code == 403
    assert world.lines(ROOT, tenant="team-a") == ["for the first tenant"]
    assert world.lines(ROOT) == []  # * comes first: the default tenant


def only_administrators_reach_administrative_routes(world):
    for path in ("/config", "/services", "/metrics", "/log_level", "/ring", "/memberlist"):
        answer = world.get(path, ALICE)
        assert answer.status_code == 403 and "administrative" in answer.text, (path, answer.status_code)
        assert world.get(path, ROOT).status_code == 200, path
    assert requests.post(world.node.url + "/flush", auth=ALICE, verify=world.authority.bundle).status_code == 403
    assert requests.post(world.node.url + "/flush", auth=ROOT, verify=world.authority.bundle).status_code == 204


def a_password_is_checked_once_and_then_costs_nothing(world):
    with requests.Session() as session:
        session.auth, session.verify, session.trust_env = ALICE, world.authority.bundle, False
        session.get(world.node.url + "/loki/api/v1/labels")
        start = time.process_time(), time.monotonic()
        for _ in range(200):
            assert session.get(world.node.url + "/loki/api/v1/labels").status_code == 200
        took = time.monotonic() - start[1]
    assert took < 15, f"200 requests took {took} s: each checked anew?"


def a_flood_of_guesses_leaves_others_alone(world):
    world.lines()  # alice's password is known
    stop = threading.Event()
    outcomes = []

    def guess(n):
        i = 0
        while not stop.is_set():
            outcomes.append(world.get("/loki/api/v1/labels", ("alice", f"guess {n} {i}")).status_code)
            i += 1

    guessers = [threading.Thread(target=guess, args=(n,)) for n in range(20)]
    for guesser in guessers:
        guesser.start()
    try:
        wait_for(lambda: 503 in outcomes and 401 in outcomes, "some guesses checked, some told to come again")
        for _ in range(20):
            start = time.monotonic()
            assert world.get("/loki/api/v1/labels", ALICE).status_code == 200
            assert time.monotonic() - start < 10
    finally:
        stop.set()
        for guesser in guessers:
            guesser.join()
    assert set(outcomes) <= {401, 503}, set(outcomes)
    retry = None
    for i in range(200):
        answer = world.get("/loki/api/v1/labels", ("alice", f"again {i}"))
        assert answer.status_code in (401, 503)
        retry = answer.headers.get("Retry-After") if answer.status_code == 503 else retry
        if i > 3:
            break
    assert retry in (None, "1")


def a_client_that_leaves_during_the_check_harms_nothing(world):
    context = ssl.create_default_context(cafile=world.authority.bundle)
    for i in range(20):
        with socket.create_connection(("127.0.0.1", world.node.port), timeout=10) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
            tls.sendall(f"GET /loki/api/v1/labels HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eDp{chr(65 + i)}\r\n\r\n".encode())
    wait_for(lambda: world.get("/loki/api/v1/labels", ALICE).status_code == 200, "an answer afterwards")


def nothing_secret_is_in_log_config_or_metrics(world):
    texts = world.node.log() + world.get("/config", ROOT).text + world.get("/metrics", ROOT).text
    with open(world.users) as file:
        hashes = [line.split(":")[1] for line in file if ":" in line]
    for secret in ["correct horse", "battery", "guess 1 1", "PRIVATE KEY", *hashes, *(text.split("$")[-1] for text in hashes)]:
        assert secret not in texts, secret[:10]


def logins_and_the_certificate_are_in_the_metrics(world):
    assert world.metric('logi_auth_requests_total{method="basic",result="ok"}') > 0
    assert world.metric('logi_auth_requests_total{method="basic",result="denied"}') > 0
    assert world.metric('logi_auth_requests_total{method="none",result="denied"}') > 0
    assert world.metric('logi_http_rejected_total{reason="auth"}') > 0
    left = world.metric('logi_tls_certificate_expiry_timestamp_seconds{name="server"}') - time.time()
    assert 0 < left <= 86400, left


def a_new_certificate_is_shown_and_open_connections_go_on(world):
    with requests.Session() as session:
        session.auth, session.verify, session.trust_env = ALICE, world.authority.bundle, False
        assert session.get(world.node.url + "/loki/api/v1/labels", stream=False).status_code == 200
        port = session.adapters["https://"].poolmanager.connection_from_url(world.node.url)
        before = port.num_connections
        shutil.copy(world.authority.issue("renewed")[0], world.cert)
        shutil.copy(os.path.join(world.folder, "renewed.key"), world.key)
        assert "level=error" not in world.hang_up()
        wait_for(lambda: world.peer_name() == "renewed", "the new certificate")
        assert session.get(world.node.url + "/loki/api/v1/labels").status_code == 200
        assert port.num_connections == before, "the open connection was dropped"


def a_bad_new_certificate_leaves_the_old_one(world):
    name = world.peer_name()
    with open(world.cert) as file:
        good = file.read()
    for bad in ("", "no certificate\n", good[:200]):
        with open(world.cert, "w") as file:
            file.write(bad)
        told = world.hang_up()
        assert "level=error" in told and "certificate not reloaded" in told and world.cert in told, told
        assert world.peer_name() == name and world.get("/ready").status_code == 200
        assert world.metric("logi_config_last_reload_successful") == 0
    with open(world.cert, "w") as file:
        file.write(good)
    world.authority.issue("other")
    shutil.copy(os.path.join(world.folder, "other.key"), world.key)  # a key of another certificate
    assert "level=error" in world.hang_up() and world.peer_name() == name
    shutil.copy(os.path.join(world.folder, name + ".key"), world.key)
    assert "level=error" not in world.hang_up()
    assert world.metric("logi_config_last_reload_successful") == 1


def users_are_read_anew(world):
    bob = ("bob", "new here")
    assert world.get("/loki/api/v1/labels", bob).status_code == 401
    assert passwd(world.binary, world.users, *bob, "--tenants", "team-b").returncode == 0
    world.hang_up()
    assert world.get("/loki/api/v1/labels", bob).status_code == 200
    assert world.lines(bob) == ["for b"]
    assert passwd(world.binary, world.users, "bob", "changed").returncode == 0
    world.hang_up()
    assert world.get("/loki/api/v1/labels", bob).status_code == 401
    assert world.lines(("bob", "changed")) == ["for b"]
    with open(world.users, "a") as file:
        file.write("broken line\n")
    told = world.hang_up()
    assert "users not reloaded" in told and "line 4" in told, told
    assert world.lines(("bob", "changed")) == ["for b"]
    with open(world.users) as file:
        text = file.read().replace("broken line\n", "")
    with open(world.users, "w") as file:
        file.write(text)
    assert passwd(world.binary, world.users, "bob", None, "--delete").returncode == 0
    world.hang_up()
    assert world.get("/loki/api/v1/labels", ("bob", "changed")).status_code == 401


def settings_are_read_anew_and_what_needs_a_restart_is_named(world):
    world.write_config("limits_config: {max_line_size: 20}\noverrides: {team-b: {max_line_size: 30}}\nlog: {level: debug}\nquery: {queue: 7}\n", "9s")
    told = world.hang_up()
    assert "level=warn" in told and "keys=\"server.head_timeout, query.queue\"" in told, told
    assert world.push("x" * 21).status_code == 400 and world.push("x" * 20).status_code == 204
    assert world.push("x" * 30, tenant="team-b").status_code == 204 and world.push("x" * 31, tenant="team-b").status_code == 400
    shown = world.get("/config", ROOT).text
    assert "max_line_size: 20\n" in shown and "head_timeout: 2s\n" in shown and 'level: "debug"' in shown, shown
    assert world.get("/log_level", ROOT).json()["message"].endswith("debug")


def bad_settings_leave_the_old_ones(world):
    with open(world.config) as file:
        good = file.read()
    with open(world.config, "a") as file:
        file.write("limts_config: {}\n")
    told = world.hang_up()
    assert "settings not reloaded" in told and "unknown key limts_config" in told, told
    assert world.push("x" * 21).status_code == 400
    with open(world.config, "w") as file:
        file.write(good.replace("max_line_size: 20", "max_line_size: many"))
    assert "settings not reloaded" in world.hang_up() and world.push("x" * 21).status_code == 400
    world.write_config("")
    world.hang_up()
    assert world.push("x" * 21).status_code == 204


TESTS = [tls_12_and_13_are_spoken_and_nothing_older, alpn_is_http_1_1_and_never_h2, clear_text_on_a_tls_port_gets_no_answer,
         a_handshake_that_does_not_end_is_cut, a_request_without_credentials_is_401_on_every_route, wrong_credentials_are_401_and_tell_nothing,
         two_authorization_headers_are_400, a_user_reaches_their_tenants_and_no_other, only_administrators_reach_administrative_routes,
         a_password_is_checked_once_and_then_costs_nothing, large_bodies_and_answers_cross_tls, a_flood_of_guesses_leaves_others_alone,
         a_client_that_leaves_during_the_check_harms_nothing, logins_and_the_certificate_are_in_the_metrics,
         nothing_secret_is_in_log_config_or_metrics, a_new_certificate_is_shown_and_open_connections_go_on, a_bad_new_certificate_leaves_the_old_one,
         users_are_read_anew, settings_are_read_anew_and_what_needs_a_restart_is_named, bad_settings_leave_the_old_ones]


def passwd_writes_files_that_only_their_owner_reads(binary):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "users")
        assert passwd(binary, file, "a", "one").returncode == 0
        assert os.stat(file).st_mode & 0o777 == 0o600
        os.chmod(file, 0o640)
        with open(file, "a") as text:
            text.write("# a comment\n\n")
        assert passwd(binary, file, "b", "two", "--tenants=x,*", "--admin").returncode == 0
        assert passwd(binary, file, "a", None, "--keep-password", "--tenants", "y").returncode == 0
        assert os.stat(file).st_mode & 0o777 == 0o640
        with open(file) as text:
            lines = text.read().split("\n")
        assert lines[0].startswith("a:$scrypt$") and lines[0].endswith(":y:") and lines[1:3] == ["# a comment", ""], lines
        assert lines[3].startswith("b:$scrypt$") and lines[3].endswith(":x,*:admin") and lines[4:] == [""], lines
        assert passwd(binary, file, "b", "three", "--no-admin").returncode == 0
        with open(file) as text:
            assert text.read().split("\n")[3].endswith(":x,*:")
        for bad in (("c:d", "x"), ("c", ""), ("c", "x" * 1025), ("c", "x", "--tenants", "a/b"), ("nobody", None, "--delete"), ("c", "x", "--wrong")):
            done = passwd(binary, file, *bad)
            assert done.returncode != 0 and done.stderr.startswith("logi: "), (bad, done)
        assert passwd(binary, file, "a", None, "--delete").returncode == 0
        with open(file) as text:
            assert [line.split(":")[0] for line in text.read().split("\n")] == ["# a comment", "", "b", ""]


def passwd_asks_twice_without_echo_on_a_terminal(binary):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "users")
        for second, want in (("typed secret", 0), ("typed other", 1)):
            ours, theirs = os.openpty()
            process = subprocess.Popen([binary, "passwd", file, "a"], stdin=theirs, stdout=theirs, stderr=theirs)
            os.close(theirs)
            shown = b""
            for prompt, text in ((b"Password: ", "typed secret"), (b"The same again: ", second)):
                end = time.monotonic() + 30
                while prompt not in shown and time.monotonic() < end:
                    shown += os.read(ours, 1000)
                os.write(ours, (text + "\n").encode())
            while True:
                try:
                    part = os.read(ours, 1000)
                except OSError:
                    break
                if not part:
                    break
                shown += part
            os.close(ours)
            assert process.wait(30) == want and b"typed" not in shown, (process.returncode, shown)


def bad_files_stop_the_start_with_their_names(binary):
    with tempfile.TemporaryDirectory() as folder:
        users, cert = os.path.join(folder, "users"), os.path.join(folder, "cert.pem")
        with open(users, "w") as file:
            file.write("a:secret:t:\n")
        for flags, want in ((["--auth.users_file", users], "line 1"), (["--auth.users_file", users + "x"], users + "x"),
                            (["--server.http_tls_config.cert_file", cert], "key_file"),
                            (["--server.http_tls_config.cert_file", cert, "--server.http_tls_config.key_file", cert], cert),
                            (["--server.tls_min_version", "VersionTLS10"], "VersionTLS12"), (["--auth.metrics", "all"], "auth.metrics")):
            done = subprocess.run([binary, "serve", "--listen", "127.0.0.1:0", "--data", os.path.join(folder, "data"), *flags], capture_output=True,
                                  text=True, timeout=60)
            assert done.returncode not in (0, -6, -11) and want in done.stderr and "secret" not in done.stderr, (flags, done)


def clients_prove_themselves_by_certificate(binary):
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(folder)
        cert, key = authority.issue("server")
        client = authority.issue("client")
        config = os.path.join(folder, "logi.yaml")
        with open(config, "w") as file:
            file.write(f"server:\n  http_tls_config: {{cert_file: {cert}, key_file: {key}, client_auth_type: RequireAndVerifyClientCert, "
                       f"client_ca_file: {authority.bundle}}}\n  tls_min_version: VersionTLS13\n")
        with SecureNode(binary, authority.bundle, config=config) as node:
            node.start(wait=False)
            wait_for(lambda: "msg=listening" in node.log(), "the node listening")
            assert requests.get(node.url + "/ready", verify=authority.bundle, cert=client).status_code == 200
            try:
                answer = requests.get(node.url + "/ready", verify=authority.bundle)
                raise AssertionError(f"answered without a certificate: {answer.status_code}")
            except requests.ConnectionError:
                pass


def every_listener_speaks_tls(binary):
    from harness.node import free_port
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(folder)
        cert, key = authority.issue("server")
        admin, ochi = free_port(), free_port()
        config = os.path.join(folder, "logi.yaml")
        with open(config, "w") as file:
            file.write(json.dumps({"server": {"http_tls_config": {"cert_file": cert, "key_file": key}, "admin_listen": f"127.0.0.1:{admin}"},
                                   "ochi": {"listen": f"127.0.0.1:{ochi}"}}))  # JSON is YAML
        with SecureNode(binary, authority.bundle, config=config) as node:
            node.start()
            assert requests.get(f"https://127.0.0.1:{admin}/config", verify=authority.bundle).status_code == 200
            assert requests.get(f"{node.url}/config", verify=authority.bundle).status_code == 404
            assert requests.get(f"https://127.0.0.1:{ochi}/insert/loki/ready", verify=authority.bundle).text == "ready"


OTHERS = [passwd_writes_files_that_only_their_owner_reads, passwd_asks_twice_without_echo_on_a_terminal, bad_files_stop_the_start_with_their_names, clients_prove_themselves_by_certificate,
          every_listener_speaks_tls]


def run(binary, results, Node):
    del Node
    for test in OTHERS:
        results.run("tls and users: " + test.__name__.replace("_", " "), test, binary)
    world = World(binary)
    try:
        if results.run("tls and users: the node starts", world.node.start):
            for test in TESTS:
                results.run("tls and users: " + test.__name__.replace("_", " "), test, world)
            results.run("tls and users: the node stops", lambda: world.node.stop() == 0 or 1 / 0)
    finally:
        world.close()
