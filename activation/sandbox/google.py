"""Google's twin: the Data Manager API's ``audienceMembers:ingest`` and ``:remove``, and how far each request is.

A request is all or nothing when it comes in, and is worked on later: who asks for its status the first time hears
``PROCESSING``. The digest of ``unprocessable@example.com`` fails then, as one that Google cannot read does. ``/token``
sells access tokens for a service account's claims, without looking at their signature.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from activation.home import Home
from activation.sandbox.calls import Call, Response, Twin, encoded
from activation.sandbox.jobs import Jobs

MAX_MEMBERS = 10_000
MAX_IDENTIFIERS = 10
OPERATIONS = {"/v1/audienceMembers:ingest": "add", "/v1/audienceMembers:remove": "remove"}
COMMON = {"destinations", "audienceMembers", "validateOnly", "encoding", "encryptionInfo"}
FIELDS = {"add": COMMON | {"consent", "termsOfService"}, "remove": COMMON}
IDENTIFIERS = {"emailAddress", "phoneNumber"}
HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
SHA256_HEX_CHARACTERS = 64
UNPROCESSABLE = hashlib.sha256(b"unprocessable@example.com").hexdigest()
GRANTED = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
# By HTTP status: google.rpc.Code.
CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def error(status: int) -> Response:
    """Answer with an error that concerns the whole request."""
    code = CODES.get(status, "UNKNOWN")
    reason = {"INTERNAL": "INTERNAL_ERROR", "UNAVAILABLE": "INTERNAL_ERROR"}.get(code, code)
    return _error(status, code, [_info(reason)])


def twin(home: Home, name: str) -> Twin:
    """Make the twin for one sandbox."""
    return Twin(_Google(Jobs(home, name)).answer, error)


class _Google:
    """The requests that came in are jobs: their operation, how many members, and how many of them fail."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def answer(self, call: Call) -> Response:
        """Answer one request."""
        if (call.method, call.path) == ("POST", "/token"):
            return _token(call)
        if not call.bearer:
            return error(401)
        if (call.method, call.path) == ("GET", "/v1/requestStatus:retrieve"):
            return self._status(call.query.get("requestId", ""))
        operation = OPERATIONS.get(call.path)
        if operation is None or call.method != "POST":
            return error(404)
        body = call.json()
        found = list(_violations(body, operation))
        if found:
            return _error(400, "INVALID_ARGUMENT", [_info("INVALID_ARGUMENT"), _bad_request(found)])
        members = [each["userData"]["userIdentifiers"] for each in body["audienceMembers"]]
        audience = str(body["destinations"][0]["productDestinationId"])
        is_consented = body.get("consent") == GRANTED
        accepted = tuple(
            {
                "audience": audience,
                "operation": operation,
                "identifiers": {key: value for each in identifiers for key, value in each.items()},
                "is_consented": is_consented,
            }
            for identifiers in members
        )
        request_id = uuid.uuid4().hex
        failed = sum({"emailAddress": UNPROCESSABLE} in identifiers for identifiers in members)
        self._jobs.take(request_id, operation, len(members), failed)
        return replace(encoded(200, {"requestId": request_id}), accepted=accepted)

    def _status(self, request_id: str) -> Response:
        job = self._jobs.values(request_id)
        if job is None:
            return _error(400, "INVALID_ARGUMENT", [_info("INVALID_REQUEST_ID")])
        operation, members, failed = job
        status: dict[str, Any] = {"destination": {}, "requestStatus": "PROCESSING"}
        if not self._jobs.is_asked_first(request_id):
            kind, step = ("audienceMembersIngestionStatus", "userDataIngestionStatus")
            if operation == "remove":
                kind, step = ("audienceMembersRemovalStatus", "userDataRemovalStatus")
            # Protobuf's JSON writes 64-bit numbers as strings.
            status[kind] = {step: {"recordCount": str(members)}}
            status["requestStatus"] = "FAILED" if failed == members else "SUCCESS"
            if 0 < failed < members:
                status["requestStatus"] = "PARTIAL_SUCCESS"
            if failed:
                reason = "PROCESSING_ERROR_REASON_INVALID_FORMAT"
                status["errorInfo"] = {"errorCounts": [{"recordCount": str(failed), "reason": reason}]}
        return encoded(200, {"requestStatusPerDestination": [status]})


def _violations(body: dict[str, Any], operation: str) -> Iterator[tuple[str, str]]:
    """Yield field and reason of all that is wrong with a request."""
    for name in sorted(set(body) - FIELDS[operation]):
        yield name, "INVALID_ARGUMENT"
    destinations, members = body.get("destinations"), body.get("audienceMembers")
    if not isinstance(destinations, list) or len(destinations) != 1:
        yield "destinations", "REQUIRED_FIELD_MISSING"
    else:
        account = destinations[0].get("operatingAccount", {})
        if not account.get("accountId") or not account.get("accountType"):
            yield "destinations[0].operating_account", "REQUIRED_FIELD_MISSING"
        if not destinations[0].get("productDestinationId"):
            yield "destinations[0].product_destination_id", "REQUIRED_FIELD_MISSING"
    if body.get("encoding") not in {"HEX", "BASE64"}:
        yield "encoding", "REQUIRED_FIELD_MISSING"
    if not isinstance(members, list) or not members:
        yield "audience_members", "REQUIRED_FIELD_MISSING"
    elif len(members) > MAX_MEMBERS:
        yield "audience_members", "TOO_MANY_AUDIENCE_MEMBERS"
    else:
        for index, member in enumerate(members):
            field = f"audience_members.audience_members[{index}]"
            identifiers = (
                member.get("userData", {}).get("userIdentifiers") if isinstance(member, dict) else None
            )
            yield from ((field + path, reason) for path, reason in _identifier_violations(identifiers))


def _identifier_violations(identifiers: Any) -> Iterator[tuple[str, str]]:
    path = ".user_data.user_identifiers"
    if not isinstance(identifiers, list) or not identifiers:
        yield path, "NO_IDENTIFIERS_PROVIDED"
        return
    if len(identifiers) > MAX_IDENTIFIERS:
        yield path, "TOO_MANY_USER_IDENTIFIERS"
        return
    for each in identifiers:
        if not isinstance(each, dict) or len(each) != 1 or not set(each) <= IDENTIFIERS:
            yield path, "INVALID_ARGUMENT"
            continue
        (value,) = each.values()
        if not isinstance(value, str) or not HEX.fullmatch(value):
            yield path, "INVALID_HEX_ENCODING"
        elif len(value) != SHA256_HEX_CHARACTERS:
            yield "", "INVALID_SHA256_FORMAT"


def _token(call: Call) -> Response:
    form = call.form()
    is_claim = form.get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    if not is_claim or form.get("assertion", "").count(".") != 2:  # noqa: PLR2004 - head, claim and signature
        return encoded(400, {"error": "invalid_grant"})
    return encoded(200, {"access_token": uuid.uuid4().hex, "expires_in": 3599, "token_type": "Bearer"})


def _info(reason: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "datamanager.googleapis.com",
    }


def _bad_request(found: list[tuple[str, str]]) -> dict[str, Any]:
    violations = [{"field": field, "reason": reason} for field, reason in found]
    return {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}


def _error(status: int, code: str, details: list[dict[str, Any]]) -> Response:
    phrases = {each.value: each.phrase for each in HTTPStatus}
    message = (
        "There was a problem with the request."
        if status == HTTPStatus.BAD_REQUEST
        else phrases.get(status, "")
    )
    return encoded(
        status, {"error": {"code": status, "message": message, "status": code, "details": details}}
    )
