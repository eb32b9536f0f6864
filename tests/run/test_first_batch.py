"""The first batch, end to end, and what comes after it, in one home."""

from __future__ import annotations

import json
import re
import stat

import duckdb
import pytest
import requests
from batch_home import NEXT_WEDNESDAY, PROJECT, WEDNESDAY, FirstBatch, Home

# One home serves the module, so one process runs it.
pytestmark = pytest.mark.xdist_group("first-batch")

# A person may get the same step of these again within a week.
OFTEN = {"cart_abandonment", "daily_digest", "support_context", "tuesday_newsletter"}
# What knows people or sets by names of its own, by what the sandbox calls it.
OUTSIDE = {"meta", "google", "hubspot", "klaviyo", "onsite_webhook", "support_webhook", "social_webhook"}
AUDIENCES = PROJECT / "seeds" / "reference" / "destination_audiences.csv"


@pytest.fixture(scope="module")
def home(first_batch: FirstBatch) -> Home:
    return first_batch.home


def test_everybody_planned_is_accepted_once_and_nobody_else(home: Home) -> None:
    planned = {row[0] for row in home.rows("select message_id from {outbox_messages}")}
    taken = home.accepted() + home.dropped()
    accepted = [row["message_id"] for row in taken if row.get("message_id")]
    assert planned
    assert sorted(accepted) == sorted(planned)
    sms = {row[0] for row in home.rows("select message_id from {outbox_messages} where channel = 'sms'")}
    assert len([row for row in home.accepted() if row["destination"] == "twilio"]) == len(sms)
    assert home.contacted_twice() == []
    adds = home.rows("select count(*) from {outbox_memberships} where operation = 'add'")[0][0]
    assert sum(row.get("operation") == "add" for row in taken) == adds > 0
    assert {row["destination"] for row in taken} >= {*OUTSIDE, "sendgrid", "twilio", "mail_file"}
    assert all(set(states) == {"accepted"} for states in home.states().values())


def test_a_message_leaves_only_within_the_hours_of_its_place(home: Home) -> None:
    early = home.rows("select count(*) from {outbox_messages} where send_not_before > as_of")[0][0]
    at = sorted({row["at"][11:16] for row in home.accepted()})
    assert early > 0
    assert at[0] == "14:00"
    assert at[-1] > "14:00"


def test_the_same_run_again_makes_no_request(home: Home) -> None:
    before = len(home.accepted())
    outcome = home.json("run", "--as-of", WEDNESDAY)
    assert {name: delivery["requests"] for name, delivery in outcome["deliveries"].items()} == dict.fromkeys(
        outcome["deliveries"], 0
    )
    assert len(home.accepted()) == before


def test_a_deleted_warehouse_is_rebuilt_with_the_same_decisions(home: Home) -> None:
    frozen = (home.path / "ledger/runs/20171122T140000Z/frozen/manifest.json").read_text()
    (home.path / "warehouse" / "muster.duckdb").unlink()
    built = home.json("build", "--as-of", WEDNESDAY)
    assert built["digest"] in frozen
    assert built["dbt"].get("warn", 0) == 0


def test_what_providers_report_is_collected_once(home: Home) -> None:
    url = json.loads((home.path / "sandbox" / "address.json").read_text())["url"]
    told = {"delivered": 1.0, "open": 0.4, "unsubscribe": 0.3, "stop": 0.5}
    assert requests.post(f"{url}/_muster/events", json=told, timeout=30).ok
    assert reported(home, "unsubscribe", "stop")
    home.muster("collect")
    home.muster("land")
    landed = str(home.path / "landing" / "provider" / "email_events" / "*.parquet")
    events = "select event, count(*) from read_parquet(?, union_by_name = true) group by all order by all"
    before = duckdb.execute(events, [landed]).fetchall()
    home.muster("collect")
    home.muster("land")
    assert duckdb.execute(events, [landed]).fetchall() == before
    assert dict(before)["unsubscribe"] >= len(reported(home, "unsubscribe"))


def reported(home: Home, *kinds: str) -> set[str]:
    """Addresses of which the providers reported something."""
    lines = (home.path / "sandbox" / "events.jsonl").read_text().splitlines()
    return {event["address"] for event in map(json.loads, lines) if event["kind"] in kinds}


