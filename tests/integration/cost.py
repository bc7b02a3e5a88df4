"""What a query costs must not grow with what is stored: bench_node's cost check in its short form, or with LOGI_LONG=1 in its long one, on a node that merges at once."""
import os
import subprocess

TRIES = 2  # other work on the machine can make a query dear once; it does not do so twice in the same place


def costs_do_not_grow(binary, bench, node_of):
    size = "long" if os.environ.get("LOGI_LONG") == "1" else "short"
    told = ""
    for _ in range(TRIES):
        with node_of(binary, flags=["--storage.compaction_interval", "1s"]) as node:
            node.start()
            done = subprocess.run([bench, "--url", node.url, "--pid", str(node.process.pid), "--check-cost", size],
                                  capture_output=True, text=True, timeout=3600)
        told = done.stdout + done.stderr
        print(told, flush=True)
        if done.returncode == 0:
            return
    raise AssertionError(told)


def run(binary, results, node_of):
    name = "selective queries cost the same when ten times as much is stored, and label queries with many more streams"
    bench = os.path.join(os.path.dirname(binary), "bench_node")
    if os.path.exists(bench):
        results.run(name, costs_do_not_grow, binary, bench, node_of)
    else:
        results.skip(name, "builds with sanitizers have no bench_node")
