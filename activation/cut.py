"""A rehearsal home cut from this one: what was landed, and what the ledger says of everything but some campaigns.

The home that it is cut from is only read. Files that stay as they are get a second name, or are copied where the
temporary directory lies on another file system.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from activation import ledger
from activation.clock import naive_utc
from activation.content import load_templates, templates_table
from activation.errors import ConfigurationError
from activation.frozen import connect
from activation.home import Home, World, open_home
from activation.landing.contract import LOADED_AT, SCHEMA_FILE, ensure_schema_files
from activation.landing.own import land_table
from activation.request import runs

_OWN = "muster"  # the source that Muster lands itself
_TEMPLATES = "muster.templates"
_MOMENT = timedelta(microseconds=1)


@contextmanager
def cut(home: Home, first: datetime, campaigns: Sequence[str]) -> Iterator[Home]:
    """A rehearsal home in which ``campaigns`` did nothing since ``first``; gone afterwards.

    The templates in force now are landed as if they had been so at ``first``: what is tried is this version.
    """
    with tempfile.TemporaryDirectory(prefix="muster-cut-") as name:
        rehearsal = open_home(Path(name) / "home", create=World.REHEARSAL)
        for file in home.landing.glob("*/*/*.parquet"):
            place = file.relative_to(home.landing)
            if ".".join(place.parts[:2]) != _TEMPLATES:
                _link(file, rehearsal.landing / place)
        ensure_schema_files(rehearsal)
        ledger.ensure_ledger(rehearsal)
        _cut_appended(home, rehearsal, first, campaigns)
        _cut_runs(home, rehearsal, first, campaigns)
        land_table(rehearsal, _TEMPLATES, templates_table(load_templates()), first - _MOMENT)
        yield rehearsal


def first_load(home: Home) -> datetime | None:
    """When the first row of any source was landed, as naive UTC; None where nothing was."""
    files = [
        str(file)
        for file in sorted(home.landing.glob("*/*/*.parquet"))
        if file.name != SCHEMA_FILE and file.parent.parent.name != _OWN
    ]
    if not files:
        return None
    with connect() as engine:
        row = engine.execute(
            f"select min({LOADED_AT}) from read_parquet(?, union_by_name = true)", [files]
        ).fetchone()
    return row[0] if row else None


def refuse_before_first_load(home: Home, first: datetime) -> None:
    """Raise ``ConfigurationError`` where nothing was known yet at ``first``; it says since when something was."""
    loaded = first_load(home)
    if loaded is None:
        raise ConfigurationError("nothing was landed yet, so there is no past to test on: `muster land`")
    if naive_utc(first) <= loaded:
        raise ConfigurationError(
            f"the first week would be as of {first:%Y-%m-%d %H:%M}, but the first load was on "
            f"{loaded:%Y-%m-%d %H:%M} UTC: nothing was known before; take fewer --weeks or a later --as-of"
        )


def _cut_appended(home: Home, rehearsal: Home, first: datetime, campaigns: Sequence[str]) -> None:
    """Receipts and releases, each kind in one file."""
    with connect() as engine:
        for kind, schema in ledger.APPENDED.items():
            # The schema file of the new home has every column, also those that older files lack.
            files = [
                str(file) for each in (rehearsal, home) for file in (each.ledger / kind).glob("*.parquet")
            ]
            kept = engine.execute(
                f"select {', '.join(schema.names)} from read_parquet($files, union_by_name = true) "
                "where as_of < $first or not list_contains($campaigns, campaign)",
                {"files": files, "first": naive_utc(first), "campaigns": list(campaigns)},
            ).to_arrow_table()
            ledger.append(rehearsal, kind, "before", kept)


def _cut_runs(home: Home, rehearsal: Home, first: datetime, campaigns: Sequence[str]) -> None:
    """What the build reads of frozen runs: whole of those before ``first``, of later ones the other campaigns."""
    with connect() as engine:
        for request in runs(home):
            source, target = (each.run_directory(request.run_id) / "frozen" for each in (home, rehearsal))
            for name, schema in ledger.FROZEN.items():
                file = source / f"{name}.parquet"
                if not file.exists():
                    continue
                if request.as_of < first or "campaign" not in schema.names:
                    _link(file, target / file.name)
                    continue
                target.mkdir(mode=0o700, parents=True, exist_ok=True)
                engine.execute(
                    "copy (select * from read_parquet($file) where not list_contains($campaigns, campaign)) "
                    "to $target (format parquet, compression zstd, compression_level 1)",
                    {"file": str(file), "campaigns": list(campaigns), "target": str(target / file.name)},
                )


def _link(source: Path, target: Path) -> None:
    """The same file at another place: a second name of it, or a copy on another file system."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
