"""Freeze: what the engine exported becomes one run in the ledger, whole or not at all.

The manifest says what the run read and what it decided. Its digest is over sorted canonical rows, so that a
replay with the same inputs has the same digest; file digests beside it only detect damage.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from activation import __version__
from activation.build import BuildResult, sql_moment
from activation.digest import content_digest, file_digest
from activation.errors import BuildError, ConfigurationError
from activation.frozen import FrozenRun, read_frozen, read_manifest
from activation.home import Home, fsync_directory, open_home, write_atomically
from activation.privacy.notes import amendments
from activation.request import RunRequest
from activation.settings import PROJECT

# The tables whose content is the decision; guards and counts describe it.
DECISIVE = (
    "decisions",
    "outbox_messages",
    "outbox_memberships",
    "volume_claims",
    "profile_customers",
    "audiences",
)


def is_frozen(home: Home, run_id: str) -> bool:
    """Whether the run stands in the ledger."""
    return (home.run_directory(run_id) / "frozen" / "manifest.json").exists()


def freeze(
    home: Home, request: RunRequest, built: BuildResult, recheck: str, inputs: Mapping[str, list[str]]
) -> FrozenRun:
    """Move an export into the ledger with its manifest. Raises ``BuildError`` where a table is missing."""
    write_atomically(built.export / "recheck.sql", recheck.encode())
    tables = describe(built.export)
    manifest = {
        "run_id": request.run_id,
        "as_of": request.as_of.isoformat(),
        "known_until": request.known_until.isoformat(),
        "campaigns": list(request.campaigns),
        "requested_by": request.requested_by,
        "held": dict(built.held),
        "based_on": None
        if built.based_on is None
        else {"run_id": built.based_on.run_id, "as_of": built.based_on.as_of.isoformat()},
        "digest": overall_digest(tables),
        "tables": tables,
        "inputs": dict(inputs),
        "definitions": dict(built.definitions),
        "git_commit": git_commit(),
        "dbt_invocation_id": built.invocation_id,
        "muster_version": __version__,
    }
    for file in built.export.iterdir():
        file.chmod(0o600)
        _fsync(file)
    write_atomically(built.export / "manifest.json", json.dumps(manifest, indent=2).encode())
    target = home.run_directory(request.run_id) / "frozen"
    built.export.rename(target)
    fsync_directory(target.parent)
    shutil.rmtree(built.directory / "tmp", ignore_errors=True)
    return read_frozen(home, request.run_id)


def verify(run: FrozenRun) -> None:
    """Compare the frozen files with their manifest, as signed notes of erasures amend it.

    Raises ``ConfigurationError`` where one was damaged, or an erasure did not come to its end.
    """
    tables = read_manifest(run).tables
    amended = amendments(open_home(run.directory.parents[3]), run.run_id)
    for name in DECISIVE:
        file = run.directory / f"{name}.parquet"
        expected = amended[name].file_sha256 if name in amended else tables.get(name, {}).get("file_sha256")
        if not file.exists() or file_digest(file) != expected:
            raise ConfigurationError(
                f"{file} is not what was frozen: restore it from a backup (where an erasure was interrupted, `muster "
                "erase --finish` goes on with it); until then nothing of it may be sent"
            )


def describe(export: Path) -> dict[str, dict[str, object]]:
    """Rows, content digest and file digest of each exported table."""
    tables: dict[str, dict[str, object]] = {}
    for file in sorted(export.glob("*.parquet")):
        rows, digest = content_digest(str(file))
        tables[file.stem] = {"rows": rows, "digest": digest, "file_sha256": file_digest(file)}
    missing = sorted(set(DECISIVE) - set(tables))
    if missing:
        raise BuildError(
            f"the build exported no {missing[0]}: nothing can be frozen; see macros/export_frozen_tables.sql"
        )
    return tables


def overall_digest(tables: Mapping[str, Mapping[str, object]]) -> str:
    """One digest over the content of the decisive tables."""
    lines = "".join(f"{name}:{tables[name]['digest']}\n" for name in DECISIVE)
    return hashlib.sha256(lines.encode()).hexdigest()


def inputs_seen(home: Home, request: RunRequest) -> dict[str, list[str]]:
    """The landing and ledger files that a build of this run can see, relative to the home.

    Only files: which of their rows count is decided by ``_loaded_at`` and ``known_at``.
    """
    own = home.run_directory(request.run_id)
    landing = sorted(str(file.relative_to(home.path)) for file in home.landing.glob("*/*/*.parquet"))
    ledger = sorted(
        str(file.relative_to(home.path))
        for file in home.ledger.glob("**/*.parquet")
        if own not in file.parents
    )
    return {"landing": landing, "ledger": ledger, "clock": [sql_moment(request.as_of)]}


def git_commit() -> str | None:
    """The commit of the project, with ``+changes`` where files differ from it; None outside of git."""
    try:
        commit = _git("rev-parse", "HEAD")
        changes = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}+changes" if changes else commit


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout.strip()


def _fsync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
