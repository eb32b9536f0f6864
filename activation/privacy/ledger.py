"""A person in the ledger: frozen runs and receipts keep their figures, and lose whom they were about.

Rows of an outbox stay, as the journal refers to them by position. What is left names nobody: a customer id that stands
for all who were erased, and no address. Each changed table of a frozen run is amended by the erasure's signed note
before it is changed, so that what is neither the old file nor the new one is damage.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from activation.digest import content_digest, file_digest
from activation.errors import ConfigurationError
from activation.frozen import Kind
from activation.home import Home
from activation.landing.contract import publish, temporary_name
from activation.landing.source import literal
from activation.privacy.identifiers import PSEUDONYM
from activation.privacy.notes import Amended, amendments, next_number, read_note, write_note

ROW_GROUP_ROWS = 20_480  # as the engine writes frozen tables
CUSTOMER = "customer_id in (select value from person where kind = 'customer')"
NOBODY = literal(PSEUDONYM)


@dataclass(frozen=True)
class Rewrite:
    """How a table loses a person: columns with other values, by SQL expression; or, with none, its rows.

    With ``is_of_sets`` it holds the identifiers that a removal from a set needs, and waits for it.
    """

    values: Mapping[str, str]
    condition: str = CUSTOMER
    is_of_sets: bool = False


@dataclass(frozen=True)
class Job:
    """What a rewrite is part of: an engine over a home, and the erasure that its notes speak for."""

    connection: duckdb.DuckDBPyConnection
    home: Home
    erasure_id: str
    erased_at: datetime


GONE: Mapping[str, str] = {}
MEMBER = {"customer_id": NOBODY, "email": "null", "phone": "null", "external_id": "null"}
FROZEN = {
    "decisions": Rewrite({"customer_id": NOBODY, "qualified_by": "null", "fields": "null"}),
    "outbox_messages": Rewrite({"customer_id": NOBODY, "address": "null", "fields": "'{}'"}),
    "outbox_memberships": Rewrite(MEMBER, is_of_sets=True),
    "reservations": Rewrite({"customer_id": NOBODY}),
    # Which cut a sign-up came in is counted by rows; which sign-up it was is nobody's to know.
    "volume_claims": Rewrite(
        {"customer_id": NOBODY, "signup_id": "'erased-' || $erasure || '-' || row_number() over ()"}
    ),
    "profile_customers": Rewrite(
        GONE, f"({CUSTOMER} or profile_id in (select value from person where kind = 'profile'))"
    ),
    "audiences": Rewrite(GONE),
}  # fmt: skip
APPENDED = {
    "receipts": Rewrite({"customer_id": NOBODY, "provider_id": "null"}),
    "membership_receipts": Rewrite(GONE, is_of_sets=True),
}


def frozen_runs(home: Home) -> Iterator[tuple[str, Path]]:
    """Run ids and folders of frozen runs, in the order of their names."""
    for file in sorted((home.ledger / "runs").glob("*/frozen/manifest.json")):
        yield file.parent.parent.name, file.parent


def outbox_positions(
    connection: duckdb.DuckDBPyConnection, home: Home, also: str = "true"
) -> dict[tuple[str, Kind], list[int]]:
    """Positions of the registered person's rows in the outboxes, by run and kind; only where there are some."""
    found = {}
    for run_id, directory in frozen_runs(home):
        for kind in Kind:
            file = directory / f"outbox_{kind.value}s.parquet"
            if file.exists():
                condition = f"{CUSTOMER} and ({also if kind is Kind.MEMBERSHIP else 'true'})"
                rows = connection.execute(
                    f"select position from {_read(file)} where {condition} order by position"
                ).fetchall()
                if rows:
                    found[run_id, kind] = [int(at) for (at,) in rows]
    return found


def campaigns_with(connection: duckdb.DuckDBPyConnection, home: Home) -> list[str]:
    """The campaigns whose outboxes have rows of the registered person."""
    found: set[str] = set()
    for _, directory in frozen_runs(home):
        for kind in Kind:
            file = directory / f"outbox_{kind.value}s.parquet"
            if file.exists():
                rows = connection.execute(f"select distinct campaign from {_read(file)} where {CUSTOMER}")
                found |= {str(name) for (name,) in rows.fetchall()}
    return sorted(found)


