"""Bearer tokens: made by logi passwd, used by clients as a bearer and as a basic password, changed while the node serves."""
import os
import tempfile

import requests

from secure_node import passwd
from tls_and_users import ALICE, ROOT, World


def make(world, name, *flags):
    done = passwd(world.binary, world.users, name, None, "--token", *flags)
    assert done.returncode == 0 and done.stdout.startswith("logi_") and len(done.stdout.strip()) == 48, done
    return done.stdout.strip()


def bearer(token):
    return {"Authorization": "Bearer " + token}


def status(world, token, path="/loki/api/v1/labels", tenant=None, scheme="Bearer "):
    return world.get(path, tenant=tenant, headers={"Authorization": scheme + token}).status_code


def a_token_reaches_its_tenants_and_no_other(world):
    token = make(world, "agent", "--tenants", "team-a,team-b")
    assert status(world, token) == 401
    world.hang_up()
    for scheme in ("Bearer ", "bearer ", "BEARER   "):
        assert status(world, token, scheme=scheme) == 200, scheme
    body = {"streams": [{"stream": {"app": "x"}, "values": [["1", "too old"]]}]}
    push = requests.post(world.node.url + "/loki/api/v1/push", json=body, headers=bearer(token), verify=world.authority.bundle, timeout=30)
    assert push.status_code == 400 and "too old" in push.text, push.text
    assert world.push("by password").status_code == 204
    answer = world.get("/loki/api/v1/query_range", headers=bearer(token), params={"query": '{app="x"}'})
    assert [value[1] for stream in answer.json()["data"]["result"] for value in stream["values"]] == ["by password"], answer.text
    assert status(world, token, tenant="team-b") == 200 and status(world, token, tenant="team-a|team-b") == 200
    for tenant in ("team-c", "team-a|team-c", "default"):
        answer = world.get("/loki/api/v1/labels", tenant=tenant, headers=bearer(token))
        assert answer.status_code == 403 and "user 'agent' may not use tenant" in answer.text, (tenant, answer.status_code, answer.text)
    assert status(world, token, "/config") == 403 and status(world, token, "/metrics") == 403


def a_token_is_a_basic_password_of_its_name_too(world):
    token = make(world, "grafana", "--tenants", "team-a")
    world.hang_up()
    assert world.get("/loki/api/v1/labels", ("grafana", token)).status_code == 200  # Grafana Cloud's way: auth=("<user>", "<API_TOKEN>")
    for user in (("agent", token), ("alice", token), ("", token), ("grafana", token + "x"), ("grafana", "")):
        answer = world.get("/loki/api/v1/labels", user)
        assert answer.status_code == 401, (user[0], answer.status_code)


def an_administrators_token_is_one(world):
    token = make(world, "prometheus", "--tenants", "*", "--admin")
    world.hang_up()
    assert status(world, token, "/metrics") == 200 and status(world, token, "/config") == 200 and status(world, token, tenant="anything") == 200


def wrong_tokens_are_401(world):
    answer = world.get("/loki/api/v1/labels", headers=bearer("logi_wrong"))
    assert answer.status_code == 401 and answer.text == "unknown token\n" and "Bearer realm=" in answer.headers["WWW-Authenticate"], (answer.text, answer.headers)
    with open(world.users) as file:
        hashes = [line.split(":")[1] for line in file if line.startswith(("alice:", "agent:"))]
    for token in ("", " ", "x" * 5000, "correct horse", "alice", "YWxpY2U6Y29ycmVjdCBob3JzZQ==", *hashes):
        assert status(world, token) == 401, token[:40]
    assert status(world, "x", scheme="Bearer") == 401 and status(world, "x", scheme="Token ") == 401


def a_new_token_ends_the_old_one(world):
    old = make(world, "rotated", "--tenants", "team-a")
    world.hang_up()
    assert status(world, old) == 200
    new = make(world, "rotated")  # tenants stay
    world.hang_up()
    assert status(world, old) == 401 and status(world, new, tenant="team-a") == 200
    assert passwd(world.binary, world.users, "rotated", None, "--keep-password", "--tenants", "team-b").returncode == 0
    world.hang_up()
    assert status(world, new) == 200 and status(world, new, tenant="team-a") == 403
    assert passwd(world.binary, world.users, "rotated", "a password").returncode == 0
    world.hang_up()
    assert status(world, new) == 401 and world.get("/loki/api/v1/labels", ("rotated", "a password")).status_code == 200
    assert passwd(world.binary, world.users, "rotated", None, "--delete").returncode == 0
    world.hang_up()


def logins_by_token_are_counted_and_tokens_are_nowhere(world):
    token = make(world, "counted", "--tenants", "team-a")
    world.hang_up()
    before = {result: world.metric(f'logi_auth_requests_total{{method="bearer",result="{result}"}}') for result in ("ok", "denied")}
    assert status(world, token) == 200 and status(world, token + "x") == 401
    for result, count in before.items():
        assert world.metric(f'logi_auth_requests_total{{method="bearer",result="{result}"}}') == count + 1, result
    with open(world.users) as file:
        secrets = [token] + [line.split(":")[1] for line in file]
    for text in (world.node.log(), world.get("/config", ROOT).text, world.get("/metrics", ROOT).text):
        assert not any(secret in text for secret in secrets)
    assert world.get("/loki/api/v1/labels", ALICE).status_code == 200


def a_token_that_cannot_be_stored_is_not_told(world):
    with tempfile.TemporaryDirectory() as folder:
        done = passwd(world.binary, os.path.join(folder, "no", "such", "folder"), "x", None, "--token")
        assert done.returncode != 0 and done.stdout == "", done


TESTS = [a_token_reaches_its_tenants_and_no_other, a_token_is_a_basic_password_of_its_name_too, an_administrators_token_is_one, wrong_tokens_are_401,
         a_new_token_ends_the_old_one, logins_by_token_are_counted_and_tokens_are_nowhere, a_token_that_cannot_be_stored_is_not_told]


def run(binary, results, Node):
    del Node
    world = World(binary)
    try:
        if results.run("bearer tokens: the node starts", world.node.start):
            for test in TESTS:
                results.run("bearer tokens: " + test.__name__.replace("_", " "), test, world)
    finally:
        world.close()
