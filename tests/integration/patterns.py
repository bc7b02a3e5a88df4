"""Patterns over HTTP: counts that add up for any range and step, in memory, in segments, with templates kept and without, after deletes, restarts and for several
tenants; and each pattern as a line filter accepts the lines that it counts."""
import collections
import glob
import json
import os
import random
import time

from delete import S, ask, call, count, push, wait_processed

VERBS = ["opened", "closed", "lost", "found", "renamed"]
LEVELS = ["info", "warn", "error"]


def line_of(rng, app, i):
    if app == "java":
        return f"2026-11-21 10:{i % 60:02}:00,{i % 1000:03} INFO  [http-{i % 9}] com.shop.Order - order {i} {rng.choice(VERBS)} by user{i}"
    if app == "logfmt":
        return f'ts={i} level={rng.choice(LEVELS)} msg="session {rng.choice(VERBS)}" user=u{rng.randrange(1000)} took={i}ms'
    if app == "json":
        return json.dumps({"ts": i, "level": rng.choice(LEVELS), "msg": "cart " + rng.choice(VERBS), "items": [1, i], "url": f"/a/{i}?x=<y>"})
    if app == "odd":
        return rng.choice(["", " ", f"{i}", "<_>", "a <b> c", "tab\there", "two\nlines", "ümlaut 日本", "`tick`", "|>", '"', "x" * 5000, "=="]) + ("" if i % 2 else " end")
    return f'10.0.0.{i % 250} - - [21/Nov/2026:10:00:{i % 60:02} +0000] "{rng.choice(["GET", "PUT"])} /items/{i} HTTP/1.1" 200 {i} "-" "curl/7.88.1"'


def fill(node, tenant, seed):
    """Entries by app: pushed out of order, some twice, with flushes between, the last in memory only."""
    rng = random.Random(seed)
    at = (int(time.time()) - 1800) * S
    entries = collections.defaultdict(dict)
    for part in range(5):
        for app in ("java", "logfmt", "json", "odd", "nginx"):
            batch = []
            for _ in range(300):
                ts = at + rng.randrange(1200) * S + rng.randrange(S)
                line = line_of(rng, app, rng.randrange(10**6))
                entries[app][(ts, line)] = True
                batch.append((ts, line))
            again = rng.sample(sorted(entries[app]), 30)
            push(node, {"app": app, "service_name": app}, batch + again, tenant)
        if part < 4:
            assert call(node, "POST", "/flush")[0] == 204
    return at, {app: sorted(of) for app, of in entries.items()}


def ask_patterns(node, query, start, end, step, tenant=None):
    status, text, _ = call(node, "GET", "/loki/api/v1/patterns", tenant, query=query, start=start, end=end, step=step)
    assert status == 200, (status, text)
    return json.loads(text)["data"]


