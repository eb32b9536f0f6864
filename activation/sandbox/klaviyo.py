"""Klaviyo's twin: bulk import jobs, how far each is, and what failed in it.

A job that is asked for the first time is still ``processing``. The profile of ``unprocessable@example.com`` fails in
it; a text that is no address at all refuses the whole request when it comes in.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from activation.home import Home
from activation.sandbox.calls import Call, Response, Twin, encoded
from activation.sandbox.jobs import Jobs

JOBS = "/api/profile-bulk-import-jobs"
JOB = re.compile(rf"{JOBS}/([0-9a-f]{{32}})(/import-errors)?")
MAX_PROFILES = 10_000
MAX_BYTES = 5_000_000
PREFIX = "muster_"
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
UNPROCESSABLE = "unprocessable@example.com"
CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "permission_denied",
    404: "not_found",
    413: "request_too_large",
    429: "throttled",
}
MADE_AT = "2017-11-22T00:00:00+00:00"


def error(status: int) -> Response:
    """Answer with an error that concerns the whole request."""
    return _errors(status, [(CODES.get(status, "error"), "/data")])


def twin(home: Home, name: str) -> Twin:
    """Make the twin for one sandbox."""
    return Twin(_Klaviyo(Jobs(home, name)).answer, error)


class _Klaviyo:
    """The jobs that came in: how many profiles, and how many of them fail."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def answer(self, call: Call) -> Response:
        """Answer one request."""
        scheme, _, key = call.headers.get("Authorization", "").partition(" ")
        if scheme != "Klaviyo-API-Key" or not key:
            return error(401)
        if not call.headers.get("revision"):
            return error(400)
        job = JOB.fullmatch(call.path)
        if call.method == "GET" and job is not None:
            return self._import_errors(job[1]) if job[2] else self._job(job[1])
        return self._import(call) if (call.method, call.path) == ("POST", JOBS) else error(404)

    def _import(self, call: Call) -> Response:
        if len(call.body) > MAX_BYTES:
            return error(413)
        data = call.json().get("data", {})
        profiles = data.get("attributes", {}).get("profiles", {}).get("data")
        is_job = data.get("type") == "profile-bulk-import-job"
        if not is_job or not isinstance(profiles, list) or not 0 < len(profiles) <= MAX_PROFILES:
            return error(400)
        found = list(_violations(profiles))
        return _errors(400, found) if found else self._start(profiles)

    def _start(self, profiles: list[dict[str, Any]]) -> Response:
        attributes = [profile["attributes"] for profile in profiles]
        accepted = tuple(
            {
                "audience": name.removeprefix(PREFIX),
                "operation": "add" if value else "remove",
                "identifiers": {key: each[key] for key in ("email", "phone_number") if key in each},
            }
            for each in attributes
            for name, value in each.get("properties", {}).items()
            if name.startswith(PREFIX)
        )
        job_id = uuid.uuid4().hex
        failed = sum(each.get("email") == UNPROCESSABLE for each in attributes)
        self._jobs.take(job_id, len(profiles), failed)
        counts = {"total_count": len(profiles), "completed_count": 0, "failed_count": 0}
        return replace(_job(202, job_id, "queued", counts), accepted=accepted)

    def _job(self, job_id: str) -> Response:
        counts = self._jobs.values(job_id)
        if counts is None:
            return error(404)
        total, failed = counts
        if self._jobs.is_asked_first(job_id):
            return _job(
                200, job_id, "processing", {"total_count": total, "completed_count": 0, "failed_count": 0}
            )
        done = {"total_count": total, "completed_count": total - failed, "failed_count": failed}
        return _job(200, job_id, "complete", done)

    def _import_errors(self, job_id: str) -> Response:
        _, failed = self._jobs.values(job_id) or (0, 0)
        attributes = {"code": "invalid", "title": "Invalid input.", "detail": "Invalid email address"}
        one = {"type": "import-error", "id": uuid.uuid4().hex, "attributes": attributes}
        return encoded(200, {"data": [one] * failed})


def _violations(profiles: list[Any]) -> Iterator[tuple[str, str]]:
    for index, profile in enumerate(profiles):
        pointer = f"/data/attributes/profiles/data/{index}"
        attributes = profile.get("attributes") if isinstance(profile, dict) else None
        if not isinstance(attributes, dict) or profile.get("type") != "profile":
            yield "invalid", pointer
        elif not any(attributes.get(name) for name in ("email", "phone_number", "external_id")):
            yield "invalid", f"{pointer}/attributes"
        elif not ADDRESS.fullmatch(attributes.get("email", "a@example.com")):
            yield "invalid", f"{pointer}/attributes/email"
        elif not NUMBER.fullmatch(attributes.get("phone_number", "+15550100123")):
            yield "invalid", f"{pointer}/attributes/phone_number"


def _job(status: int, job_id: str, state: str, counts: dict[str, int]) -> Response:
    attributes = {"status": state, "created_at": MADE_AT, **counts}
    links = {"self": f"https://a.klaviyo.com{JOBS}/{job_id}"}
    job = {"type": "profile-bulk-import-job", "id": job_id, "attributes": attributes, "links": links}
    return encoded(status, {"data": job})


def _errors(status: int, found: list[tuple[str, str]]) -> Response:
    phrases = {each.value: each.phrase for each in HTTPStatus}
    errors = [
        {
            "id": uuid.uuid4().hex,
            "status": status,
            "code": code,
            "title": phrases.get(status, ""),
            "detail": "Invalid input.",
            "source": {"pointer": pointer},
        }
        for code, pointer in found
    ]
    return encoded(status, {"errors": errors})
