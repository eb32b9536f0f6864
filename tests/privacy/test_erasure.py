"""Who is erased is gone from everywhere, nobody else is touched, and no later load brings them back."""

from __future__ import annotations

import hmac
import re
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from people import ANN, ANNS, FILES, HERS, NOW, Household, Rows, copied, die_in

from activation.cli import invoke
from activation.errors import ConfigurationError, HeldError
from activation.privacy.erase import Erasure, erase
from activation.privacy.identifiers import digest_sql, register_key


def erase_ann(household: Household, who: str | None = "a2", address: str | None = None) -> Erasure:
    return erase(household.home, who=who, address=address, reason="asked", by="a test", now=NOW)


def is_anns(row: tuple[tuple[str, object], ...]) -> bool:
    values = dict(row)
    if values.get("profile_id"):
        return values["profile_id"] in {"a1", "a2"}
    return "ann" in str(row) or values.get("phone_e164") == "+12025550123" or values.get("url") == "/hers"


def others(rows: Rows) -> Rows:
    """Everything that is not hers; of her orders, all but whose they are."""
    kept = {}
    for table, counted in rows.items():
        hidden = table == "shop.orders"
        kept[table] = Counter(
            {
                tuple((k, v) for k, v in row if not (hidden and k == "profile_id")): count
                for row, count in counted.items()
                if hidden or (not is_anns(row) and dict(row).get("message_id") != "m1")
            }
        )
    return kept


@pytest.mark.parametrize("who", [ANN, "a1", "a2", "customer-annie"])
def test_a_person_is_found_by_any_of_their_ids(household: Household, who: str) -> None:
    counts = erase_ann(household, who).entry.counts
    assert {
        name.split()[1]: n for name, n in counts.items() if name.split()[1] in HERS and "removed" in name
    } == HERS


@pytest.mark.parametrize("address", ["ANN@example.com ", "ann.before@example.com", "+1 (202) 555-0123"])
def test_a_person_is_found_by_an_address_or_number_they_have_or_had(
    household: Household, address: str
) -> None:
    assert erase_ann(household, None, address).person.customer_id == ANN


def test_nothing_of_the_person_is_left_and_nobody_else_changes(household: Household) -> None:
    before = household.rows()
    assert all(mark in household.texts() for mark in ("ann@example.com", "device-ann", "'a1'"))
    erase_ann(household)
    after = household.rows()
    assert others(after) == others(before)
    text = household.texts()
    assert not [mark for mark in ANNS if re.search(rf"(?<![\w-]){re.escape(mark)}(?![\w-])", text)]
    assert household.removals() == HERS


def test_what_somebody_else_has_too_stays_where_it_names_nobody(household: Household) -> None:
    assert erase_ann(household).person.shared == 2  # the family's address, and the tablet
    left = str(household.rows()["consent.events"])
    assert "family@example.com" in left
    assert "/his" in str(household.rows()["web.events"])


def test_sales_stay_without_the_person(household: Household) -> None:
    counts = erase_ann(household).entry.counts
    assert (
        counts["pseudonymised shop.orders"],
        counts["kept shop.order_lines"],
        counts["kept shop.refunds"],
    ) == (2, 1, 1)
    orders = [dict(row) for row in household.rows()["shop.orders"]]
    assert {row["order_id"]: row["profile_id"] for row in orders} == {
        "o1": "erased",
        "o2": "erased",
        "o3": "b1",
    }
    assert sum(row["gross_amount"] for row in orders) == 70


def test_quarantine_loses_what_holds_the_person_and_keeps_the_rest(household: Household) -> None:
    assert household.counts("quarantine") == {"crm.profiles": 2, "crm.preferences": 2}
    counts = erase_ann(household).entry.counts
    assert (counts["removed quarantined rows"], counts["removed quarantined files"]) == (2, 1)
    assert household.counts("quarantine") == {"crm.profiles": 1, "crm.preferences": 1}
    (line,) = household.rows("quarantine")["crm.preferences"]
    assert "a12" in str(line)


def test_the_warehouse_and_every_kept_build_go(household: Household) -> None:
    build = household.home.build_directory("some-run")
    (build / "export").mkdir(parents=True)
    (build / "export" / "decisions.parquet").write_bytes(b"x")
    erase_ann(household)
    assert not household.home.warehouse_file.exists()
    assert not list((household.home.warehouse / "build").iterdir())


def test_the_same_extract_again_is_set_aside_and_nothing_of_it_is_kept(household: Household) -> None:
    erase_ann(household)
    before, aside = household.rows(), household.counts("quarantine")
    for table, text in FILES.items():
        head, _, body = text.partition("\n")
        hers = [
            line
            for line in body.splitlines()
            if line.startswith(("a1,", "a2,")) or ",a1," in line or ",a2," in line
        ]
        if hers:
            household.drop(table, "again.csv", "\n".join([head, *hers]))
    report = household.land()
    assert (report.erased, report.landed, report.quarantined) == (11, 0, 0)
    assert household.rows() == before
    rows = [dict(row) for counted in household.rows("quarantine").values() for row in counted.elements()]
    erased = [row for row in rows if row["reason"] == "erased person"]
    assert len(erased) == 11
    assert len(rows) == 11 + sum(aside.values())
    assert all(row["raw"] is None for row in erased)
    loads = [
        row
        for file in (household.home.landing / "muster" / "loads").glob("*.parquet")
        for row in pq.read_table(file).to_pylist()
    ]
    assert sum(row["rows_erased"] or 0 for row in loads) == 11


