"""Klaviyo: a set is a property, nobody is ever subscribed, and how far a job is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from connector_cases import SENDER, RawServer, connection_to, http_answer, memberships

from activation.connectors.klaviyo import Klaviyo
from activation.connectors.registry import connector
from activation.errors import DestinationDownError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.types import Answer, JobState, JobStatus, Operation, State, TooLargeError

RawServerMaker = Callable[[Any], RawServer]
QUEUED = http_answer(202, b'{"data": {"type": "profile-bulk-import-job", "id": "j1"}}')
PEOPLE = memberships(
    [" ann\"o'x@example.com ", None, "", "bob@example.com"], ["+15550100123", "+15550100124", None, None]
)
UNUSABLE = "unprocessable@example.com"


def send(server: RawServer, **changes: Any) -> Answer:
    return Klaviyo(connection_to("klaviyo", server.url), SENDER).send(replace(PEOPLE, **changes))


@pytest.mark.parametrize(("operation", "is_member"), [(Operation.ADD, True), (Operation.REMOVE, False)])
def test_a_set_is_a_property_of_imported_profiles(
    operation: Operation,
    is_member: bool,  # noqa: FBT001
    raw_server: RawServerMaker,
) -> None:
    server = raw_server(QUEUED)
    answer = send(server, operation=operation, audience="best 'customers' \"1\"")
    ((line, body),) = server.received
    assert line == "POST /api/profile-bulk-import-jobs HTTP/1.1"
    identifiers = (
        {"email": "ann\"o'x@example.com"},
        {"phone_number": "+15550100124"},
        {"email": "bob@example.com"},
    )
    properties = {"muster_best 'customers' \"1\"": is_member}
    profiles = [{"type": "profile", "attributes": {**each, "properties": properties}} for each in identifiers]
    job = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": profiles}}}
    assert json.loads(body) == {"data": job}
    assert (answer.state, answer.provider_id) == (State.ACCEPTED, "j1")
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {2: "no_identifier"}
    heads = {head.partition(": ")[0].lower(): head.partition(": ")[2] for head in server.heads[0]}
    assert heads["authorization"] == "Klaviyo-API-Key secret-token"
    assert heads["revision"] == "2026-07-15"
    assert (heads["content-type"], heads["accept"]) == ("application/vnd.api+json",) * 2


def refusal(*errors: tuple[str, str | None]) -> bytes:
    found = [
        {"code": code, "detail": "x", "source": {"pointer": pointer} if pointer else None}
        for code, pointer in errors
    ]
    return http_answer(400, json.dumps({"errors": found}).encode())


def test_a_pointer_names_the_row_behind_those_that_were_left_out(raw_server: RawServerMaker) -> None:
    pointer = "/data/attributes/profiles/data/2/attributes/email"
    answer = send(raw_server(refusal(("invalid", pointer))))
    assert answer.state is State.PLANNED
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {
        2: "no_identifier",
        3: "klaviyo_invalid",
    }


@pytest.mark.parametrize(
    ("answer", "state", "is_divisible"),
    [
        (refusal(("invalid", None)), State.REFUSED, True),
        (refusal(("invalid", "/data/attributes/profiles/data/99")), State.REFUSED, True),
        (refusal(("ann@example.com", None)), State.IN_DOUBT, False),
        (refusal(), State.IN_DOUBT, False),
        (http_answer(404, b""), State.PLANNED, False),
        (http_answer(202, b'{"data": {}}'), State.IN_DOUBT, False),
    ],
)
def test_what_an_answer_means(
    answer: bytes,
    state: State,
    is_divisible: bool,  # noqa: FBT001
    raw_server: RawServerMaker,
) -> None:
    found = send(raw_server(answer))
    assert (found.state, found.is_divisible, found.is_down) == (state, is_divisible, state is State.PLANNED)


def test_one_bad_address_costs_one(home: Home, sandbox: Sandbox) -> None:
    klaviyo = connector(home, "klaviyo")
    answer = klaviyo.send(memberships(["ann@example.com", "nobody", "bob@example.com"], [None] * 3))
    assert (answer.state, list(answer.rows), sandbox.accepted()) == (State.PLANNED, [1], [])


def test_a_full_request_is_within_the_limits_and_five_megabytes_are_not_passed(
    home: Home, sandbox: Sandbox
) -> None:
    people = Klaviyo.max_rows
    request = memberships([f"person{n}@example.com" for n in range(people)], ["+15550100123"] * people)
    klaviyo = connector(home, "klaviyo")
    for operation in (Operation.ADD, Operation.REMOVE):
        assert klaviyo.send(replace(request, operation=operation)).state is State.ACCEPTED
    found = [(line["audience"], line["operation"]) for line in sandbox.accepted()]
    assert found == [("120330", "add")] * people + [("120330", "remove")] * people
    wide = memberships([f"{'x' * 500}{n}@example.com" for n in range(people)], [None] * people)
    with pytest.raises(TooLargeError, match="klaviyo"):
        klaviyo.send(wide)
    assert sandbox.requests == 2


@pytest.mark.parametrize(
    ("emails", "expected"),
    [
        (["ann@example.com"], JobStatus(JobState.SUCCEEDED)),
        (["ann@example.com", UNUSABLE], JobStatus(JobState.PARTIAL, 1, "invalid")),
        ([UNUSABLE], JobStatus(JobState.FAILED, 1, "invalid")),
    ],
)
def test_a_job_is_under_way_before_it_says_how_it_ended(
    emails: list[str | None], expected: JobStatus, home: Home, sandbox: Sandbox
) -> None:
    del sandbox  # it only has to run
    klaviyo = connector(home, "klaviyo")
    assert isinstance(klaviyo, Klaviyo)
    job = klaviyo.send(memberships(emails, [None] * len(emails))).provider_id or ""
    assert [klaviyo.job_status(job) for _ in range(2)] == [JobStatus(JobState.PROCESSING), expected]
    with pytest.raises(DestinationDownError, match="status"):
        klaviyo.job_status("unknown")


def test_a_cancelled_job_failed_for_everybody(raw_server: RawServerMaker) -> None:
    job = {"data": {"attributes": {"status": "cancelled", "total_count": 4, "failed_count": None}}}
    server = raw_server(http_answer(200, json.dumps(job).encode()))
    klaviyo = Klaviyo(connection_to("klaviyo", server.url), SENDER)
    assert klaviyo.job_status("j1") == JobStatus(JobState.FAILED, 4, "cancelled")
