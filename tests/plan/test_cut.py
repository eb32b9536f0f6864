"""A rehearsal home cut from another: what it knows, and that the other is only read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation import ledger
from activation.cut import cut, first_load, refuse_before_first_load
from activation.errors import ConfigurationError
from activation.home import Home, World, open_home
from activation.landing.contract import ensure_schema_files
from activation.landing.load import land
from activation.request import RunRequest, record_request

FIRST = datetime(2026, 3, 2, 14, tzinfo=UTC)
BEFORE, AFTER = datetime(2026, 2, 23, 14), datetime(2026, 3, 9, 14)  # noqa: DTZ001
PROFILES = """profile_id,source_system,email,created_at,updated_at,_loaded_at
p1,crm,p1@example.com,2026-01-01,2026-01-01,2026-01-02 01:00:00
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = open_home(tmp_path / "home", create=World.LIVE)
    ensure_schema_files(home)
    ledger.ensure_ledger(home)
    file = home.inbox / "crm" / "profiles" / "first.csv"
    file.parent.mkdir(parents=True)
    file.write_text(PROFILES)
    land(home, FIRST)
    for run_id, as_of in (("early", BEFORE), ("late", AFTER)):
        moment = as_of.replace(tzinfo=UTC)
        record_request(home, RunRequest(run_id, moment, moment, ("weekly", "daily"), "test"))
        stamps = {"run_id": run_id, "as_of": as_of, "known_at": as_of}
        rows = [stamps | {"campaign": name, "message_id": f"{run_id}-{name}"} for name in ("weekly", "daily")]
        ledger.append(home, "receipts", run_id, table(rows, ledger.RECEIPTS))
        frozen = home.run_directory(run_id) / "frozen"
        frozen.mkdir()
        for name in ("reservations", "profile_customers"):
            kept = [row | {"profile_id": "p1"} for row in rows]
            pq.write_table(table(kept, ledger.FROZEN[name]), frozen / f"{name}.parquet")
    return home


def table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)


def messages(place: Path) -> set[str]:
    found = duckdb.connect().execute(
        "select message_id from read_parquet(?, union_by_name = true)", [str(place)]
    ).fetchall()  # fmt: skip
    return {row[0] for row in found}


def digests(home: Home) -> Mapping[str, tuple[str, int]]:
    files = [file for file in home.path.rglob("*") if file.is_file()]
    return {
        str(file): (hashlib.sha256(file.read_bytes()).hexdigest(), os.stat(file).st_mode)  # noqa: PTH116
        for file in files
    }


def test_what_the_campaigns_did_since_the_first_week_is_left_out_and_all_else_is_kept(home: Home) -> None:
    with cut(home, FIRST, ["weekly"]) as rehearsal:
        expected = {"early-weekly", "early-daily", "late-daily"}
        assert messages(rehearsal.ledger / "receipts" / "*.parquet") == expected
        assert messages(rehearsal.ledger / "runs" / "*" / "frozen" / "reservations.parquet") == expected
        assert (rehearsal.run_directory("late") / "frozen" / "profile_customers.parquet").exists()
        landed = [file.name for file in (home.landing / "crm" / "profiles").glob("*.parquet")]
        assert sorted(os.listdir(rehearsal.landing / "crm" / "profiles")) == sorted(landed)  # noqa: PTH208


def test_it_is_a_rehearsal_whatever_it_was_cut_from_and_is_gone_afterwards(home: Home) -> None:
    with cut(home, FIRST, ["weekly"]) as rehearsal:
        assert rehearsal.world is World.REHEARSAL
        assert list(rehearsal.landing.glob("muster/templates/2026*.parquet"))
    assert not rehearsal.path.exists()


def test_the_home_is_only_read(home: Home) -> None:
    before = digests(home)
    with cut(home, FIRST, ["weekly"]) as rehearsal:
        ledger.append(rehearsal, "receipts", "new", ledger.RECEIPTS.empty_table())
    assert digests(home) == before


def test_a_moment_before_the_first_load_is_refused_with_its_date(home: Home, tmp_path: Path) -> None:
    assert first_load(home) == datetime(2026, 1, 2, 1)  # noqa: DTZ001
    refuse_before_first_load(home, FIRST)
    with pytest.raises(ConfigurationError, match="the first load was on 2026-01-02 01:00 UTC"):
        refuse_before_first_load(home, datetime(2026, 1, 2, 1, tzinfo=UTC))
    empty = open_home(tmp_path / "empty", create=World.LIVE)
    ensure_schema_files(empty)
    with pytest.raises(ConfigurationError, match="nothing was landed yet"):
        refuse_before_first_load(empty, FIRST)
