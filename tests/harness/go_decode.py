"""Answers read as Loki's Go clients read them, which put JSON into typed structs: a number where a string belongs is an error there, and here.

Source: Loki's pkg/loghttp (query.go, entry.go, labels.go), pkg/logqlmodel/stats, prometheus/common/model.
"""
import json
import re

FLOATS = {"execTime", "queueTime", "querierExecTime"}
TRUTHS = {"usedBloomFilters", "queryReferencedStructuredMetadata", "queryUsedV2Engine"}
SAMPLE = re.compile(r"[-+]?(\d+(\.\d*)?([eE][-+]?\d+)?|Inf|inf)|NaN")


def a_string(value):
    assert isinstance(value, str), f"{value!r} is not a string"
    return value


def an_integer(value):
    assert isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63, f"{value!r} is not an int64"
    return value


def labels(value):
    assert isinstance(value, dict), f"{value!r} is not a label set"
    for name, text in value.items():
        a_string(name), a_string(text)
    return value


def nanoseconds(value):
    assert re.fullmatch(r"-?\d+", a_string(value)), f"{value!r} is not nanoseconds"
    return int(value)


def entry(value):
    """[ns, line] or [ns, line, metadata]; with categorized labels the third is {"structuredMetadata", "parsed"}."""
    assert isinstance(value, list) and len(value) in (2, 3), f"{value!r} is not an entry"
    nanoseconds(value[0]), a_string(value[1])
    if len(value) == 3:
        assert isinstance(value[2], dict) and set(value[2]) <= {"structuredMetadata", "parsed"}, value[2]
        for group in value[2].values():
            labels(group)
    return value


def sample(value):
    """[seconds, "number"]: model.SamplePair takes a number with at most three decimals and a quoted float."""
    assert isinstance(value, list) and len(value) == 2, f"{value!r} is not a sample"
    assert isinstance(value[0], (int, float)) and not isinstance(value[0], bool) and round(value[0], 3) == value[0], f"{value[0]!r} is not a time"
    assert SAMPLE.fullmatch(a_string(value[1])), f"{value[1]!r} is not a sample's value"
    return value


def statistics(value, name="stats"):
    if isinstance(value, dict):
        for key, inner in value.items():
            statistics(inner, a_string(key))
    elif name in TRUTHS:
        assert isinstance(value, bool), f"{name}: {value!r} is not a bool"
    elif name in FLOATS:
        assert isinstance(value, (int, float)) and not isinstance(value, bool), f"{name}: {value!r} is not a number"
    else:
        an_integer(value)


def query_response(text, kind):
    """The result of /query and /query_range, which must be of this kind."""
    answer = json.loads(text)
    assert answer["status"] == "success", answer
    data = answer["data"]
    assert data["resultType"] == kind, data["resultType"]
    for warning in answer.get("warnings", []):
        a_string(warning)
    result = data["result"]
    if kind == "scalar":
        sample(result)
    else:
        assert isinstance(result, list), f"{result!r} is not a list: null is not decoded as one by every client"
        for one in result:
            if kind == "streams":
                labels(one["stream"])
                assert one["values"], "a stream without entries"
                list(map(entry, one["values"]))
            else:
                labels(one["metric"])
                list(map(sample, one["values"] if kind == "matrix" else [one["value"]]))
    if "stats" in data:
        statistics(data["stats"])
    return result


def label_response(text):
    answer = json.loads(text)
    assert answer["status"] == "success" and set(answer) <= {"status", "data"}, answer
    return list(map(a_string, answer.get("data", [])))


def series_response(text):
    answer = json.loads(text)
    assert answer["status"] == "success", answer
    return list(map(labels, answer["data"]))


def stats_response(text):
    answer = json.loads(text)
    return {name: an_integer(answer[name]) for name in ("streams", "chunks", "bytes", "entries")}


def fields_response(text):
    answer = json.loads(text)
    for one in answer.get("fields") or []:
        assert a_string(one["label"]) and one["type"] in ("string", "int", "float", "boolean", "duration", "bytes"), one
        assert an_integer(one["cardinality"]) >= 0, one
        assert one.get("parsers") is None or set(one["parsers"]) <= {"json", "logfmt", "pattern", "regexp"}, one
    return {one["label"]: one for one in answer.get("fields") or []}
