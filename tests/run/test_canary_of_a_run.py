"""Nothing personal in what a whole run leaves beside its data: logs, dbt's artifacts, the journal, manifests."""

from __future__ import annotations

import re
import sqlite3

import duckdb
import pytest
from batch_home import PROJECT, FirstBatch

pytestmark = pytest.mark.xdist_group("first-batch")

# Where people belong, by contract: what came in, what was decided, what was handed over and what the outside took.
PLACES = ("inbox", "landing", "quarantine", "drops", "sandbox/accepted.jsonl")
MARKS = {"crm/profiles": ("email", "phone", "last_name"), "crm/devices": ("push_token", "device_id")}


def test_no_address_name_number_or_token_is_in_what_a_run_leaves_beside_its_data(
    first_batch: FirstBatch,
) -> None:
    home = first_batch.copy.path
    marks = {
        str(value)
        for table, columns in MARKS.items()
        for column in columns
        for (value,) in duckdb.sql(
            f"select distinct {column} from '{home}/landing/{table}/*.parquet' where length({column}) > 6"
        ).fetchall()
    }
    # A name of the sample that the project's own invented rows have too tells nothing.
    written = "\n".join(file.read_text() for file in (PROJECT / "models").rglob("*.yml"))
    marks = {mark for mark in marks if mark not in written}
    assert len(marks) > 150
    personal = re.compile(b"|".join(re.escape(mark.encode()) for mark in sorted(marks | {"sandbox-token"})))
    looked_at = [
        path
        for path in home.rglob("*")
        if path.is_file()
        and path.suffix not in {".parquet", ".duckdb"}
        and not any(path.is_relative_to(home / place) for place in PLACES)
    ]
    assert len(looked_at) > 100
    assert {path.suffix for path in looked_at} >= {".json", ".log", ".sql", ".db"}
    assert [path.relative_to(home) for path in looked_at if personal.search(path.read_bytes())] == []
    with sqlite3.connect(home / "journal.db") as journal:
        dump = "\n".join(journal.iterdump()).encode()
    assert b"INSERT INTO" in dump
    assert personal.search(dump) is None
    told = first_batch.copy.muster("status") + first_batch.copy.muster("doubt")
    assert personal.search(told.encode()) is None
