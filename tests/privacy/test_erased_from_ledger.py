"""Erasure through frozen runs, receipts, journal, drops and sets: in two steps where a set holds the person."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import duckdb
import pytest
from frozen_people import MARKS, RUN, add_run, ledger_text, receive
from people import ANN, BEN, NOW, PEPPER, Household, copied
from sqlalchemy import select

from activation.cli import invoke
from activation.digest import content_digest
from activation.errors import ConfigurationError, HeldError
from activation.freeze import verify
from activation.frozen import read_frozen
from activation.journal import open_journal
from activation.journal_tables import spans
from activation.privacy.erase import Erasure, erase, finish
from activation.privacy.export import export
from activation.privacy.notes import amendments
from activation.privacy.purge import purge


@pytest.fixture(scope="module")
def sent_once(settled: Household, tmp_path_factory: pytest.TempPathFactory) -> Household:
    made = copied(settled, tmp_path_factory.mktemp("sent") / "home")
    add_run(made.home)
    return made


@pytest.fixture
def sent(sent_once: Household, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Household:
    monkeypatch.setenv("MUSTER_PEPPER", PEPPER)
    monkeypatch.setenv("MUSTER_HOME", str(tmp_path / "home"))
    return copied(sent_once, tmp_path / "home")


def nothing_planned_can_leave(sent: Household) -> None:
    journal = open_journal(sent.home)
    with journal.read() as connection:
        rows = connection.execute(select(spans).order_by(spans.c.first_seq)).all()
    journal.close()
    assert [(row.state, row.reason) for row in rows] == [
        ("accepted", None), ("accepted", None), ("excluded", "erased"),
        ("accepted", None), ("accepted", None), ("excluded", "erased"),
    ]  # fmt: skip
    assert [row.provider_id for row in rows[:3]] == [None, "provider-ann", None]


def a_replay_is_equal_but_for_who_was_erased(sent: Household) -> None:
    folder = sent.home.run_directory(RUN) / "frozen"
    replay = f"select * from '{folder}/decisions.parquet' where customer_id = '{BEN}'"
    duckdb.sql(f"copy ({replay}) to '{folder}/../replayed.parquet' (format parquet)")
    others = "customer_id <> 'erased'"
    assert content_digest(f"{folder}/decisions.parquet", others) == content_digest(
        f"{folder}/../replayed.parquet"
    )
    told = amendments(sent.home, RUN)["decisions"]
    assert (told.rows, told.digest) == content_digest(f"{folder}/decisions.parquet")


def lines_of_drops_are_gone_and_their_manifests_say_so(sent: Household) -> None:
    members = (sent.home.drops / "member_file" / "spring.jsonl").read_bytes()
    assert [json.loads(line)["operation"] for line in members.splitlines()] == ["remove", "add"]
    letters = (sent.home.drops / "mail_file" / "spring.csv").read_bytes()
    assert list(csv.reader(io.StringIO(letters.decode(), newline=""))) == [
        ["message_id", "name", "address"],
        ["c" * 32, "Ben", "2 Street"],
    ]
    told = json.loads((sent.home.drops / "mail_file" / "spring.csv.done").read_text())
    assert (told["rows"], told["sha256"]) == (1, hashlib.sha256(letters).hexdigest())


def erase_ann(household: Household) -> Erasure:
    return erase(household.home, who="a1", address=None, reason="asked", by="a test", now=NOW)


def leave_set(household: Household) -> None:
    receive(household.home, ANN, "remove", "2026-03-03", "two")


def test_all_but_what_takes_the_person_out_of_a_set_goes_at_once(sent: Household) -> None:
    verify(read_frozen(sent.home, RUN))
    done = erase_ann(sent)
    assert [(held.destination, held.audience) for held in done.sets] == [("meta", "fans")]
    rows = duckdb.sql(
        f"select * from '{sent.home.run_directory(RUN)}/frozen/outbox_messages.parquet' order by 1"
    )
    assert [(row[0], row[3], row[5], row[6]) for row in rows.fetchall()] == [
        (0, "erased", None, "{}"),
        (1, BEN, "ben@example.com", '{"first_name": "Ben"}'),
        (2, "erased", None, "{}"),
    ]
    changes = duckdb.sql(
        f"select * from '{sent.home.run_directory(RUN)}/frozen/outbox_memberships.parquet' order by 1"
    )
    # What was sent stays until the set lets go; what was only planned never leaves.
    assert [(row[0], row[3], row[7]) for row in changes.fetchall()] == [
        (0, ANN, "ann@example.com"),
        (1, BEN, "ben@example.com"),
        (2, "erased", None),
    ]
    verify(read_frozen(sent.home, RUN))
    nothing_planned_can_leave(sent)
    a_replay_is_equal_but_for_who_was_erased(sent)
    lines_of_drops_are_gone_and_their_manifests_say_so(sent)


def test_the_rest_goes_when_the_next_run_has_taken_the_person_out(sent: Household) -> None:
    first = erase_ann(sent)
    assert [bool(each.sets) for each in finish(sent.home)] == [True]
    again = erase_ann(sent)
    assert (again.entry.erasure_id, again.sets) == (first.entry.erasure_id, first.sets)
    assert "ann@example.com" in ledger_text(sent.home)
    leave_set(sent)
    assert [each.sets for each in finish(sent.home)] == [()]
    text = ledger_text(sent.home)
    assert [mark for mark in MARKS if mark in text] == []
    assert "ben@example.com" in text
    assert not list((sent.home.ledger / "erasures").glob("*.pending.json"))
    assert finish(sent.home) == []
    verify(read_frozen(sent.home, RUN))


def test_damage_of_an_erased_run_is_still_told_and_so_is_the_file_from_before(sent: Household) -> None:
    file = sent.home.run_directory(RUN) / "frozen" / "outbox_messages.parquet"
    before = file.read_bytes()
    erase_ann(sent)
    after = file.read_bytes()
    for content in (before, after[:-1], b""):
        file.write_bytes(content)
        with pytest.raises(ConfigurationError, match="is not what was frozen"):
            verify(read_frozen(sent.home, RUN))
    file.write_bytes(after)
    verify(read_frozen(sent.home, RUN))

    # A note that is not signed with the pepper says nothing.
    (note,) = (sent.home.ledger / "erasures").glob("*.note.json")
    content = json.loads(note.read_text())
    assert ANN not in note.read_text()
    content["note"]["runs"][RUN]["decisions"]["file_sha256"] = "0" * 64
    note.write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match="not signed"):
        verify(read_frozen(sent.home, RUN))
    note.write_text("{}")
    with pytest.raises(ConfigurationError, match="damaged"):
        verify(read_frozen(sent.home, RUN))


def test_a_damaged_frozen_table_is_not_blessed_by_an_erasure(sent: Household) -> None:
    file = sent.home.run_directory(RUN) / "frozen" / "audiences.parquet"
    duckdb.sql(
        f"copy (select * from '{file}' union all select * from '{file}') to '{file}.new' (format parquet)"
    )
    file.with_name(f"{file.name}.new").replace(file)
    with pytest.raises(ConfigurationError, match="is not what was frozen"):
        erase_ann(sent)


def test_nobody_delivers_and_no_feedback_waits_meanwhile(sent: Household) -> None:
    with (
        sent.home.lock("campaign-autumn", "delivering autumn"),
        pytest.raises(HeldError, match="delivering autumn"),
    ):
        erase_ann(sent)
    (sent.home.ledger / "erasures").mkdir(exist_ok=True)
    for begun in (sent.home.ledger / "erasures").glob("*.pending.json"):
        begun.unlink()
    folder = sent.home.path / "feedback" / "sendgrid"
    folder.mkdir(parents=True)
    (folder / "events.json").write_text("[]")
    with pytest.raises(HeldError, match="muster collect"):
        erase_ann(sent)


def test_drops_are_purged_with_their_manifests(sent: Household) -> None:
    purged = {each.table: each for each in purge(sent.home, NOW.replace(year=2100))}
    assert (purged["drops"].looked_at, purged["drops"].removed) == (2, 2)
    assert not [path for path in sent.home.drops.rglob("*") if path.is_file()]


def test_an_export_has_what_was_handed_over_in_files(sent: Household) -> None:
    to = sent.home.path.parent / "out"
    export(sent.home, who="a1", address=None, to=to, now=NOW)
    lines = [json.loads(line) for line in (to / "drops.jsonl").read_text().splitlines()]
    assert sorted(line["destination"] for line in lines) == ["mail_file", "member_file", "member_file"]
    assert "ben" not in (to / "drops.jsonl").read_text()


def test_the_command_line_tells_the_sets_and_ends_what_waits_for_a_reason(
    sent: Household, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["erase", "a1"]) == 0
    assert "In 1 sets: meta fans." in capsys.readouterr().out
    assert invoke(["erase", "--finish"]) == 0
    assert "waits for meta fans" in capsys.readouterr().out
    assert invoke(["erase", "--finish", "--anyway", "the account was closed"]) == 0
    assert "ann@example.com" not in ledger_text(sent.home)
    (row, *_) = duckdb.sql(f"select reason from '{sent.home.ledger}/erasures/*.parquet'").fetchall()
    assert row == ("the person asked for it; ended although in meta fans: the account was closed",)
    told = capsys.readouterr()
    assert "is at its end" in told.out
    assert invoke(["erase", "a1", "--finish"]) == 2
    assert invoke(["erase", "a1", "--anyway", "x"]) == 2
    assert "@" not in told.out + capsys.readouterr().err
