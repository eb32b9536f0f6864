"""What ``muster explain`` says of one person, from frozen files alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from log_fixtures import excluded, write, write_run

from activation.campaigns import load_campaigns
from activation.errors import ConfigurationError
from activation.explain import Explanation, explain, in_words
from activation.frozen import read_frozen
from activation.home import Home, World, open_home
from activation.ledger import ensure_ledger
from activation.nearest import Cap, Contact, audiences_of, re_entry_from
from activation.request import RunRequest, record_request
from activation.settings import PROJECT

AS_OF = datetime(2026, 3, 2, 14, tzinfo=UTC)
PERSON = {"profile_id": "p1", "customer_id": "c1", "known_at": "2026-03-02 14:00:00"}
MEMBER = {"audience": "lapsed_customers", "customer_id": "c1", "qualified_by": "last order 70 days ago"}
RESERVED = {
    "message_id": "old", "campaign": "weekly", "customer_id": "c1", "channel": "email", "cap_class": "promo",
    "planned_at": "2026-03-01 09:00:00", "expires_at": "2026-03-08 00:00:00", "run_id": "r0",
    "known_at": "2026-03-01 08:00:00",
}  # fmt: skip
RECEIPT = {
    "message_id": "old", "run_id": "r0", "state": "accepted", "attempted_at": "2026-03-01 09:05:00",
    "known_at": "2026-03-01 09:06:00",
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = open_home(tmp_path / "home", create=World.REHEARSAL)
    ensure_ledger(home)
    return home


def freeze(home: Home, *decisions: Mapping[str, Any], campaigns: tuple[str, ...] = ("weekly",)) -> None:
    record_request(home, RunRequest("r1", AS_OF, AS_OF, campaigns, "test"))
    directory = write_run(home.run_directory("r1") / "frozen", decisions)
    write(directory / "profile_customers.parquet", PERSON, [PERSON])
    write(directory / "audiences.parquet", MEMBER, [MEMBER])
    manifest = {"run_id": "r1", "as_of": AS_OF.isoformat(), "digest": "0"}
    (directory / "manifest.json").write_text(json.dumps(manifest))


def contacted(home: Home, reservations: list[dict[str, Any]], receipts: list[dict[str, Any]]) -> None:
    directory = home.run_directory("r0") / "frozen"
    directory.mkdir(parents=True)
    write(directory / "reservations.parquet", RESERVED, [RESERVED | row for row in reservations])
    write(home.ledger / "receipts" / "r0.parquet", RECEIPT, [RECEIPT | row for row in receipts])


def explained(home: Home, campaign: str | None = None) -> Explanation:
    return explain(home, read_frozen(home, "r1"), "p1", campaign)


def test_all_failing_rules_are_told_in_order_with_words_and_remedy(home: Home) -> None:
    freeze(home, excluded("c1", "recent_purchase,no_consent,suppressed_stop"))
    found = explained(home)
    (each,) = found.decisions
    assert [failure.rule for failure in each.failures] == [1, 3, 4]
    assert (each.is_final, each.passes_from) == (False, None)
    told = in_words(found)
    assert "because: recent purchase" in told
    assert "what would change it: the person sends START from the same number" in told
    assert "rules 1 campaign, 3 consent, 4 suppression all pass" in told
    assert "Then the rules after it are asked: holdout, frequency cap" in told


def test_a_reason_that_stays_leaves_no_change_that_would_include_the_person(home: Home) -> None:
    freeze(home, excluded("c1", "no_consent,suppressed_complaint"))
    assert "none; one of the reasons stays" in in_words(explained(home))


def test_a_cap_is_free_when_the_oldest_contact_that_is_too_many_leaves_the_window(home: Home) -> None:
    freeze(home, excluded("c1", "frequency_cap"))
    contacted(
        home,
        [{"message_id": name} for name in ("first", "second")],
        [
            {"message_id": "first", "attempted_at": "2026-02-25 10:00:00"},
            {"message_id": "second", "attempted_at": "2026-02-28 10:00:00"},
        ],
    )
    (each,) = explained(home).decisions
    limit = {
        row["cap"]: row for row in csv.DictReader((PROJECT / "seeds/reference/frequency_caps.csv").open())
    }
    days, most = (int(limit["promo_weekly"][key]) for key in ("window_days", "max_contacts"))
    assert most == 2
    assert each.passes_from == datetime(2026, 2, 25, 10) + timedelta(days=days)  # noqa: DTZ001
    assert "promo_weekly allows 2 in 7 days" in each.failures[0].detail


@pytest.mark.parametrize(
    ("reserved", "receipt", "counts"),
    [
        ({}, {}, True),
        ({}, {"state": "in_doubt"}, True),
        ({}, {"state": "refused"}, False),
        ({}, {"known_at": "2026-03-02 15:00:00"}, True),
        ({"expires_at": "2026-03-01 12:00:00"}, {"known_at": "2026-03-02 15:00:00"}, False),
        ({"known_at": "2026-03-02 15:00:00"}, {}, False),
        ({"customer_id": "another"}, {}, False),
    ],
)
def test_only_contacts_that_the_run_counted_count(
    home: Home, reserved: dict[str, Any], receipt: dict[str, Any], *, counts: bool
) -> None:
    freeze(home, excluded("c1", "frequency_cap"))
    contacted(
        home,
        [reserved, {"message_id": "other", "planned_at": "2026-03-01 11:00:00"}],
        [receipt],
    )
    (each,) = explained(home).decisions
    assert (each.passes_from is not None) == counts


def test_a_cap_of_another_class_or_channel_is_not_used() -> None:
    at = datetime(2026, 3, 1)  # noqa: DTZ001
    cap = Cap("promo_sms", "promo", "sms", 1, timedelta(days=7))
    now = at + timedelta(days=1)
    assert cap.free_from([Contact("x", "sms", "promo", at)], now) == at + timedelta(days=7)
    assert cap.free_from([Contact("x", "email", "promo", at)], now) is None
    assert cap.free_from([Contact("x", "sms", "service", at)], now) is None
    assert cap.free_from([Contact("x", "sms", "promo", at)], at + timedelta(days=7)) is None


def test_re_entry_is_over_so_many_whole_days_after_the_last_contact(tmp_path: Path) -> None:
    file = tmp_path / "models" / "campaigns" / "cmp_weekly.sql"
    file.parent.mkdir(parents=True)
    file.write_text("select 30 as re_entry_after_days from {{ ref('aud_lapsed') }}")
    last = datetime(2026, 2, 20, 18, 30)  # noqa: DTZ001
    contacts = [Contact("weekly", "email", "promo", last), Contact("other", "email", "promo", AS_OF)]
    assert re_entry_from(contacts, "weekly", tmp_path) == (last, datetime(2026, 3, 22))  # noqa: DTZ001
    assert re_entry_from(contacts, "unknown", tmp_path) is None
    assert audiences_of("weekly", tmp_path) == ["lapsed"]


def test_who_lost_is_told_to_whom_and_who_is_late_when(home: Home) -> None:
    freeze(
        home,
        excluded("c1", "lost_priority", lost_to="vip"),
        excluded("c1", "expires_before_send", verdict="defer", step=2, send_not_before="2026-03-09 08:00:00"),
    )
    told = in_words(explained(home))
    assert "(vip won)" in told
    assert "it could leave from 2026-03-09 08:00, but is out of date at 2026-03-09 00:00" in told


def test_who_is_no_candidate_is_told_their_audiences_and_the_criteria(home: Home) -> None:
    campaign = next(iter(load_campaigns()))
    freeze(home, campaigns=(campaign,))
    found = explained(home, campaign)
    assert found.no_candidate_of == [campaign]
    told = in_words(found)
    assert f"was no candidate of {campaign}" in told
    assert "lapsed_customers: last order 70 days ago" in told
    assert "to meet its criteria" in told


def test_a_campaign_that_the_run_was_not_asked_for_is_named(home: Home) -> None:
    freeze(home, {})
    with pytest.raises(ConfigurationError, match="run r1 did not decide daily; it decided weekly"):
        explained(home, "daily")