def test_a_week_later_only_what_may_come_again_comes_and_the_audiences_only_change(home: Home) -> None:
    before = len(home.accepted())
    home.muster("run", "--as-of", NEXT_WEDNESDAY)
    later = "20171129T140000Z"
    sent = "select campaign, step, customer_id from {outbox_messages}"
    again = set(home.rows(sent)) & set(home.rows(sent, later))
    assert {campaign for campaign, _, _ in again} <= OFTEN
    reminded = "select customer_id from {outbox_messages} where campaign = 'weekly_reactivation' and step = 2"
    assert set(home.rows(reminded, later)) <= set(home.rows("select customer_id from {outbox_messages}"))
    addresses = {row[0] for row in home.rows("select address from {outbox_messages}", later)}
    assert not addresses & reported(home, "unsubscribe", "stop")
    objections = home.rows("select count(*) from {decisions} where reason like 'suppressed_%'", later)
    assert objections > home.rows("select count(*) from {decisions} where reason like 'suppressed_%'")
    re_entries = home.rows("select count(*) from {decisions} where reason = 're_entry_too_soon'", later)
    assert re_entries[0][0] > 0

    # Meta knows its audiences by ids of its own; every other destination by our names.
    wanted = set(
        home.rows(
            "select destination, coalesce(audience, audience_name), customer_id from {decisions} "
            f"left join read_csv('{AUDIENCES}', all_varchar = true) using (destination, audience_name) "
            "where audience_name is not null and verdict = 'send'",
            later,
        )
    )
    changed = "select destination, audience, customer_id from {outbox_memberships}"
    there = set(home.rows(changed))
    adds = set(home.rows(f"{changed} where operation = 'add'", later))
    removes = set(home.rows(f"{changed} where operation = 'remove'", later))
    assert adds == wanted - there
    assert removes == there - wanted
    assert {destination for destination, _, _ in adds | removes} >= {"meta", "google", "hubspot_contacts"}
    assert {row.get("operation") for row in home.accepted()[before:]} >= {"add", "remove"}


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("send", r"SEND\n    candidate because: .+\n    gets: .+ version [0-9a-f]{12}"),
        ("exclude", r"EXCLUDE\n    candidate because: .+\n    because: .+\n      what would change it: .+"),
        ("holdout", r"HOLDOUT\n    candidate because: .+\n    because: the person is in .+ holdout"),
    ],
)
def test_explain_tells_one_person_s_verdict_in_words(home: Home, verdict: str, words: str) -> None:
    who, campaign = home.rows(
        "select customer_id, campaign from {decisions} "
        f"where verdict = '{verdict}' and audience_name is null "
        "and (verdict <> 'exclude' or reason = 'no_consent') order by all limit 1"
    )[0]
    text = home.muster("explain", who, campaign, "--run-id", "20171122T140000Z")
    assert re.search(words, text), text


def test_explain_tells_which_profiles_a_customer_is_and_by_what_but_no_address(home: Home) -> None:
    ((customer,),) = home.rows(
        "select customer_id from {profile_customers} group by 1 having count(*) > 1 order by 1 limit 1"
    )
    profiles = [
        row[0]
        for row in home.rows(f"select profile_id from {{profile_customers}} where customer_id = '{customer}'")
    ]
    told = home.json("explain", profiles[0], "--identity")
    assert told["customer_id"] == customer
    assert sorted(profile["profile_id"] for profile in told["profiles"]) == sorted(profiles)
    assert all(link["points"] >= 100 for link in told["links"])
    text = home.muster("explain", customer, "--identity")
    assert "are one person" in text
    assert "@" not in text
    assert "knows nobody" in home.muster("explain", "nobody-at-all", "--identity", expect=2)


def test_what_was_landed_and_decided_is_its_owner_s_alone(home: Home) -> None:
    for path in home.path.rglob("*"):
        if path.is_relative_to(home.path / "inbox"):
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, f"{path} is {mode:o}"


def test_no_address_is_in_any_log_or_artifact_of_dbt(home: Home) -> None:
    addresses = home.rows(
        "select email_normalised from {profile_customers} where email_normalised is not null"
    )
    addresses += home.rows("select phone_e164 from {profile_customers} where phone_e164 is not null")
    # One pattern over all of them, so that each file is read once.
    personal = re.compile(b"|".join(re.escape(row[0].encode()) for row in addresses))
    files = [
        file
        for file in (home.path / "warehouse" / "build").rglob("*")
        if file.suffix in {".log", ".json", ".sql", ".msgpack"}
    ]
    assert len(addresses) > 100
    assert len(files) > 100
    assert [file for file in files if personal.search(file.read_bytes())] == []


def test_the_report_models_know_what_was_delivered(home: Home) -> None:
    with duckdb.connect(str(home.path / "warehouse" / "muster.duckdb"), read_only=True) as warehouse:
        delivered = warehouse.execute(
            "select sum(accepted), sum(in_doubt) from reports.rpt_campaign_deliveries"
        ).fetchone()
    sent = [row for row in home.accepted() + home.dropped() if "address" in row]
    assert delivered == (len(sent), 0)


def test_a_home_moves_with_its_files(home: Home) -> None:
    assert str(home.path) not in (home.path / "ledger/runs/20171122T140000Z/frozen/recheck.sql").read_text()
