"""What a flow run asks for: the schedule's clock in a live home, a given one in a rehearsal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client

from activation.clock import parse_moment
from activation.errors import ConfigurationError, HeldError
from activation.home import World, open_home
from activation.request import RunRequest, read_request
from flows.run_campaigns import requested

pytestmark = pytest.mark.xdist_group("flows")


def test_a_retried_flow_run_keeps_the_scheduled_moment_and_the_run_id(
    tmp_path: Path, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.exists()
    home = open_home(tmp_path / "home", create=World.LIVE)
    monkeypatch.setenv("MUSTER_HOME", str(home.path))
    asked: list[RunRequest] = []

    @flow(retries=1)
    def asks() -> None:
        asked.append(requested(["vip_offer"], None, None))
        assert len(asked) == 2, "the first attempt fails"

    state = asks(return_state=True)
    assert state.is_completed()
    with get_client(sync_client=True) as client:
        scheduled = client.read_flow_run(state.state_details.flow_run_id).expected_start_time
    assert scheduled is not None
    first, second = asked
    assert first == second == read_request(home, first.run_id)
    assert first.as_of == datetime.fromtimestamp(int(scheduled.timestamp()), UTC)
    assert first.run_id == f"{first.as_of:%Y%m%dT%H%M%SZ}-vip_offer"
    assert first.campaigns == ("vip_offer",)


def test_a_live_run_that_comes_too_late_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_HOME", str(open_home(tmp_path / "home", create=World.LIVE).path))
    with pytest.raises(HeldError, match="hours late"):
        requested(["vip_offer"], "2020-01-01T09:00", None)


def test_a_rehearsal_must_be_given_its_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = open_home(tmp_path / "home", create=World.REHEARSAL)
    monkeypatch.setenv("MUSTER_HOME", str(home.path))
    with pytest.raises(ConfigurationError, match="give as_of, as in 2017-11-22T14:00"):
        requested([], None, None)
    request = requested([], "2017-11-22T14:00", None)
    assert (request.as_of, request.run_id) == (parse_moment("2017-11-22T14:00"), "20171122T140000Z")
    assert read_request(home, request.run_id) == request
