"""The recorded answers of real Loki against the document: recorded.py DOCUMENT FOLDER. Each case's status, content type and body must be what the
document says of its path and method."""
import glob
import json
import os
import re
import sys
import urllib.parse

import jsonschema_rs
import yaml

# Cases whose request the document does not describe, on purpose.
UNDESCRIBED = {"misc-01-not-found": "an unknown path", "misc-02-method": "a method that the path does not have", "push-37-get": "a method that the path does not have"}


def operation_of(document, method, target):
    path = urllib.parse.urlsplit(target).path
    for template, item in document["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in item:
            return item[method.lower()]
    return None


def follow(document, node):
    while isinstance(node, dict) and "$ref" in node:
        name = node["$ref"]
        node = document
        for part in name[2:].split("/"):
            node = node[part]
    return node


def filled(text):
    """Placeholders of times and names, as the runner of the cases puts them in."""
    text = re.sub(r"\$\{now[^}]*:ns\}", "1767225600000000000", text)
    text = re.sub(r"\$\{now[^}]*:rfc3339\}", "2026-01-01T00:00:00Z", text)
    text = re.sub(r"\$\{now[^}]*\}", "1767225600", text)
    return text.replace("${run}", "r1")


def with_stats(value, stats):
    """The cases leave statistics out, all but one."""
    if isinstance(value, dict):
        return {k: stats if k == "stats" and v == {} else with_stats(v, stats) for k, v in value.items()}
    return [with_stats(v, stats) for v in value] if isinstance(value, list) else value


def faults(document, case, stats):
    request, response = case["request"], case["response"]
    operation = operation_of(document, request["method"], filled(request["path"]))
    if operation is None:
        return "no such operation"
    status = response["status"]
    told = follow(document, operation["responses"].get(str(status)))
    if told is None and not (status == 456 and "260" in operation["responses"]):  # block_ingestion_status_code of that tenant
        return f"status {status} is not documented"
    media = (response.get("content_type") or "").split(";")[0].strip()
    if told is None or not media:
        return None
    content = told.get("content", {})
    if media not in content:
        return f"{media} is not documented for {status}: {list(content)}"
    if media != "application/json" or response.get("match") in ("regex", "status"):
        return None
    schema = {**content[media]["schema"], "components": document["components"]}
    errors = [str(error) for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(with_stats(json.loads(filled(response["body"])), stats))]
    return "; ".join(errors)[:600] or None


def main():
    document = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
    cases = [json.load(open(name, encoding="utf-8")) for name in sorted(glob.glob(os.path.join(sys.argv[2], "*.json")))]
    stats = next(json.loads(case["response"]["body"])["data"]["stats"] for case in cases if case["name"] == "range-27-stats")
    wrong = [(case["name"], fault) for case in cases if case["name"] not in UNDESCRIBED and (fault := faults(document, case, stats))]
    for name, fault in wrong:
        print(f"{name}: {fault}")
    print(f"{len(cases) - len(wrong)} fit, {len(wrong)} do not")
    return 1 if wrong or len(cases) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
