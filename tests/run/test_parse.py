"""dbt parses a version of the project once, and every run decides with values of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from batch_home import PROJECT, Home

from activation.parsed import project_digest

# What dbt would read while parsing, and keep; these macros ask at execution.
READS_VALUE = re.compile(r"\b(?:env_)?var\s*\(")
ASKS_LATE = {"run_value.sql", "source.sql"}
MODEL = "models/staging/web/stg_web__events.sql"
EXPORT = 'on-run-end:\n  - "{{ export_frozen_tables(results) }}"\n'
KEPT = ("models/staging/web", "models/_groups.yml", "tests/dbt/generic")
COMPILE = """
import sys
from pathlib import Path
from activation.build import run_dbt
from activation.home import World, open_home
arguments = ["compile", "--no-introspect", "--select", "stg_web__events"]
home = open_home(Path(sys.argv[1]), World.REHEARSAL)
sys.exit(run_dbt(arguments, home, home.build_directory("test"), {"as_of": sys.argv[2]}))
"""


def laid(home: Path, run_id: str) -> bytes:
    """The parse that a build has used: as it was laid there, or as dbt wrote it anew, with other times in it."""
    return (home / "warehouse" / "build" / run_id / "target" / "partial_parse.msgpack").read_bytes()


def compiled(project: Path, home: Path, as_of: str) -> str:
    """One model, compiled by the code and SQL of ``project``."""
    command = [sys.executable, "-c", COMPILE, str(home), as_of]
    environment = Home(home, project).environment()
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    log = home / "warehouse" / "build" / "test" / "dbt.log"
    assert done.returncode == 0, done.stderr + log.read_text()
    return (home / "warehouse" / "build" / "test" / "target" / "compiled" / "muster" / MODEL).read_text()


@pytest.fixture
def project(copy_project: Callable[..., Path]) -> Path:
    """A copy that is parsed in a few seconds: of the models, only staging for web events, and no export."""
    project = copy_project({"dbt_project.yml": (EXPORT, "")})
    for folder in ("models", "activation/sql", "seeds/reference", "tests/dbt"):
        shutil.rmtree(project / folder)
        (project / folder).mkdir()
    for path in KEPT:
        target = project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / path).is_dir():
            shutil.copytree(PROJECT / path, target)
        else:
            shutil.copy(PROJECT / path, target)
    return project


def test_a_parse_serves_every_home_until_a_file_is_edited_or_the_parse_is_damaged(
    project: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert "2017-11-22 14:00:00" in compiled(project, first, "2017-11-22 14:00:00")
    parse = laid(first, "test")
    told = compiled(project, second, "2017-11-29 15:00:00")
    assert "2017-11-29 15:00:00" in told, "each run has its own clock"
    assert "2017-11-22" not in told
    assert laid(second, "test") == parse

    edited = project / MODEL
    edited.write_text(edited.read_text() + "-- edited\n")
    assert "-- edited" in compiled(project, first, "2017-11-22 14:00:00")
    parse_of_edited = laid(first, "test")
    assert parse_of_edited != parse

    for kept in (project / "target" / "versions").glob("*.msgpack"):
        kept.write_bytes(b"damaged")
    assert "-- edited" in compiled(project, first, "2017-11-22 14:00:00")
    kept_parses = {kept.read_bytes() for kept in (project / "target" / "versions").glob("*.msgpack")}
    assert kept_parses == {b"damaged", laid(first, "test")}


def test_every_file_that_dbt_reads_is_part_of_the_version(copy_project: Callable[..., Path]) -> None:
    project = copy_project({})
    digests = {project_digest(project)}
    read = ("dbt_project.yml", "profiles.yml", MODEL, "macros/as_of.sql", "activation/sql/recheck.sql")
    for name in (*read, "seeds/reference/offers.csv", "tests/dbt/assert_waterfall_is_closed.sql"):
        file = project / name
        file.write_text(file.read_text() + "\n")
        digests.add(project_digest(project))
    (project / MODEL).rename(project / "models" / "campaigns" / "cmp_renamed.sql")
    digests.add(project_digest(project))
    assert len(digests) == len(read) + 4


def test_nothing_that_differs_between_runs_is_read_while_parsing() -> None:
    files = [
        file
        for folder in ("models", "macros", "activation/sql", "tests/dbt")
        for file in (PROJECT / folder).rglob("*")
        if file.suffix in {".sql", ".yml"} and file.name not in ASKS_LATE
    ]
    assert len(files) > 100
    assert [file for file in files if READS_VALUE.search(file.read_text())] == []
