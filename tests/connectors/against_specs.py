"""Hold the bodies that our connectors send against the vendors' OpenAPI documents, which are not part of the project.

``python tests/connectors/against_specs.py --specs DIRECTORY`` looks there for ``tsg_mail_v3.json`` (SendGrid),
``twilio_api_v2010.json``, ``hs_tasks.json`` (HubSpot) and ``kl_bulk_import.json`` (Klaviyo). A field that a document
does not know counts as an error, also where the document would let it pass.
"""

from __future__ import annotations

import argparse
import json
import operator
import sys
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests" / "connectors")]

from connector_cases import SENDER, RawServer, connection_to, http_answer, ordinary_request  # noqa: E402
from jsonschema import Draft202012Validator, FormatChecker  # noqa: E402

from activation.connectors import LooksUp  # noqa: E402
from activation.connectors.registry import OVER_HTTP  # noqa: E402

# By connector: the vendor's document, and the path of the operation in it.
CHECKS = {
    "sendgrid": ("tsg_mail_v3.json", "/v3/mail/send"),
    "twilio": ("twilio_api_v2010.json", "/2010-04-01/Accounts/{AccountSid}/Messages.json"),
    "hubspot_tasks": ("hs_tasks.json", "/crm/v3/objects/tasks/batch/create"),
    "hubspot_tasks look_up": ("hs_tasks.json", "/crm/v3/objects/tasks/batch/read"),
    "klaviyo": ("kl_bulk_import.json", "/api/profile-bulk-import-jobs"),
}


def sent(check: str) -> tuple[str, Any]:
    """Let a connector make its request of a loopback server; give the path and the body."""
    name, _, method = check.partition(" ")
    server = RawServer(http_answer(200, b"{}"))
    try:
        destination = OVER_HTTP[name](connection_to(name, server.url), SENDER)
        request = ordinary_request(name)
        act: Callable[[Any], Any] = destination.send
        if method and isinstance(destination, LooksUp):
            act = destination.look_up
        act(request)
        line, body = server.received[-1]
    finally:
        server.close()
    path = line.split()[1]
    if name == "twilio":
        return path, {field: value for field, (value,) in parse_qs(body.decode()).items()}
    return path, json.loads(body)


def strict(schema: Any) -> Any:
    """Rewrite OpenAPI's dialect as JSON Schema, and refuse what an object's properties do not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: strict(value) for key, value in schema.items() if key not in {"example", "nullable", "default"}
    }
    if schema.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    if isinstance(found.get("properties"), dict) and "additionalProperties" not in found:
        found["additionalProperties"] = False
    return found


def problems(document: dict[str, Any], operation: str, body: Any) -> Iterator[str]:
    """Yield what a body's schema says against it; where, and which rule, without the value."""
    request = document["paths"][operation]["post"]["requestBody"]
    if "$ref" in request:
        request = reduce(operator.getitem, request["$ref"].split("/")[1:], document)
    content = request["content"]
    (media,) = content.values()
    components = {"schemas": strict(document.get("components", {}).get("schemas", {}))}
    schema = {**strict(media["schema"]), "components": components}
    for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(body):
        yield f"{error.json_path}: {error.validator} {error.validator_value}"[:200]


def is_path_of(path: str, operation: str) -> bool:
    """Say whether a request went to the operation's path."""
    pairs = zip(path.split("/"), operation.split("/"), strict=False)
    is_same = all(wanted.startswith("{") or got == wanted for got, wanted in pairs)
    return is_same and path.count("/") == operation.count("/")


def main() -> int:
    """Check all, say what was found, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", type=Path, required=True, help="a directory with the vendors' documents")
    directory: Path = parser.parse_args().specs
    failures = 0
    for check, (file, operation) in CHECKS.items():
        document = json.loads((directory / file).read_text())
        path, body = sent(check)
        found = list(problems(document, operation, body))
        if not is_path_of(path, operation):
            found.append("the path is another")
        failures += len(found)
        print(f"{check}: {'valid' if not found else '; '.join(found)} ({file}, {operation})")  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