def counts_of(connection: duckdb.DuckDBPyConnection, home: Home) -> dict[str, int]:
    """Rows of the registered person by what becomes of them and table, as ``removed ledger.audiences``."""
    counts: dict[str, int] = {}
    for name, rewrite, file in _files(home):
        found = connection.execute(f"select count(*) from {_read(file)} where {rewrite.condition}").fetchone()
        if found and found[0]:
            what = f"{'pseudonymised' if rewrite.values else 'removed'} ledger.{name}"
            counts[what] = counts.get(what, 0) + int(found[0])
    return counts


def rewrite_ledger(
    job: Job, *, of_sets: bool, keep: Callable[[str], frozenset[int]] = lambda _: frozenset()
) -> None:
    """Take the registered person out of all tables, or, ``of_sets``, out of those that removals from sets needed.

    Of changes of sets, those that were only planned lose the person at once; ``keep`` gives, by run, the positions
    that stay for now. Again is a no-op. Raises ``ConfigurationError`` where a frozen table is damaged.
    """
    for name, rewrite, file in _files(job.home):
        condition = rewrite.condition
        run_id = file.parent.parent.name if name in FROZEN else None
        if rewrite.is_of_sets and not of_sets:
            if run_id is None:
                continue
            listed = ", ".join(map(str, sorted(keep(run_id))))
            condition += f" and operation = 'add' and position not in ({listed or '-1'})"
        if job.connection.execute(f"select 1 from {_read(file)} where {condition} limit 1").fetchone():
            _rewrite(job, file, replace(rewrite, condition=condition), run_id)


def _files(home: Home) -> Iterator[tuple[str, Rewrite, Path]]:
    for _, directory in frozen_runs(home):
        for name, rewrite in FROZEN.items():
            if (directory / f"{name}.parquet").exists():
                yield name, rewrite, directory / f"{name}.parquet"
    for name, rewrite in APPENDED.items():
        for file in sorted((home.ledger / name).glob("[!.]*.parquet")):
            yield name, rewrite, file


def _rewrite(job: Job, file: Path, rewrite: Rewrite, run_id: str | None) -> None:
    condition = rewrite.condition
    query = f"select * from {_read(file)} where not coalesce({condition}, false)"
    if rewrite.values:
        names = set(pq.read_schema(file).names)
        changed = ", ".join(
            f"case when {condition} then {value.replace('$erasure', literal(job.erasure_id))} else {name} end as {name}"
            for name, value in rewrite.values.items()
            if name in names
        )
        query = f"select * replace ({changed}) from {_read(file)}"
    temporary = temporary_name(file)
    try:
        job.connection.execute(
            f"copy ({query}) to {literal(str(temporary))} "
            f"(format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS}, use_tmp_file false)"
        )
        if run_id is not None:
            _amend(job, file, temporary, run_id)
        publish(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def _amend(job: Job, file: Path, new: Path, run_id: str) -> None:
    """Say in the erasure's note what the table is from now on. The file was as it should be until now."""
    earlier = amendments(job.home, run_id).get(file.stem)
    frozen = json.loads((file.parent / "manifest.json").read_text())["tables"].get(file.stem, {})
    note = read_note(job.home, job.erasure_id, job.erased_at)
    is_ours = file.stem in note.runs.get(run_id, {})  # written down before a crash, and not done yet
    expected = earlier.file_sha256 if earlier else frozen.get("file_sha256")
    if expected is not None and not is_ours and file_digest(file) != expected:
        raise ConfigurationError(
            f"{file} is not what was frozen: restore it from a backup, and erase again; the erasure goes on from there"
        )
    rows, digest = content_digest(str(new))
    amended = Amended(next_number(job.home), rows, digest, file_digest(new))
    write_note(job.home, note.amending(run_id, file.stem, amended))


def _read(file: Path) -> str:
    return f"read_parquet({literal(str(file))})"
