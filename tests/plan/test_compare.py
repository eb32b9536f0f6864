"""Which revisions can be compared, and how a comparison reads."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from log_fixtures import excluded, write_run

from activation.compare import Comparison, commit_of, comparison_json, comparison_markdown, comparison_text
from activation.errors import ConfigurationError
from activation.frozen import connect
from activation.plans.moves import compare_logs

FILES = ("dbt_project.yml", "profiles.yml", "macros/campaign_priority.sql")
AS_OF = datetime(2026, 3, 2, 14, tzinfo=UTC)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose first commit is no project, and whose second is one, in a folder of it."""
    project = tmp_path / "shop" / "muster"
    for name in FILES:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("text")
    (tmp_path / "shop" / "README").write_text("text")
    git(project, "init", "-q", "-b", "main", str(tmp_path / "shop"))
    for number, path in enumerate((tmp_path / "shop" / "README", project)):
        git(project, "add", str(path))
        git(project, "commit", "-qm", f"commit {number}")
    return project


def git(place: Path, *arguments: str) -> str:
    named = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", *arguments]
    return subprocess.run(named, cwd=place, check=True, capture_output=True, text=True).stdout.strip()


def test_a_revision_is_a_branch_a_tag_or_a_commit(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "v1")
    assert {commit_of(name, repository) for name in ("main", "v1", head[:10], "HEAD")} == {head}


@pytest.mark.parametrize("name", ["no-such-branch", "--all", "HEAD~9", ""])
def test_a_name_that_is_no_revision_is_told(repository: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="git knows no revision"):
        commit_of(name, repository)


def test_a_revision_without_the_project_is_told_with_the_file_that_it_lacks(repository: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"has no dbt_project\.yml"):
        commit_of("HEAD~1", repository)


def test_a_comparison_reads_the_same_in_three_forms(tmp_path: Path) -> None:
    there = write_run(tmp_path / "there", [{"customer_id": f"c{n}"} for n in range(3)])
    here = write_run(
        tmp_path / "here",
        [
            {"customer_id": "c0"},
            excluded("c1", "no_consent"),
            excluded("c2", "no_consent"),
            {"customer_id": "c3"},
        ],
    )
    with connect() as engine:
        logs = [folder / "decisions.parquet" for folder in (here, there)]
        moves = compare_logs(engine, *logs, ["weekly", "daily"], ids=1)
    found = Comparison("main", "0" * 40, AS_OF, moves)
    text = comparison_text(found)
    assert "3 there, 2 here" in text
    assert "in         1  there: no candidate: c3" in text
    assert "out        2  here: no consent: c1 …" in text
    assert "the same 0 people get the same" in text
    assert "| weekly | 3 | 2 | 1 | 2 | 0 | 0 |" in comparison_markdown(found)
    assert comparison_json(found)["campaigns"][0]["left"][0]["customer_ids"] == ("c1",)
