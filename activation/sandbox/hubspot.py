"""HubSpot's twin: batches of tasks and contacts, with results for each input by its trace id.

``muster_message_id`` of a task is unique, as it must be made. Every record id is there but those that begin with
``missing``; an e-mail that is none is refused. Where an input has no trace id, one bad input refuses the batch.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from activation.home import Home
from activation.sandbox.calls import Call, Response, Twin, encoded

BATCH = re.compile(r"/crm/v3/objects/(tasks|contacts)/batch/(create|read|update|upsert)")
MAX_INPUTS = 100
TRACE = "objectWriteTraceId"
ID_PROPERTY = "muster_message_id"
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MADE_AT = "2017-11-22T00:00:00.000Z"
CATEGORIES = {
    400: "VALIDATION_ERROR",
    401: "INVALID_AUTHENTICATION",
    403: "MISSING_SCOPES",
    404: "OBJECT_NOT_FOUND",
    429: "RATE_LIMITS",
}


def error(status: int) -> Response:
    """Answer with an error that concerns the whole request."""
    phrases = {each.value: each.phrase for each in HTTPStatus}
    return _error(status, CATEGORIES.get(status, "INTERNAL_ERROR"), phrases.get(status, ""))


def twin(home: Home, name: str) -> Twin:
    """Make the twin for one sandbox, with the tasks that it made before a restart."""
    del name
    return Twin(_Crm(home).answer, error)


class _Crm:
    """The tasks by our message id; safe for several threads."""

    def __init__(self, home: Home) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, str] = {}
        log = home.sandbox / "accepted.jsonl"
        for line in log.read_text().splitlines() if log.exists() else ():
            person = json.loads(line)
            if person["destination"] == "hubspot" and "task_id" in person:
                self._tasks[person["message_id"]] = person["task_id"]

    def answer(self, call: Call) -> Response:
        """Answer one request."""
        if not call.bearer:
            return error(401)
        batch = BATCH.fullmatch(call.path)
        act = ACTS.get((batch[1], batch[2])) if batch and call.method == "POST" else None
        if act is None:
            return error(404)
        body = call.json()
        inputs = body.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            return error(400)
        if len(inputs) > MAX_INPUTS:
            return _error(400, "VALIDATION_ERROR", f"The limit is {MAX_INPUTS} inputs.")
        if batch and batch[2] != "read" and not all(map(_is_written_in_strings, inputs)):
            return error(400)
        with self._lock:
            return act(self, body, inputs)

    def create_tasks(self, body: dict[str, Any], inputs: list[Any]) -> Response:
        """Make tasks, each once for its message id."""
        del body
        made: list[dict[str, Any]] = []
        accepted: list[dict[str, Any]] = []
        errors: list[tuple[dict[str, Any], str]] = []
        for each in inputs:
            properties = each["properties"]
            message_id = properties.get(ID_PROPERTY)
            problem = self._problem(each)
            if problem:
                errors.append((each, problem))
                continue
            task_id = str(int(uuid.uuid4()) % 10**11)
            made.append(_record(task_id, properties, each))
            address = each["associations"][0]["to"]["id"]
            about = {"message_id": message_id, "address": address, "task_id": task_id}
            accepted.append({"campaign": None, **about})
        if errors and not all(each.get(TRACE) for each in inputs):
            return _error(400, errors[0][1], "A task is not valid.")
        self._tasks |= {each["message_id"]: each["task_id"] for each in accepted if each["message_id"]}
        return replace(_batch(201, made, errors), accepted=tuple(accepted))

    def _problem(self, each: dict[str, Any]) -> str:
        properties, associations = each["properties"], each.get("associations")
        if not properties.get("hs_task_subject") or not properties.get("hs_timestamp"):
            return "VALIDATION_ERROR"
        if not isinstance(associations, list) or not associations:
            return "VALIDATION_ERROR"
        ids = [str(association.get("to", {}).get("id") or "") for association in associations]
        if not all(ids) or not all(association.get("types") for association in associations):
            return "VALIDATION_ERROR"
        if any(record.startswith("missing") for record in ids):
            return "OBJECT_NOT_FOUND"
        return "CONFLICT" if properties.get(ID_PROPERTY) in self._tasks else ""

    def read_tasks(self, body: dict[str, Any], inputs: list[Any]) -> Response:
        """Find tasks by our message ids."""
        if body.get("idProperty") != ID_PROPERTY:
            return error(400)
        wanted = [str(each.get("id")) for each in inputs]
        found = [
            _record(self._tasks[each], {ID_PROPERTY: each}, {}) for each in wanted if each in self._tasks
        ]
        missing = [each for each in wanted if each not in self._tasks]
        if not missing:
            return _batch(200, found, [])
        one = _standard_error("OBJECT_NOT_FOUND", {"ids": missing})
        return encoded(207, {**_envelope(found), "numErrors": 1, "errors": [one]})

    def write_contacts(self, body: dict[str, Any], inputs: list[Any]) -> Response:
        """Update contacts by record id, or make or update them by e-mail."""
        del body
        if len({(each.get("idProperty"), each.get("id")) for each in inputs}) < len(inputs):
            return _error(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input.")
        done: list[dict[str, Any]] = []
        accepted: list[dict[str, Any]] = []
        errors: list[tuple[dict[str, Any], str]] = []
        for each in inputs:
            record, by_email = str(each.get("id") or ""), each.get("idProperty") == "email"
            if by_email and not ADDRESS.fullmatch(record):
                errors.append((each, "VALIDATION_ERROR"))
                continue
            if not record or record.startswith("missing"):
                errors.append((each, "OBJECT_NOT_FOUND"))
                continue
            # Who is named by e-mail has a record id as everybody has.
            record_id = str(int(hashlib.sha256(record.encode()).hexdigest()[:9], 16)) if by_email else record
            done.append(_record(record_id, each["properties"], each))
            for name, value in each["properties"].items():
                change = {"audience": name, "operation": "add" if value else "remove"}
                identifiers = {"email" if by_email else "id": record}
                accepted.append({**change, "identifiers": identifiers})
        if errors and not all(each.get(TRACE) for each in inputs):
            return _error(400, errors[0][1], "A contact is not valid.")
        return replace(_batch(200, done, errors), accepted=tuple(accepted))


ACTS: dict[tuple[str, str], Callable[[_Crm, dict[str, Any], list[Any]], Response]] = {
    ("tasks", "create"): _Crm.create_tasks,
    ("tasks", "read"): _Crm.read_tasks,
    ("contacts", "update"): _Crm.write_contacts,
    ("contacts", "upsert"): _Crm.write_contacts,
}


def _is_written_in_strings(each: Any) -> bool:
    properties = each.get("properties") if isinstance(each, dict) else None
    return isinstance(properties, dict) and all(isinstance(value, str) for value in properties.values())


def _record(record: str, properties: dict[str, str], each: dict[str, Any]) -> dict[str, Any]:
    times = {"createdAt": MADE_AT, "updatedAt": MADE_AT}
    trace = {TRACE: each[TRACE]} if TRACE in each else {}
    return {
        "id": record,
        "properties": {**properties, "hs_object_id": record},
        "archived": False,
        **times,
        **trace,
    }


def _envelope(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"status": "COMPLETE", "results": results, "startedAt": MADE_AT, "completedAt": MADE_AT}


def _batch(status: int, results: list[dict[str, Any]], errors: list[tuple[dict[str, Any], str]]) -> Response:
    found = [_standard_error(category, {TRACE: [each[TRACE]]}) for each, category in errors]
    body = _envelope(results) | ({"numErrors": len(found), "errors": found} if found else {})
    response = encoded(207 if found else status, body)
    return replace(response, headers={**response.headers, "X-HubSpot-Correlation-Id": str(uuid.uuid4())})


def _standard_error(category: str, context: dict[str, list[str]]) -> dict[str, Any]:
    said = {"status": "error", "category": category, "message": "An input is not valid."}
    return {**said, "context": context, "errors": [], "links": {}}


def _error(status: int, category: str, message: str) -> Response:
    body = {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), "category": category}
    return encoded(status, body)
