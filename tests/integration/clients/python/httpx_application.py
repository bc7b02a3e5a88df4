"""What an application does with httpx, first by its plain client and then by its asynchronous one: URL, tenant, "plain" or "async"."""
import asyncio
import gzip
import json
import sys
import time

import httpx

URL, TENANT, KIND = sys.argv[1:4]
HEADERS = {"X-Scope-OrgID": TENANT}
PUSHES = 40


def body(number, now):
    values = [[str(now + number * 100 + i), f"{KIND} push {number} line {i}"] for i in range(50)]
    return {"streams": [{"stream": {"app": "httpx-" + KIND}, "values": values}]}


def check(answer, query):
    answer.raise_for_status()
    assert answer.headers["content-type"].startswith("application/json"), answer.headers
    assert answer.http_version == "HTTP/1.1"
    result = answer.json()["data"]["result"]
    lines = [value[1] for stream in result for value in stream["values"]]
    assert len(lines) == PUSHES * 50 == len(set(lines)), (query, len(lines), len(set(lines)))
    times = [int(value[0]) for stream in result for value in stream["values"]]
    assert times == sorted(times)


def parameters(now):
    query = f'{{app="httpx-{KIND}"}} |= "push"'
    return {"query": query, "start": now, "end": now + 10**9, "limit": 5000, "direction": "forward"}


def plain():
    now = time.time_ns() - 10**9
    with httpx.Client(base_url=URL, headers=HEADERS, timeout=30) as client:
        for number in range(PUSHES):
            if number % 2:  # chunked: the length is not known before
                text = json.dumps(body(number, now)).encode()
                halves = iter([text[: len(text) // 2], text[len(text) // 2 :]])
                answer = client.post("/loki/api/v1/push", content=halves, headers={"Content-Type": "application/json"})
            else:
                answer = client.post("/loki/api/v1/push", json=body(number, now))
            assert answer.status_code == 204 and not answer.content, (answer.status_code, answer.text)
        check(client.get("/loki/api/v1/query_range", params=parameters(now)), "get")
        check(client.post("/loki/api/v1/query_range", data=parameters(now)), "post")
        with client.stream("GET", "/loki/api/v1/query_range", params=parameters(now)) as answer:
            pieces = list(answer.iter_bytes())
        assert len(json.loads(b"".join(pieces))["data"]["result"][0]["values"]) == PUSHES * 50
        assert client.get("/loki/api/v1/label/app/values").json()["data"] == ["httpx-" + KIND]
        bad = client.get("/loki/api/v1/query_range", params={"query": "{"})
        assert bad.status_code == 400 and "parse error" in bad.text, bad.text


async def asynchronous():
    now = time.time_ns() - 10**9
    limits = httpx.Limits(max_connections=10)
    async with httpx.AsyncClient(base_url=URL, headers=HEADERS, timeout=30, limits=limits) as client:

        async def push(number):
            packed = gzip.compress(json.dumps(body(number, now)).encode())
            headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
            return await client.post("/loki/api/v1/push", content=packed, headers=headers)

        answers = await asyncio.gather(*(push(number) for number in range(PUSHES)))
        assert {answer.status_code for answer in answers} == {204}, [answer.text for answer in answers]
        for answer in await asyncio.gather(*(client.get("/loki/api/v1/query_range", params=parameters(now)) for _ in range(10))):
            check(answer, "async")


asyncio.run(asynchronous()) if KIND == "async" else plain()
