"""Who enters and leaves between two decision logs, by which rule, and who was displaced by whom."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
from log_fixtures import excluded, write_run

from activation.frozen import connect
from activation.plans.difference import Difference, difference_lines
from activation.plans.moves import ABSENT, CampaignMoves, compare_logs


def moves(before: Path, now: Path, ids: int = 0) -> CampaignMoves:
    with connect() as engine:
        (found,) = compare_logs(
            engine, now / "decisions.parquet", before / "decisions.parquet", ["weekly"], ids
        )
    return found


def test_who_enters_is_told_by_what_kept_them_out_before_and_who_leaves_by_what_does_now(
    tmp_path: Path,
) -> None:
    before = write_run(
        tmp_path / "before",
        [
            {"customer_id": "stays"},
            {"customer_id": "gone"},
            {"customer_id": "capped"},
            excluded("freed", "no_consent"),
        ],
    )
    now = write_run(
        tmp_path / "now",
        [
            {"customer_id": "stays"}, {"customer_id": "new"}, {"customer_id": "freed"},
            excluded("capped", "frequency_cap"),
        ],
    )  # fmt: skip
    found = moves(before, now, ids=9)
    assert {(move.reason, move.customer_ids) for move in found.entered} == {
        (ABSENT, ("new",)), ("no_consent", ("freed",)),
    }  # fmt: skip
    assert {(move.reason, move.customer_ids) for move in found.left} == {
        (ABSENT, ("gone",)), ("frequency_cap", ("capped",)),
    }  # fmt: skip
    assert (found.sent_before, found.sent_now) == (3, 3)


def test_who_was_displaced_is_told_with_the_winner_now_and_before(tmp_path: Path) -> None:
    lost = excluded("c1", "lost_priority", lost_to="vip")
    vip = {"campaign": "vip", "customer_id": "c1"}
    before = write_run(tmp_path / "before", [{"customer_id": "c1"}, {"customer_id": "c2"}])
    now = write_run(tmp_path / "now", [lost, vip, {"customer_id": "c2"}])
    found = moves(before, now)
    assert [(move.reason, move.lost_to, move.people) for move in found.left] == [("lost_priority", "vip", 1)]
    assert (found.lost_before, found.lost_now) == ({}, {"vip": 1})
    told = "\n".join(difference_lines(Difference("r0", datetime(2026, 3, 2), found)))  # noqa: DTZ001
    assert "out        1  kept out by lost priority (vip)" in told
    assert "displaced to vip: 1 (before 0)" in told
    with connect() as engine:
        files = [folder / "decisions.parquet" for folder in (now, before)]
        (winner,) = compare_logs(engine, *files, ["vip"], 0)
    assert winner.won_now == {"weekly": 1}


def test_the_next_step_of_a_sequence_is_no_entry(tmp_path: Path) -> None:
    before = write_run(tmp_path / "before", [{"step": 1}, excluded("c1", "not_yet", step=2)])
    now = write_run(tmp_path / "now", [excluded("c1", "already_in_slot", step=1), {"step": 2}])
    found = moves(before, now)
    assert (found.entered, found.left) == ((), ())


def test_of_several_rows_that_fail_the_one_that_came_furthest_gives_the_reason(tmp_path: Path) -> None:
    before = write_run(tmp_path / "before", [{}])
    now = write_run(
        tmp_path / "now", [excluded("c1", "no_consent", step=1), excluded("c1", "frequency_cap", step=2)]
    )
    assert [move.reason for move in moves(before, now).left] == ["frequency_cap"]


def test_another_offer_or_variant_of_who_stays_is_counted(tmp_path: Path) -> None:
    before = write_run(tmp_path / "before", [{"customer_id": "c1"}, {"customer_id": "c2"}])
    now = write_run(tmp_path / "now", [{"customer_id": "c1", "offer": "offer_20"}, {"customer_id": "c2"}])
    assert moves(before, now).changed == {"offer": 1, "variant": 0}


def test_columns_that_an_earlier_version_lacks_read_as_empty(tmp_path: Path) -> None:
    before = write_run(tmp_path / "before", [{}])
    now = write_run(tmp_path / "now", [{}])
    file = before / "decisions.parquet"
    kept = duckdb.connect().execute(
        f"select campaign, customer_id, slot, verdict, reason from read_parquet('{file}')"
    ).to_arrow_table()  # fmt: skip
    with duckdb.connect() as engine:
        engine.register("kept", kept)
        engine.execute(f"copy kept to '{file}' (format parquet)")
    found = moves(before, now)
    assert (found.sent_before, found.sent_now, found.entered, found.left) == (1, 1, (), ())
