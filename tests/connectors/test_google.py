"""Google: hashed people with their consents, whose row is to blame, and how far a job is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from connector_cases import SENDER, RawServer, connection_to, http_answer, memberships

from activation.connectors.google import Google
from activation.connectors.hashing import google_email, google_phone
from activation.connectors.registry import connector
from activation.errors import ConfigurationError, DestinationDownError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.types import Answer, JobState, JobStatus, Operation, State

RawServerMaker = Callable[[Any], RawServer]
ACCEPTED = http_answer(200, b'{"requestId": "r1"}')
PEOPLE = memberships(
    ["A.n.n+x@Gmail.com", None, "", "ann@example.com"], ["+1 (800) 555-0100", "+15550100123", None, "no"]
)
MEMBER = "audience_members.audience_members[{}].user_data.user_identifiers"
UNUSABLE = "unprocessable@example.com"


def refusal(reason: str, *violations: tuple[str, str], status: int = 400) -> bytes:
    """Refuse as Google does."""
    details: list[dict[str, Any]] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    if violations:
        found = [{"field": field, "description": "x", "reason": why} for field, why in violations]
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": found})
    error = {
        "code": status,
        "message": "There was a problem.",
        "status": "INVALID_ARGUMENT",
        "details": details,
    }
    return http_answer(status, json.dumps({"error": error}).encode())


def send(server: RawServer, **changes: Any) -> Answer:
    connection = replace(connection_to("google", server.url), login_account="99")
    return Google(connection, SENDER).send(replace(PEOPLE, **changes))


def test_who_enters_is_hashed_and_comes_with_both_consents(raw_server: RawServerMaker) -> None:
    server = raw_server(ACCEPTED)
    answer = send(server)
    ((line, body),) = server.received
    assert line == "POST /v1/audienceMembers:ingest HTTP/1.1"
    assert json.loads(body) == {
        "destinations": [
            {
                "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "AC0123"},
                "loginAccount": {"accountType": "GOOGLE_ADS", "accountId": "99"},
                "productDestinationId": "120330",
            }
        ],
        "encoding": "HEX",
        "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        "audienceMembers": [
            {"userData": {"userIdentifiers": identifiers}}
            for identifiers in (
                [
                    {"emailAddress": google_email("ann@gmail.com")},
                    {"phoneNumber": google_phone("18005550100")},
                ],
                [{"phoneNumber": google_phone("15550100123")}],
                [{"emailAddress": google_email("ann@example.com")}],
            )
        ],
    }
    assert (answer.state, answer.provider_id) == (State.ACCEPTED, "r1")
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {2: "no_identifier"}


def test_who_leaves_needs_no_consent(raw_server: RawServerMaker) -> None:
    server = raw_server(ACCEPTED)
    send(server, operation=Operation.REMOVE)
    ((line, body),) = server.received
    assert line == "POST /v1/audienceMembers:remove HTTP/1.1"
    assert set(json.loads(body)) == {"destinations", "encoding", "audienceMembers"}


def test_without_an_account_nothing_is_sent(raw_server: RawServerMaker) -> None:
    server = raw_server(ACCEPTED)
    with pytest.raises(ConfigurationError, match="MUSTER_GOOGLE_ACCOUNT"):
        Google(replace(connection_to("google", server.url), username=None), SENDER).send(PEOPLE)
    assert server.received == []


def test_a_violation_names_the_row_behind_those_that_were_left_out(raw_server: RawServerMaker) -> None:
    answer = send(raw_server(refusal("INVALID_ARGUMENT", (MEMBER.format(2), "INVALID_HEX_ENCODING"))))
    assert (answer.state, answer.reason) == (State.PLANNED, "google_INVALID_ARGUMENT_others")
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {
        2: "no_identifier",
        3: "google_INVALID_HEX_ENCODING",
    }


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (refusal("INVALID_ARGUMENT"), State.REFUSED, "google_INVALID_ARGUMENT"),
        (refusal("X", (MEMBER.format(9999), "INVALID_FORMAT")), State.REFUSED, "google_INVALID_FORMAT"),
        (refusal("NOT_ALLOWLISTED"), State.PLANNED, "google_NOT_ALLOWLISTED"),
        (
            refusal("X", ("destinations[0]", "INVALID_USER_LIST_ID")),
            State.PLANNED,
            "google_INVALID_USER_LIST_ID",
        ),
        (refusal("X", status=404), State.PLANNED, "google_INVALID_ARGUMENT"),
        (
            http_answer(400, b'{"error": {"status": "ann@example.com"}}'),
            State.IN_DOUBT,
            "http_400_unreadable",
        ),
        (http_answer(200, b'{"requestId": ""}'), State.IN_DOUBT, "http_200_unreadable"),
    ],
)
def test_what_an_answer_means(answer: bytes, state: State, reason: str, raw_server: RawServerMaker) -> None:
    found = send(raw_server(answer))
    assert (found.state, found.reason) == (state, reason)
    # What concerns everybody is put right by a person; of what does not say whom it concerns, halves may be tried.
    assert (found.is_down, found.is_divisible) == (state is State.PLANNED, state is State.REFUSED)


def test_a_rate_limit_by_code_gives_the_request_back(raw_server: RawServerMaker) -> None:
    answer = send(
        raw_server(http_answer(400, b'{"error": {"status": "RESOURCE_EXHAUSTED"}}', "Retry-After: 7"))
    )
    assert (answer.state, answer.retry_after, answer.is_down) == (State.PLANNED, 7.0, False)


def test_ten_thousand_people_fit_and_the_twin_knows_their_consents(home: Home, sandbox: Sandbox) -> None:
    people = Google.max_rows
    request = memberships([f"person{n}@example.com" for n in range(people)], ["+15550100123"] * people)
    for operation in (Operation.ADD, Operation.REMOVE):
        assert connector(home, "google").send(replace(request, operation=operation)).state is State.ACCEPTED
    found = {(line["audience"], line["operation"], line["is_consented"]) for line in sandbox.accepted()}
    assert found == {("120330", "add", True), ("120330", "remove", False)}
    assert len(sandbox.accepted()) == 2 * people


@pytest.mark.parametrize(
    ("emails", "expected"),
    [
        (["ann@example.com"], JobStatus(JobState.SUCCEEDED)),
        (
            ["ann@example.com", UNUSABLE],
            JobStatus(JobState.PARTIAL, 1, "PROCESSING_ERROR_REASON_INVALID_FORMAT"),
        ),
        ([UNUSABLE], JobStatus(JobState.FAILED, 1, "PROCESSING_ERROR_REASON_INVALID_FORMAT")),
    ],
)
def test_a_job_is_under_way_before_it_says_how_it_ended(
    emails: list[str | None], expected: JobStatus, home: Home, sandbox: Sandbox
) -> None:
    del sandbox  # it only has to run
    google = Google(connector(home, "google")._connection, SENDER)  # type: ignore[attr-defined]
    job = google.send(memberships(emails, [None] * len(emails))).provider_id or ""
    assert [google.job_status(job) for _ in range(3)] == [JobStatus(JobState.PROCESSING), expected, expected]
    with pytest.raises(DestinationDownError, match="status"):
        google.job_status("unknown")


@pytest.mark.parametrize(
    "answer", [b"[]", b"{}", b'{"requestStatusPerDestination": [{"requestStatus": "ODD"}]}']
)
def test_a_status_that_is_none_is_an_error(answer: bytes, raw_server: RawServerMaker) -> None:
    google = Google(connection_to("google", raw_server(http_answer(200, answer)).url), SENDER)
    with pytest.raises(DestinationDownError, match="ask later"):
        google.job_status("r1")
