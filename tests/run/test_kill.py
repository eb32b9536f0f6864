"""kill -9 in the middle of delivery, ten times at random, then go on: nobody twice, nobody lost."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable

import pytest
from batch_home import WEDNESDAY, Home

from activation.connectors.registry import REGISTRY

# One home serves the module, so one process runs it.
pytestmark = pytest.mark.xdist_group("kill")

KILLS = 10
RUN = "killed"
# Messages and sets, to providers and into files.
CAMPAIGNS = ("vip_offer", "weekly_reactivation", "feedback_request", "nightly_ads_suppression", "esp_lists")


def test_ten_kills_in_the_middle_of_delivery_contact_nobody_twice_and_lose_nobody(
    make_home: Callable[..., Home],
) -> None:
    home = make_home("--households", "1200")
    dice = random.Random(20171122)
    for number in range(KILLS):
        before = _taken(home)
        start = ("run", *CAMPAIGNS, "--as-of", WEDNESDAY, "--run-id", RUN)
        command = ("resume", RUN) if number else start
        process = subprocess.Popen(
            home.command(*command), cwd=home.project, env=home.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        # Delivery has begun once somebody was accepted; then the blow falls within the next requests.
        deadline = time.monotonic() + 300
        while _taken(home) == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(dice.random() * 0.04)
        assert process.poll() is None, f"it came to its end before blow {number + 1}"
        process.send_signal(signal.SIGKILL)
        process.wait()
    home.muster("resume", RUN, expect=4 if _is_in_doubt(home) else 0)

    states = home.states(RUN)
    outboxes = "(select campaign from {outbox_messages} union all select campaign from {outbox_memberships})"
    planned = dict(home.rows(f"select campaign, count(*) from {outboxes} group by all", RUN))
    assert set(states) == set(planned) == set(CAMPAIGNS)
    for campaign, counts in states.items():
        assert set(counts) <= {"accepted", "in_doubt"}, counts
        assert sum(counts.values()) == planned[campaign]
    assert home.contacted_twice() == []
    taken = home.accepted() + home.dropped()
    members = [
        (row["destination"], row["audience"], str(row.get("identifiers") or row["customer_id"]))
        for row in taken
        if "operation" in row
    ]
    assert {destination for destination, _, _ in members} == {"meta", "google", "klaviyo"}
    assert len(members) == len(set(members))

    # A kill leaves at most the requests in doubt that were open: as many as the plan says.
    found = home.json("doubt")
    for destination, requests in Counter(row["destination"] for row in found).items():
        assert requests <= KILLS * REGISTRY[destination].throughput.most_open
    in_doubt = sum(counts.get("in_doubt", 0) for counts in states.values())
    assert in_doubt == sum(entry["people"] for entry in found)
    accepted = sum(counts.get("accepted", 0) for counts in states.values())
    assert accepted <= len(taken) <= accepted + in_doubt


def _taken(home: Home) -> int:
    """How much the sandbox has written down; reading it all each time would take more than the delivery does."""
    file = home.path / "sandbox" / "accepted.jsonl"
    return file.stat().st_size if file.exists() else 0


def _is_in_doubt(home: Home) -> bool:
    return any("in_doubt" in counts or "attempting" in counts for counts in home.states(RUN).values())
