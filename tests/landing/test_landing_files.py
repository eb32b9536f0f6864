"""What becomes of a file in the inbox, good or bad."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from activation.errors import HeldError
from activation.home import Home, World, open_home
from activation.landing import rows as judged
from activation.landing.contract import publish
from activation.landing.load import land

Drop = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STAMP = NOW.replace(tzinfo=None)
ORDERS = "order_id,profile_id,ordered_at,status,currency,gross_amount,discount_amount\n"
PROFILES = "profile_id,source_system,email,phone,country,created_at,updated_at\n"
DAY = "2026-03-01 10:00:00"
CANARY = "canary.person@example.com"


def order(number: object, **other: str) -> str:
    given = {"at": DAY, "status": "completed", "gross": "10.00"} | other
    return f"{number},p{number},{given['at']},{given['status']},USD,{given['gross']},0\n"


def profile(number: object, email: str = "a@example.com", phone: str = "", country: str = "US") -> str:
    return f"{number},crm,{email},{phone},{country},{DAY},{DAY}\n"


def test_good_rows_land_in_the_files_order_and_the_file_leaves_the_inbox(
    home: Home, drop: Drop, rows: Rows
) -> None:
    file = drop("shop.orders", "a.csv", ORDERS + "".join(order(n) for n in range(9, 0, -1)))
    report = land(home, NOW)
    assert [row["order_id"] for row in rows("shop.orders")] == [str(n) for n in range(9, 0, -1)]
    assert {row["_loaded_at"] for row in rows("shop.orders")} == {STAMP}
    assert {row["_source_file"] for row in rows("shop.orders")} == {"a.csv"}
    assert (report.landed, report.quarantined, report.problems) == (9, 0, ())
    assert not file.exists()


def test_the_same_content_twice_changes_nothing(home: Home, drop: Drop, rows: Rows) -> None:
    drop("shop.orders", "a.csv", ORDERS + order(1))
    land(home, NOW)
    file = drop("shop.orders", "another-name.csv", ORDERS + order(1))
    report = land(home, NOW + timedelta(days=1))
    assert report.files[0].is_already_landed
    assert len(rows("shop.orders")) == 1
    assert not file.exists()


def test_a_renamed_column_sets_the_whole_file_aside_and_says_which(
    home: Home, drop: Drop, rows: Rows
) -> None:
    drop("shop.orders", "a.csv", ORDERS.replace("ordered_at", "order_at") + order(1))
    report = land(home, NOW)
    assert report.set_aside == 1
    (problem,) = report.problems
    assert problem.startswith(
        "shop/orders/a.csv: has no column ordered_at; did you mean its column order_at?"
    )
    assert rows("shop.orders") == []
    assert len(list((home.quarantine / "shop/orders/files").iterdir())) == 1
    (load,) = rows("muster.loads")
    assert (load["rows_landed"], load["reason"]) == (
        0,
        "has no column ordered_at; did you mean its column order_at?",
    )


def test_a_hundred_malformed_rows_are_set_aside_and_the_good_ones_kept(
    home: Home, drop: Drop, rows: Rows
) -> None:
    lines = [order(n) for n in range(1000)]
    for n in range(100, 200):
        lines[n] = [order(n, at="yesterday"), "too,few\n", order(n, gross="ten"), order(n, status="lost")][
            n % 4
        ]
    drop("shop.orders", "a.csv", ORDERS + "".join(lines))
    report = land(home, NOW)
    (file,) = report.files
    assert (file.read, file.landed, file.quarantined, file.first_bad_row) == (1000, 900, 100, 102)
    assert set(file.reasons.values()) == {25}
    assert "100 of 1,000 rows" in report.problems[0]
    assert "the first at line 102" in report.problems[0]
    assert report.quarantine_share == pytest.approx(0.1)
    assert len(rows("shop.orders")) == 900
    bad = rows("shop.orders", "quarantine")
    assert [row["row_number"] for row in bad] == list(range(102, 202))
    assert {(row["column"], row["reason"]) for row in bad} == {
        ("ordered_at", "is no timestamp"),
        (None, "the line has more or fewer values than the header"),
        ("gross_amount", "is no decimal"),
        ("status", "is none of placed, paid, shipped, completed, cancelled, returned"),
    }
    assert json.loads(bad[0]["raw"])["ordered_at"] == "yesterday"


def test_line_numbers_hold_after_a_value_of_several_lines(home: Home, drop: Drop, rows: Rows) -> None:
    text = "response_id,profile_id,survey,comment,submitted_at\n"
    text += f'1,p,nps,"two\nlines",{DAY}\n2,p,nps,,never\n'
    drop("feedback.responses", "a.csv", text)
    assert land(home, NOW).files[0].first_bad_row == 4
    assert rows("feedback.responses")[0]["comment"] == "two\nlines"


def test_a_stray_quote_costs_its_own_line_only(home: Home, drop: Drop) -> None:
    drop(
        "shop.orders", "a.csv", ORDERS + order(1) + '"' + order(2) + "".join(order(n) for n in range(3, 2000))
    )
    (file,) = land(home, NOW).files
    assert (file.landed, file.quarantined, file.first_bad_row) == (1998, 1, 3)


def test_odd_bytes_cost_the_rows_that_hold_them(home: Home, drop: Drop, rows: Rows) -> None:
    text = b"\xef\xbb\xbf" + PROFILES.encode() + profile(1).encode()
    text += profile(2).encode().replace(b"crm", b"cr\0m") + profile(3).encode().replace(b"crm", b"\xff\xfe")
    drop("crm.profiles", "a.csv", text + profile(4).replace("\n", "\r\n").encode())
    (file,) = land(home, NOW).files
    assert [row["profile_id"] for row in rows("crm.profiles")] == ["1", "4"]
    assert dict(file.reasons) == {"the line is not UTF-8": 1, "source_system: holds a NUL character": 1}


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfea\0b\0", b"PAR1 this is not parquet PAR1"])
@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl"])
def test_an_unreadable_file_is_set_aside_whole(
    home: Home, drop: Drop, rows: Rows, name: str, content: bytes
) -> None:
    drop("shop.orders", name, content)
    report = land(home, NOW)
    assert report.set_aside == 1
    assert report.problems[0].startswith(f"shop/orders/{name}: ")
    assert rows("shop.orders") == []
    assert list((home.inbox / "shop/orders").iterdir()) == []


def test_a_truncated_parquet_file_is_set_aside(home: Home, drop: Drop) -> None:
    table = pa.table({"product_id": [str(n) for n in range(1000)], "name": ["x"] * 1000})
    file = drop("shop.products", "a.parquet", table)
    content = bytearray(file.read_bytes())
    content[20:200] = bytes(180)
    file.write_bytes(content)
    assert land(home, NOW).set_aside == 1


def test_json_lines_land_and_what_is_no_object_is_set_aside(home: Home, drop: Drop, rows: Rows) -> None:
    good = {
        "event_id": 7,
        "profile_id": "p",
        "event_type": "page_view",
        "occurred_at": "2026-03-01T12:00:00+02:00",
    }
    lines = [json.dumps(good), "[1]", "{broken", json.dumps(good | {"profile_id": None})]
    drop("web.events", "a.jsonl", "\n".join(lines))
    (file,) = land(home, NOW).files
    (event,) = rows("web.events")
    assert (event["event_id"], event["occurred_at"]) == ("7", datetime(2026, 3, 1, 10))  # noqa: DTZ001
    assert [row["row_number"] for row in rows("web.events", "quarantine")] == [2, 3, 4]
    assert file.reasons["one of profile_id, device_id must be filled"] == 1


def test_parquet_types_are_cast_and_float_ids_become_whole(home: Home, drop: Drop, rows: Rows) -> None:
    table = pa.table(
        {
            "order_id": pa.array([1.0, 2.0, None]),
            "profile_id": pa.array([10, 11, 12]),
            "ordered_at": pa.array([NOW, NOW, NOW], pa.timestamp("ns", "Europe/Berlin")),
            "status": ["paid", "paid", "paid"],
            "currency": ["EUR", "EUR", "EUR"],
            "gross_amount": [1.005, float("nan"), 2.0],
        }
    )
    drop("shop.orders", "a[1].parquet", table)
    (file,) = land(home, NOW).files
    (landed,) = rows("shop.orders")
    assert (landed["order_id"], landed["profile_id"], landed["ordered_at"]) == ("1", "10", STAMP)
    assert dict(file.reasons) == {"gross_amount: is no decimal": 1, "order_id: is empty": 1}
    assert file.first_bad_row == 2


def test_unknown_columns_are_named_and_dropped(home: Home, drop: Drop, rows: Rows) -> None:
    drop(
        "crm.profiles",
        "a.csv",
        PROFILES.replace("phone", "phone_number").replace("\n", ",score\n")
        + profile(1).replace("\n", ",5\n"),
    )
    report = land(home, NOW)
    assert report.files[0].unknown_columns == ("phone_number", "score")
    assert report.problems == (
        "crm/profiles/a.csv: column phone_number is not in the contract; did you mean phone?",
    )
    assert "score" not in rows("crm.profiles")[0]


def test_addresses_and_numbers_are_normalised_beside_what_was_given(
    home: Home, drop: Drop, rows: Rows
) -> None:
    text = (
        PROFILES
        + profile(1, " Ann.B@Example.COM ", "(555) 010-0123")
        + profile(2, "ann@example", "+49 30 5550123")
    )
    drop("crm.profiles", "a.csv", text + profile(3, "a..b@example.com", "12", "DE"))
    land(home, NOW)
    found = [(row["email"], row["email_normalised"], row["phone_e164"]) for row in rows("crm.profiles")]
    assert found == [
        (" Ann.B@Example.COM ", "ann.b@example.com", "+15550100123"),
        ("ann@example", None, "+49305550123"),
        ("a..b@example.com", None, None),
    ]


def test_a_suppression_without_a_channel_holds_for_all(home: Home, drop: Drop, rows: Rows) -> None:
    drop(
        "suppressions.manual",
        "a.csv",
        f"email,phone,added_at\nA@example.com,,{DAY}\n,+15550100123,{DAY}\n,,{DAY}\n",
    )
    report = land(home, NOW)
    assert [row["channel"] for row in rows("suppressions.manual")] == ["all", "all"]
    assert [row["phone_e164"] for row in rows("suppressions.manual")] == [None, "+15550100123"]
    assert report.quarantined == 1


def test_a_first_load_may_state_when_its_rows_became_known_and_a_later_one_may_not(
    home: Home, drop: Drop, rows: Rows
) -> None:
    header = ORDERS.replace("\n", ",_loaded_at\n")
    drop("shop.orders", "a.csv", header + order(1).replace("\n", ",2026-02-01\n"))
    drop(
        "shop.orders",
        "b.csv",
        header + order(2).replace("\n", ",2026-04-01\n") + order(3).replace("\n", ",\n"),
    )
    report = land(home, NOW)
    known = {row["order_id"]: row["_loaded_at"] for row in rows("shop.orders")}
    assert known == {"1": datetime(2026, 2, 1), "3": STAMP}  # noqa: DTZ001
    assert report.files[1].reasons == {"_loaded_at: lies after this load": 1}
    drop("shop.orders", "c.csv", header + order(4).replace("\n", ",2026-02-01\n"))
    report = land(home, NOW)
    assert rows("shop.orders")[-1]["_loaded_at"] == STAMP
    assert "only the first load of a table may state _loaded_at" in report.problems[0]


def test_what_was_there_before_a_runs_time_is_known_to_it(home: Home, drop: Drop, rows: Rows) -> None:
    early = drop("shop.orders", "a.csv", ORDERS + order(1))
    late = drop("shop.orders", "b.csv", ORDERS + order(2))
    as_of = NOW - timedelta(hours=1)
    os.utime(early, times=(as_of.timestamp() - 60,) * 2)
    os.utime(late, times=(as_of.timestamp() + 60,) * 2)
    land(home, NOW, as_of)
    known = {row["order_id"]: row["_loaded_at"] for row in rows("shop.orders")}
    assert known == {"1": as_of.replace(tzinfo=None) - timedelta(microseconds=1), "2": STAMP}


def test_a_rehearsal_takes_the_inbox_as_known_and_may_hold_the_future(
    tmp_path: Path,
) -> None:
    rehearsal = open_home(tmp_path / "rehearsal", World.REHEARSAL)
    folder = rehearsal.inbox / "shop" / "orders"
    folder.mkdir(parents=True)
    future = order(1).replace("\n", ",2027-01-01\n")
    (folder / "a.csv").write_text(ORDERS.replace("\n", ",_loaded_at\n") + future)
    assert land(rehearsal, NOW, NOW - timedelta(days=400)).landed == 1


def test_unknown_tables_and_kinds_of_file_stay_and_are_reported(home: Home, drop: Drop) -> None:
    drop("crm.profile", "a.csv", PROFILES)
    drop("crm.profiles", "a.xlsx", "x")
    drop("muster.templates", "a.csv", "x")
    drop("crm.profiles", ".a.csv", PROFILES)
    drop("crm.profiles", "b.csv.tmp", PROFILES)
    report = land(home, NOW)
    assert report.files == ()
    assert len(report.problems) == 3
    assert "did you mean inbox/crm/profiles?" in report.problems[0]


def test_every_file_leaves_a_row_of_loads(home: Home, drop: Drop, rows: Rows) -> None:
    drop("shop.orders", "a.csv", ORDERS + order(1) + order("2", status="?"))
    land(home, NOW)
    (load,) = rows("muster.loads")
    assert {
        key: load[key] for key in ("file", "source_table", "rows_read", "rows_landed", "first_bad_row")
    } == {
        "file": "a.csv",
        "source_table": "shop.orders",
        "rows_read": 2,
        "rows_landed": 1,
        "first_bad_row": 3,
    }
    assert (load["rows_quarantined"], load["_loaded_at"]) == (1, STAMP)


def test_a_landing_that_was_killed_is_repeated_without_a_trace(
    home: Home, drop: Drop, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop("shop.orders", "a.csv", ORDERS + order(1) + order("2", status="?"))

    def killed_before_the_good_rows(temporary: Path, file: Path) -> None:
        if file.is_relative_to(home.landing):
            raise KeyboardInterrupt
        publish(temporary, file)

    with monkeypatch.context() as patch:
        patch.setattr(judged, "publish", killed_before_the_good_rows)
        with pytest.raises(KeyboardInterrupt):
            land(home, NOW)
    land(home, NOW + timedelta(seconds=5))
    assert len(rows("shop.orders")) == 1
    assert len(rows("shop.orders", "quarantine")) == 1
    assert len(rows("muster.loads")) == 1


def test_two_landings_do_not_run_at_once(home: Home) -> None:
    with home.lock("landing", "landing files"), pytest.raises(HeldError):
        land(home, NOW)


def test_no_value_of_a_row_reaches_report_or_log(
    home: Home, drop: Drop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    row = f"1,crm,{CANARY},,US,{DAY},{CANARY}\n"
    drop("crm.profiles", "bad-row.csv", PROFILES + row + f"{CANARY}\n")
    drop("crm.profiles", "no-header.csv", row * 3)
    drop(
        "crm.profiles", "extra.csv", PROFILES.replace("\n", f",{CANARY}\n") + profile(2).replace("\n", ",x\n")
    )
    drop("web.events", "a.jsonl", json.dumps({CANARY: 1, "event_id": CANARY}) + "\n" + CANARY)
    drop("shop.orders", "a.parquet", CANARY)
    report = land(home, NOW)
    captured = capfd.readouterr()
    assert "canary" not in repr(report) + caplog.text + captured.out + captured.err
    assert report.quarantined + report.set_aside >= 5


def test_landed_and_quarantined_files_are_private(home: Home, drop: Drop) -> None:
    drop("shop.orders", "a.csv", ORDERS + order(1) + "bad\n")
    land(home, NOW)
    written = [file for zone in (home.landing, home.quarantine) for file in zone.rglob("*") if file.is_file()]
    assert {file.stat().st_mode & 0o777 for file in written} == {0o600}


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("1899-12-31 23:59:59", "lies before 1900 or after 2199"),
        ("1900-01-01 00:00:00", None),
        ("2199-12-31 23:59:59", None),
        ("2200-01-01 00:00:00", "lies before 1900 or after 2199"),
        ("9999-12-31", "lies before 1900 or after 2199"),
        ("0000-00-00 00:00:00", "is no timestamp"),
        ("0001-01-01", "lies before 1900 or after 2199"),
        ("infinity", "is no timestamp"),
    ],
)
def test_a_moment_lies_between_1900_and_2199(home: Home, drop: Drop, moment: str, reason: str | None) -> None:
    drop("shop.orders", "a.csv", ORDERS + order(1, at=moment))
    (file,) = land(home, NOW).files
    assert file.reasons == ({f"ordered_at: {reason}": 1} if reason else {})


def test_an_end_in_a_distant_year_is_none_yet(home: Home, drop: Drop, rows: Rows) -> None:
    header = "ticket_id,profile_id,opened_at,closed_at\n"
    ends = ["2199-12-31", "2200-01-01", "9999-12-31 23:59:59", "infinity", "", "0000-00-00", "1899-12-31"]
    drop(
        "support.tickets", "a.csv", header + "".join(f"{n},p,{DAY},{end}\n" for n, end in enumerate(ends, 1))
    )
    (file,) = land(home, NOW).files
    assert [row["closed_at"] is None for row in rows("support.tickets")] == [False, True, True, True, True]
    assert dict(file.reasons) == {
        "closed_at: is no timestamp": 1,
        "closed_at: lies before 1900 or after 2199": 1,
    }


def test_two_spellings_of_an_accent_become_one_name(home: Home, drop: Drop, rows: Rows) -> None:
    header = "profile_id,source_system,email,first_name,city,created_at,updated_at\n"
    names = ["Zoe\u0308,Ko\u0308ln", "Zo\u00eb,K\u00f6ln", "\u05e9\u05e8\u05d4,\u0631\u0627\u0645"]
    drop(
        "crm.profiles",
        "a.csv",
        header + "".join(f"{n},crm,,{name},{DAY},{DAY}\n" for n, name in enumerate(names)),
    )
    land(home, NOW)
    assert [(row["first_name"], row["city"]) for row in rows("crm.profiles")] == [
        ("Zo\u00eb", "K\u00f6ln"),
        ("Zo\u00eb", "K\u00f6ln"),
        ("\u05e9\u05e8\u05d4", "\u0631\u0627\u0645"),
    ]


def test_a_stray_quote_before_a_value_of_several_lines_leaves_that_whole(
    home: Home, drop: Drop, rows: Rows
) -> None:
    text = "response_id,profile_id,survey,comment,submitted_at\n"
    text += f'1,p,nps,"open,{DAY}\n2,p,nps,"two\nlines",{DAY}\n3,p,nps,"a"b,{DAY}\n4,p,nps,,{DAY}\n'
    drop("feedback.responses", "a.csv", text)
    (file,) = land(home, NOW).files
    assert [(row["response_id"], row["comment"]) for row in rows("feedback.responses")] == [
        ("2", "two\nlines"),
        ("4", None),
    ]
    assert dict(file.reasons) == {"the line holds a quotation mark out of place": 2}
    assert [row["row_number"] for row in rows("feedback.responses", "quarantine")] == [2, 5]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_spreadsheets_write_is_read(
    home: Home, drop: Drop, rows: Rows, encoding: str, delimiter: str
) -> None:
    text = (PROFILES + profile(1, "zo\u00eb@example.com").replace("crm", '"C ""R"" M"')).replace(
        ",", delimiter
    )
    drop("crm.profiles", "a.csv", text.encode(encoding))
    land(home, NOW)
    (row,) = rows("crm.profiles")
    assert (row["source_system"], row["email_normalised"]) == ('C "R" M', "zo\u00eb@example.com")


def test_a_key_in_another_case_is_the_same_column(home: Home, drop: Drop, rows: Rows) -> None:
    event = {"event_id": "1", "profile_id": "p", "event_type": "page_view", "occurred_at": DAY}
    other = {key.upper(): value for key, value in event.items()} | {"EVENT_ID": "2"}
    drop("web.events", "a.jsonl", json.dumps(event) + "\n" + json.dumps(other))
    land(home, NOW)
    assert [row["event_id"] for row in rows("web.events")] == ["1", "2"]


def test_a_column_that_no_contract_knows_is_a_note_and_no_problem(home: Home, drop: Drop) -> None:
    drop("shop.orders", "a.csv", ORDERS.replace("\n", ",warehouse_bin\n") + order(1).replace("\n", ",x7\n"))
    report = land(home, NOW)
    assert (report.landed, report.problems) == (1, ())
    assert report.notes == ("shop/orders/a.csv: not in the contract, and left out: warehouse_bin",)