PROFILE_COLUMNS = "profile_id,source_system,email,phone,country,created_at,updated_at\n"


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("crm.profiles", PROFILE_COLUMNS + "new,web, Ann@Example.COM,,US,2026-02-01,2026-02-01"),
        ("crm.profiles", PROFILE_COLUMNS + "new,web,,202-555-0123,US,2026-02-01,2026-02-01"),
        ("crm.profiles", PROFILE_COLUMNS + "a1,web,new@example.com,,US,never,2026-02-01"),
        ("crm.profiles", PROFILE_COLUMNS + "new,web,ann@example.com,2026-02-01"),
        ("provider.email_events", "message_id,provider_id,email,event,occurred_at\nm1,,,click,2026-02-01"),
        ("web.events", "event_id,profile_id,device_id,event_type,occurred_at\ne9,,device-ann,x,2026-02-01"),
    ],
    ids=["address", "number", "bad row", "bad line", "message", "device"],
)
def test_an_erased_person_is_recognised_in_every_form(household: Household, table: str, text: str) -> None:
    erase_ann(household)
    household.drop(table, "later.csv", text)
    report = household.land()
    assert (report.erased, report.landed, report.quarantined) == (1, 0, 0)


def test_rows_of_others_land_also_where_they_name_what_was_an_erased_persons(household: Household) -> None:
    erase_ann(household)
    household.drop(
        "web.events",
        "later.csv",
        "event_id,profile_id,device_id,event_type,occurred_at\ne9,b1,device-ann,x,2026-02-01",
    )
    household.drop(
        "consent.events", "later.csv",
        "profile_id,email,channel,purpose,state,occurred_at\nb1,ann@example.com,email,marketing,withdrawn,2026-02-01",
    )  # fmt: skip
    assert household.land().landed == 2


def test_the_register_tells_nobody_who_was_erased(household: Household) -> None:
    entry = erase_ann(household).entry
    table = pq.read_table(household.home.ledger / "erasures" / f"{entry.erasure_id}.parquet")
    assert {"erased_by", "reason", "erased_at", "counts"} <= set(table.column_names)
    told = str(table.drop_columns(["kind"]).to_pylist())
    assert not [mark for mark in (*ANNS, ANN) if len(mark) > 2 and mark in told]
    (file,) = (household.home.ledger / "erasures").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_another_pepper_is_refused_as_it_would_recognise_nobody(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase_ann(household)
    monkeypatch.setenv("MUSTER_PEPPER", "another pepper")
    household.drop("crm.preferences", "x.csv", FILES["crm.preferences"].replace("daily", "never"))
    with pytest.raises(ConfigurationError, match="MUSTER_PEPPER"):
        household.land()


def test_who_cannot_be_told_for_certain_is_not_erased(household: Household) -> None:
    before = household.rows()
    with pytest.raises(ConfigurationError, match=r"2 customers.*customer-ann, customer-ben"):
        erase_ann(household, None, "family@example.com")
    household.drop("crm.preferences", "x.csv", FILES["crm.preferences"].replace("weekly", "never"))
    with pytest.raises(HeldError, match="1 files wait"):
        erase_ann(household)
    household.land()
    household.drop(
        "crm.profiles",
        "x.csv",
        "profile_id,source_system,email,created_at,updated_at\na3,web,ann@example.com,2026-02-01,2026-02-01",
    )
    household.land()
    for who in ("a1", "a3"):
        with pytest.raises(ConfigurationError, match="muster build"):
            erase_ann(household, who)
    assert not set(others(before)["shop.orders"]) - set(others(household.rows())["shop.orders"])


def test_a_person_without_a_profile_is_erased_by_address(household: Household) -> None:
    household.drop("suppressions.manual", "x.csv", "email,added_at\nstranger@example.com,2026-01-01")
    household.land()
    assert erase_ann(household, None, "stranger@example.com").entry.counts == {
        "removed suppressions.manual": 1
    }


def test_who_is_not_there_or_not_any_more_ends_with_a_sentence(
    household: Household, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["erase", "nobody"]) == 2
    assert invoke(["erase", "ann@example.com"]) == 2
    assert invoke(["erase"]) == 2
    assert invoke(["erase", "a1", "--dry-run"]) == 0
    assert household.counts()["support.tickets"] == 2
    assert invoke(["erase", "a1"]) == 0
    assert invoke(["erase", "a1"]) == 2
    out = capsys.readouterr()
    told = out.out + out.err
    assert "was erased on 2026" in told
    assert "@" not in told
    assert "555" not in told


ERASE = """
from activation.privacy.erase import erase
erase(home, who="a1", address=None, reason="asked", by="a test", now=datetime(2026, 3, 2, 9, tzinfo=UTC))
"""


def test_killed_at_any_moment_it_is_carried_on_to_the_same_end(tmp_path: Path, household: Household) -> None:
    whole = copied(household, tmp_path / "whole")
    erase_ann(whole)
    for writes, when in ((1, "before"), (4, "before"), (9, "after")):
        killed = copied(household, tmp_path / f"killed-{writes}-{when}")
        die_in(killed, ERASE, writes, when)
        assert erase_ann(killed).person.customer_id == ANN
        assert killed.rows() == whole.rows()
        assert killed.rows("quarantine") == whole.rows("quarantine")
        assert killed.removals() == whole.removals()
        assert len(list((killed.home.ledger / "erasures").iterdir())) == 1
        assert not list(killed.home.path.rglob("*.tmp"))


def test_the_engines_digest_is_the_hmac_of_the_standard() -> None:
    for key in (b"short", b"k" * 64, b"long" * 50):
        with duckdb.connect() as engine:
            register_key(engine, key)
            found = engine.execute(f"select {digest_sql('?')}", ["email:änn@example.com"]).fetchone()
        assert found == (hmac.digest(key, "email:änn@example.com".encode(), "sha256").hex(),)