def check_counts(node, at, entries, query, apps, tenant=None, first=0, last=1300 * S + 7, step=10):
    found = ask_patterns(node, query, at + first, at + last, f"{step}s", tenant)
    want = collections.Counter()
    for app in apps:
        for ts, _ in entries[app]:
            if at + first <= ts <= at + last:
                want[ts // S // step * step] += 1
    got = collections.Counter()
    for one in found:
        assert one["samples"] == sorted(one["samples"]) and all(n > 0 for _, n in one["samples"]), one
        for bucket, n in one["samples"]:
            got[bucket] += n
    assert got == want, (query, sum(got.values()), sum(want.values()), (want - got).most_common(3), (got - want).most_common(3))
    return found


def counts_add_up(node, at, entries, tenant):
    for step in (10, 60, 7, 3600):
        check_counts(node, at, entries, '{app=~".+"}', entries, tenant, step=step)
    for first, last in ((123456789, 600 * S + 1), (S - 1, S), (5 * S, 5 * S + 1), (700 * S, 1100 * S + 999999999)):
        check_counts(node, at, entries, '{app=~"json|logfmt"}', ("json", "logfmt"), tenant, first, last)


def kept_is_waited_for(node, at, entries, tenant):
    """Until all segments have their templates, which the queries ask for; the counts hold all the while."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        check_counts(node, at, entries, '{app=~".+"}', entries, tenant)
        ask_patterns(node, '{app=~".+"}', at, at + 1300 * S, "10s", "two")  # some segments have lines of this tenant only
        segments, files = glob.glob(node.data + "/days/*/*.seg"), glob.glob(node.data + "/days/*/*.pat")
        if segments and len(files) >= len(segments):
            return
        time.sleep(0.1)
    raise AssertionError(f"{len(files)} of {len(segments)} segments have templates")


def patterns_are_few_and_useful(node, at, entries, tenant):
    found = check_counts(node, at, entries, '{app=~"logfmt|json|java|nginx"}', ("logfmt", "json", "java", "nginx"), tenant)
    texts = {one["pattern"] for one in found}
    assert len(texts) < 60, len(texts)
    assert any(t.startswith("ts=<_> level=info msg=\"session ") and t.endswith("user=<_> took=<_>") for t in texts), texts
    assert any(t.startswith('<_> - - [<_> <_>] "') and 'HTTP/1.1" <_> <_> "-" "' in t for t in texts), texts
    assert {one["level"] for one in found} >= {"info", "warn", "error"}, texts


def a_pattern_as_a_filter_accepts_the_lines_that_it_counts(node, at, entries, tenant):
    for app in entries:
        by_level = collections.Counter()
        for one in check_counts(node, at, entries, f'{{app="{app}"}}', (app,), tenant):
            total = sum(n for _, n in one["samples"])
            query = f'sum(count_over_time({{app="{app}"}} | detected_level="{one["level"]}" |> {json.dumps(one["pattern"])} [1h]))'
            filtered = count(node, query, at + 1800 * S, tenant)
            assert filtered >= total, (one["pattern"], filtered, total)
            by_level[one["level"]] += total
        for level, total in by_level.items():
            assert count(node, f'sum(count_over_time({{app="{app}"}} | detected_level="{level}" [1h]))', at + 1800 * S, tenant) == total


def deleted_lines_are_not_counted(node, at, entries, tenant):
    entries["logfmt"] = [e for e in entries["logfmt"] if "session lost" not in e[1]]
    request = ask(node, '{app="logfmt"} |= "session lost"', at // S - 1, at // S + 1300, tenant)
    found = check_counts(node, at, entries, '{app=~".+"}', entries, tenant)
    assert not any("lost" in one["pattern"] for one in found if "session" in one["pattern"]), found
    wait_processed(node, [request], tenant)
    check_counts(node, at, entries, '{app=~".+"}', entries, tenant)
    kept_is_waited_for(node, at, entries, tenant)


def damaged_and_missing_files_are_made_again(node, at, entries, tenant):
    assert node.stop() == 0
    files = sorted(glob.glob(node.data + "/days/*/*.pat"))
    assert files, "templates were kept"
    os.unlink(files[0])
    for path in files[1:]:
        with open(path, "r+b") as file:
            file.seek(os.path.getsize(path) // 2)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 1]))
    node.start()
    counts_add_up(node, at, entries, tenant)
    kept_is_waited_for(node, at, entries, tenant)


def tenants_are_united_when_asked_together(node, at, entries, others):
    for who, apps in (("one", entries), ("two", others[1])):
        check_counts(node, at if who == "one" else others[0], apps, '{app=~".+"}', apps, who)
    found = ask_patterns(node, '{app=~".+"}', at - 60 * S, others[0] + 1300 * S, "10s", "one|two")
    got = sum(n for one in found for _, n in one["samples"])
    assert got == sum(len(of) for part in (entries, others[1]) for of in part.values()), got
    assert ask_patterns(node, '{app=~".+"}', at, at + 1300 * S, "10s", "three") == []


def metrics_tell_of_templates(node):
    text = call(node, "GET", "/metrics")[1]
    values = {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if line.startswith("logi_pattern_")}
    assert values["logi_pattern_templates"] > 0 and values["logi_pattern_evictions_total"] == 0, values


def switched_off_there_are_none(binary, Node):
    with Node(binary, flags=["--pattern_ingester.enabled=false"]) as node:
        node.start()
        status, text, _ = call(node, "GET", "/loki/api/v1/patterns", query='{app="a"}')
        assert (status, text) == (404, ""), (status, text)
        assert json.loads(call(node, "GET", "/loki/api/v1/drilldown-limits")[1])["pattern_ingester_enabled"] is False


def run(binary, results, Node):
    results.run("patterns: switched off there are none", switched_off_there_are_none, binary, Node)
    with Node(binary, flags=["--multi_tenant_queries_enabled=true", "--storage.delete_delay=0s", "--storage.compaction_interval=2s"]) as node:
        if not results.run("patterns: the node starts", node.start):
            return
        at, entries = fill(node, "one", 1)
        others = fill(node, "two", 2)
        for test in (counts_add_up, kept_is_waited_for, counts_add_up, patterns_are_few_and_useful, a_pattern_as_a_filter_accepts_the_lines_that_it_counts,
                     damaged_and_missing_files_are_made_again, deleted_lines_are_not_counted):
            results.run("patterns: " + test.__name__.replace("_", " "), test, node, at, entries, "one")
        results.run("patterns: tenants are united when asked together", tenants_are_united_when_asked_together, node, at, entries, others)
        results.run("patterns: metrics tell of templates", metrics_tell_of_templates, node)
