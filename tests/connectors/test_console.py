"""The console: everybody masked, nobody lost, and never for a live home."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from connector_cases import SENDER, memberships, messages, ordinary_request

from activation.connectors.console import Console, ConsoleSet
from activation.connectors.registry import connector
from activation.errors import ConfigurationError
from activation.home import Home, World, open_home
from activation.types import State

FIELDS = json.dumps({"first_name": "Ann", "offer_text": "15 % off"})


def test_messages_are_masked() -> None:
    stream = io.StringIO()
    addresses = [f"person{number}@example.com" for number in range(6)]
    answer = Console(SENDER, stream).send(messages("console", [FIELDS, "{}", *[FIELDS] * 4], addresses))
    assert (answer.state, list(answer.rows)) == (State.ACCEPTED, [1])
    assert answer.rows[1].reason.startswith("missing_field_")
    head, *lines = stream.getvalue().splitlines()
    assert "weekly_reactivation 2026-W47 step 1: send 5, template weekly_reactivation" in head
    assert lines[0] == "  00000000  p***@*** with first_name, offer_text, unsubscribe_url"
    assert len(lines) == 5
    for private in (*addresses, "Ann", "15 %", "example.com"):
        assert private not in stream.getvalue()


def test_more_than_a_handful_is_counted() -> None:
    stream = io.StringIO()
    Console(SENDER, stream).send(messages("console", [FIELDS] * 9))
    assert stream.getvalue().splitlines()[-1] == "  … and 4 more"


def test_members_are_masked() -> None:
    stream = io.StringIO()
    request = memberships(["ann@example.com", None], ["+15550100123", None])
    answer = ConsoleSet(SENDER, stream).send(request)
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {1: "no_identifier"}
    assert stream.getvalue().splitlines() == [
        "console_set: nightly 2026-11-21 step 1: add 1, 120330",
        "  00000000  a***@***, +***, -",
    ]
    nobody = replace(request, rows=request.rows.slice(1))
    assert ConsoleSet(SENDER, stream).send(nobody).state is State.REFUSED


def test_it_writes_where_people_read_and_not_where_machines_do(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    connector(home, "console").send(ordinary_request("console"))
    said = capsys.readouterr()
    assert (said.out, "send 3" in said.err) == ("", True)


@pytest.mark.parametrize("name", ["console", "console_set"])
def test_a_live_home_has_no_console(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="rehearsal"):
        connector(open_home(tmp_path / "live", World.LIVE), name)
