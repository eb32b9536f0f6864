"""What a plan shows of messages, whom it draws for a spot check, and what it says that sending takes."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from log_fixtures import excluded, write_run

from activation.connectors.registry import REGISTRY
from activation.errors import ConfigurationError
from activation.plans.estimate import COSTS, estimate_line, estimates
from activation.plans.masking import masked_address
from activation.plans.preview import preview_lines, previews
from activation.plans.spot_check import spot_check, spot_check_lines
from activation.types import Content

CONTENTS = {
    "weekly": Content(
        template="weekly",
        version="v1",
        channel="email",
        parts={
            "subject": "For {{ first_name }}",
            "text": "{{ offer_text }}, {{ first_name }}\n{{ unsubscribe_url }}\n",
            "html": "<p>{{ offer_text }}</p>",
        },
        placeholders=frozenset({"first_name", "offer_text", "unsubscribe_url"}),
    )
}
MESSAGES = [
    {"template": "weekly", "customer_id": f"c{number}", "message_id": f"m{number}"} for number in range(9)
]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ann.lee@mail.example.com", "a***@m***.com"),
        ("+15550100123", "+1555***0123"),
        ("+4915550", "***"),
        ("12 Hill Street, 77002 Houston", "***"),
        ("ExponentPushToken[abcdefghijkl]", "***"),
        (None, ""),
    ],
)
def test_an_address_is_shown_so_that_nobody_can_write_to_it(address: str | None, shown: str) -> None:
    assert masked_address(address) == shown


def test_a_preview_shows_the_offer_and_hides_the_person(tmp_path: Path) -> None:
    found = previews(write_run(tmp_path, messages=MESSAGES), CONTENTS, "r1", 2)
    first, second = found["weekly"]
    assert (first.address, first.filled) == ("a***@m***.com", ("first_name", "offer_text"))
    told = "\n".join(preview_lines(first) + preview_lines(second))
    assert "10 % off" in told
    assert "[first_name]" in told
    assert "Ann" not in told
    assert "ann.lee" not in told


def test_a_preview_of_a_set_names_no_identifier(tmp_path: Path) -> None:
    found = previews(write_run(tmp_path, changes=[{}]), CONTENTS, "r1", 2)
    assert preview_lines(found["ads"][0]) == ["add: 120, to a***@m***.com, +1555***0123"]


def test_an_empty_field_is_told_as_empty(tmp_path: Path) -> None:
    message = MESSAGES[0] | {"fields": json.dumps({"first_name": None, "offer_text": "x"})}
    (shown,) = previews(write_run(tmp_path, messages=[message]), CONTENTS, "r1", 2)["weekly"]
    assert (shown.filled, shown.empty) == (("offer_text",), ("first_name",))
    assert "[first_name: empty]" in shown.parts["text"]


def test_a_spot_check_draws_the_same_people_for_each_verdict_and_reason(tmp_path: Path) -> None:
    log = [{"customer_id": f"s{number}"} for number in range(50)]
    log += [excluded(f"n{number}", "no_consent,unreachable") for number in range(50)]
    log += [excluded("p1", "recent_purchase")]
    run = write_run(tmp_path, log)
    drawn = spot_check(run, "r1", 3)["weekly"]
    assert [(each.verdict, each.reason) for each in drawn] == (
        [("send", None)] * 3 + [("exclude", "recent_purchase")] + [("exclude", "no_consent")] * 3
    )
    assert spot_check(run, "r1", 3)["weekly"] == drawn
    assert {each.customer_id for each in spot_check(run, "r2", 3)["weekly"]} != {
        each.customer_id for each in drawn
    }
    assert "[no_consent,unreachable]" in "\n".join(spot_check_lines(drawn))


def test_an_estimate_cuts_each_stream_into_requests_of_its_own(tmp_path: Path) -> None:
    most = REGISTRY["sendgrid"].max_rows
    messages = [MESSAGES[0] | {"message_id": f"a{n}", "step": 1} for n in range(most + 1)]
    messages += [MESSAGES[0] | {"message_id": f"b{n}", "step": 2} for n in range(5)]
    ((estimate,),) = estimates(write_run(tmp_path, messages=messages)).values()
    assert (estimate.people, estimate.requests, estimate.people_per_request) == (most + 6, 3, most)
    assert estimate.cost == (Decimal("0.0009") * (most + 6)).quantize(Decimal("0.01"))
    assert "in 3 requests" in estimate_line(estimate)


def test_a_channel_without_a_cost_is_named_with_the_file(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / COSTS).parent.mkdir(parents=True)
    (project / COSTS).write_text("channel,cost_per_message,currency,messages_per_second\n")
    with pytest.raises(ConfigurationError, match=r"channel_costs\.csv has no line for the channel email"):
        estimates(write_run(tmp_path / "run", messages=MESSAGES), project)
