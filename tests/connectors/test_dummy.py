"""The dummies: each keeps the promise of its name, and what is scripted happens."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from connector_cases import messages, ordinary_request

from activation.clock import clock_of, parse_moment
from activation.connectors import LooksUp, Replays
from activation.connectors.dummy import DummyIdempotent, DummyLookup
from activation.connectors.registry import REGISTRY, connector
from activation.errors import ConfigurationError
from activation.home import Home
from activation.sandbox import Sandbox
from activation.types import Capability, Operation, Request, State

MESSENGERS = ("dummy_fire", "dummy_idempotent", "dummy_lookup")


def idempotent(home: Home) -> DummyIdempotent:
    made = connector(home, "dummy_idempotent")
    assert isinstance(made, DummyIdempotent)
    return made


def lookup(home: Home) -> DummyLookup:
    made = connector(home, "dummy_lookup")
    assert isinstance(made, DummyLookup)
    return made


def accepted_ids(sandbox: Sandbox) -> list[str]:
    return [line["message_id"] for line in sandbox.accepted()]


def test_each_declares_what_its_capability_needs(home: Home, sandbox: Sandbox) -> None:
    del sandbox
    for name in (*MESSENGERS, "dummy_set"):
        made = connector(home, name)
        assert isinstance(made, LooksUp) == (made.capability is Capability.LOOKUP)
        assert isinstance(made, Replays) == (made.capability is Capability.IDEMPOTENT)


@pytest.mark.parametrize("name", MESSENGERS)
def test_a_bad_address_costs_one_row(name: str, home: Home, sandbox: Sandbox) -> None:
    addresses = ["a@example.com", "refused@example.com", "c@example.com"]
    answer = connector(home, name).send(messages(name, ["{}"] * 3, addresses))
    assert answer.state is State.ACCEPTED
    assert {row: (verdict.state, verdict.reason) for row, verdict in answer.rows.items()} == {
        1: (State.REFUSED, "dummy_bad_address")
    }
    assert [line["address"] for line in sandbox.accepted()] == ["a@example.com", "c@example.com"]


def test_a_row_is_refused_by_script_where_others_have_no_address(home: Home, sandbox: Sandbox) -> None:
    request = messages("dummy_fire", ["{}"] * 3)
    rows = request.rows.to_pylist()
    rows[0]["address"] = None
    sandbox.script({"path_prefix": "/dummy_fire/", "fault": "refuse:1"})
    answer = connector(home, "dummy_fire").send(replace(request, rows=request.rows.from_pylist(rows)))
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {
        0: "missing_address",
        2: "dummy_scripted",
    }
    assert accepted_ids(sandbox) == [f"{1:032x}"]


def test_the_same_key_is_one_request_for_a_day(home: Home, sandbox: Sandbox) -> None:
    clock = clock_of(home)
    clock.step_to(parse_moment("2026-11-21"))
    request, dummy = ordinary_request("dummy_idempotent"), idempotent(home)
    sandbox.script({"path_prefix": "/dummy_idempotent/", "fault": "accept_then_drop"})
    assert dummy.send(request).state is State.IN_DOUBT
    first = dummy.send(request)
    assert (first.state, first) == (State.ACCEPTED, dummy.send(request))
    assert len(sandbox.accepted()) == request.people
    clock.step_to(clock.now() + timedelta(seconds=dummy.replay_seconds))
    assert dummy.send(request).provider_id != first.provider_id
    assert len(sandbox.accepted()) == 2 * request.people


def test_a_key_belongs_to_its_bytes(home: Home, sandbox: Sandbox) -> None:
    request, dummy = ordinary_request("dummy_idempotent"), idempotent(home)
    dummy.send(request)
    answer = dummy.send(replace(request, rows=request.rows.slice(0, 1)))
    assert (answer.state, answer.reason) == (State.REFUSED, "dummy_key_reused")
    assert len(sandbox.accepted()) == request.people


def test_a_lost_answer_is_found_and_a_lost_request_is_not(home: Home, sandbox: Sandbox) -> None:
    request, dummy = ordinary_request("dummy_lookup"), lookup(home)
    sandbox.script(
        {"path_prefix": "/dummy_lookup/v1/messages", "fault": "drop"},
        {"path_prefix": "/dummy_lookup/v1/messages", "fault": "accept_then_drop", "after": 1},
    )
    assert dummy.send(request).state is State.IN_DOUBT
    assert dummy.look_up(request).state is State.PLANNED
    assert dummy.send(request).state is State.IN_DOUBT
    found = dummy.look_up(request)
    assert found.state is State.ACCEPTED
    assert {verdict.provider_id for verdict in found.rows.values()} == {found.provider_id}


def test_only_some_are_found(home: Home, sandbox: Sandbox) -> None:
    del sandbox
    request, dummy = ordinary_request("dummy_lookup"), lookup(home)
    dummy.send(replace(request, rows=request.rows.slice(1, 1)))
    answer = dummy.look_up(request)
    assert (answer.state, list(answer.rows), answer.rows[1].state) == (State.PLANNED, [1], State.ACCEPTED)


def test_what_is_still_on_its_way_cannot_be_told(home: Home, sandbox: Sandbox) -> None:
    request, dummy = ordinary_request("dummy_lookup"), lookup(home)
    sandbox.script({"path_prefix": "/dummy_lookup/v1/messages", "fault": "late:0.4"})
    sender = threading.Thread(target=dummy.send, args=(request,))
    sender.start()
    give_up_at = time.monotonic() + 5
    while not sandbox.requests and time.monotonic() < give_up_at:
        time.sleep(0.01)
    time.sleep(0.05)
    other = lookup(home)
    assert other.look_up(request).state is State.IN_DOUBT
    sender.join()
    assert other.look_up(request).state is State.ACCEPTED


def test_a_look_up_that_fails_leaves_the_doubt(home: Home, sandbox: Sandbox) -> None:
    request, dummy = ordinary_request("dummy_lookup"), lookup(home)
    for fault in ("status:500", "status:401", "status:404", "retry_after:7", "garbage", "drop"):
        sandbox.script({"path_prefix": "/dummy_lookup/v1/messages/find", "fault": fault})
        assert dummy.look_up(request).state is State.IN_DOUBT
    assert sandbox.accepted() == []


def test_what_was_accepted_is_found_after_the_sandbox_restarts(home: Home) -> None:
    request = ordinary_request("dummy_lookup")
    with Sandbox(home):
        lookup(home).send(request)
    with Sandbox(home):
        assert lookup(home).look_up(request).state is State.ACCEPTED


def test_a_set_converges(home: Home, sandbox: Sandbox) -> None:
    request, dummy = ordinary_request("dummy_set"), connector(home, "dummy_set")

    def members() -> list[str]:
        url = f"{sandbox.url}/dummy_set/v1/sets/{request.audience}"
        reply = requests.get(url, headers={"Authorization": "Bearer x"}, timeout=5)
        return list(reply.json()["members"])

    for _ in range(2):
        dummy.send(request)
        assert members() == ["c0", "c1", "c2"]
    removal = replace(request, operation=Operation.REMOVE, rows=request.rows.slice(0, 2))
    dummy.send(removal)
    assert members() == ["c2"]


@pytest.mark.parametrize(("fault", "accepted"), [("die", 0), ("accept_then_die", 3)])
def test_a_process_is_killed_by_script(fault: str, accepted: int, home: Home, sandbox: Sandbox) -> None:
    sandbox.script({"path_prefix": "/dummy_fire/", "fault": fault})
    request, dummy = ordinary_request("dummy_fire"), connector(home, "dummy_fire")
    killed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "kill", lambda pid, number: killed.append((pid, number)))
        dummy.send(request)
    assert killed == [(os.getpid(), signal.SIGKILL)]
    assert len(sandbox.accepted()) == accepted


def test_a_share_of_requests_meets_a_fault(home: Home, sandbox: Sandbox) -> None:
    sandbox.script({"path_prefix": "/dummy_fire/", "fault": "status:500", "count": 1000, "share": 0.2})
    request, dummy = ordinary_request("dummy_fire"), connector(home, "dummy_fire")
    states = [dummy.send(request).state for _ in range(60)]
    assert 5 <= states.count(State.IN_DOUBT) <= 20


def test_a_script_is_read_when_the_sandbox_starts(home: Home) -> None:
    home.sandbox.mkdir()
    script = [{"path_prefix": "/dummy_fire/", "fault": "status:413"}]
    (home.sandbox / "faults.json").write_text(json.dumps(script))
    with Sandbox(home):
        answer = connector(home, "dummy_fire").send(ordinary_request("dummy_fire"))
    assert (answer.state, answer.reason, answer.is_divisible) == (State.REFUSED, "dummy_too_large", True)


@pytest.mark.parametrize("name", [*MESSENGERS, "dummy_set"])
def test_no_more_people_than_declared(name: str, home: Home, sandbox: Sandbox) -> None:
    request = ordinary_request(name)
    full = request.rows.take([0] * REGISTRY[name].max_rows)
    dummy = connector(home, name)
    assert dummy.send(replace(request, rows=full)).state is State.ACCEPTED
    with pytest.raises(ConfigurationError, match="at most"):
        dummy.send(replace(request, rows=request.rows.take([0] * (REGISTRY[name].max_rows + 1))))
    assert sandbox.requests == 1


def test_nobody_to_send_to_makes_no_request(home: Home, sandbox: Sandbox) -> None:
    request: Request = messages("dummy_fire", ["{}"])
    rows = [row | {"address": None} for row in request.rows.to_pylist()]
    empty = replace(request, rows=request.rows.from_pylist(rows, schema=request.rows.schema))
    assert connector(home, "dummy_fire").send(empty).reason == "nobody_can_be_sent_to"
    assert sandbox.requests == 0
