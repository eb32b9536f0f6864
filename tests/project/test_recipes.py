"""The recipes of ``CONTRIBUTING.md``, followed word for word in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from small_sample import AS_OF, Built, run_dbt

from activation.campaigns import load_campaigns
from activation.content import load_templates, templates_table
from activation.errors import ConfigurationError
from activation.home import open_home
from activation.landing.own import land_table
from activation.settings import PROJECT

pytestmark = pytest.mark.xdist_group("dbt")

PARTS = ("activation", "macros", "models", "seeds", "tests/dbt", "tests/connectors")
FILES = ("dbt_project.yml", "profiles.yml", "pyproject.toml")
STEP = re.compile(
    r"^\*\*(?:New file|One line|Instead of the twin)\*\* (?:in )?`(?P<path>[^`]+)`"
    r"(?:, (?P<how>after|instead of) `(?P<anchor>[^`]+)`)?\n\n```\w+\n(?P<text>.*?\n)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Step:
    """One thing that a recipe asks for."""

    path: str
    text: str
    how: str | None
    anchor: str | None

    def follow(self, project: Path) -> None:
        file = project / self.path
        if self.anchor is None:
            assert not file.exists()
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.text)
            return
        lines = file.read_text().splitlines(keepends=True)
        assert lines.count(f"{self.anchor}\n") == 1, f"{self.path} has no single line {self.anchor!r}"
        at = lines.index(f"{self.anchor}\n")
        lines[at : at + 1] = [self.text] if self.how == "instead of" else [lines[at], self.text]
        file.write_text("".join(lines))


def recipe(number: int) -> list[Step]:
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    section = text.split(f"\n## Recipe {number}: ")[1].split("\n## ")[0]
    steps = [
        Step(match["path"], match["text"], match["how"], match["anchor"]) for match in STEP.finditer(section)
    ]
    marks = re.findall(r"^\*\*(?:New file|One line|Instead of the twin)\*\*", section, re.MULTILINE)
    assert len(steps) == len(marks)
    return steps


def follow(number: int, project: Path) -> None:
    for step in recipe(number):
        step.follow(project)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy = tmp_path / "project"
    for part in PARTS:
        shutil.copytree(PROJECT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in FILES:
        shutil.copy(PROJECT / file, copy / file)
    return copy


def build(project: Path, built: Built, *select: str) -> Path:
    """Build on a copy of the shared home, with the templates of ``project`` landed as a run would."""
    home = project / "home"
    shutil.copytree(built.home, home)
    templates = templates_table(load_templates(project / "activation" / "templates"))
    land_table(open_home(home), "muster.templates", templates, AS_OF - timedelta(seconds=1))
    warehouse = project / "target" / built.warehouse.name
    warehouse.parent.mkdir()
    shutil.copy(built.warehouse, warehouse)
    arguments = ["build", "--select", "stg_muster__templates", *select]
    done = run_dbt(arguments, project, home, warehouse, project / "target")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return warehouse


def test_a_recipe_touches_no_more_than_it_says() -> None:
    audience, campaign = recipe(1), recipe(2)
    assert [Path(step.path).suffix for step in audience] == [".sql", ".yml"]
    lines = [step for step in campaign if step.anchor]
    assert [(step.path, step.how) for step in lines] == [("macros/campaign_priority.sql", "after")]
    models = [step.path for step in campaign if step.path.startswith("models/")]
    assert [Path(path).suffix for path in models] == [".sql", ".yml"]
    rest = [step.path for step in campaign if step not in lines and step.path not in models]
    assert {str(Path(path).parent) for path in rest} == {"activation/templates/frequent_thanks"}
    assert all(step.text.count("\n") == 1 for step in lines)


def test_an_audience_and_a_campaign_are_built_tested_and_decided(project: Path, built: Built) -> None:
    follow(1, project)
    follow(2, project)
    campaigns = load_campaigns(project)
    assert campaigns["frequent_thanks"].priority == campaigns["weekly_reactivation"].priority + 1
    template = load_templates(project / "activation" / "templates")["frequent_thanks"]
    assert (template.channel, "first_name" in template.placeholders) == ("email", True)
    warehouse = build(project, built, "aud_frequent_buyers+")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        (people,) = connection.execute("select count(*) from audiences.aud_frequent_buyers").fetchone() or (
            0,
        )
        (decided,) = connection.execute(
            "select count(*) from decisions.decision_log where campaign = 'frequent_thanks'"
        ).fetchone() or (0,)
    assert decided == people > 0


def test_a_campaign_without_its_line_is_named(project: Path) -> None:
    for step in recipe(1) + [step for step in recipe(2) if step.anchor is None]:
        step.follow(project)
    with pytest.raises(ConfigurationError, match=r"cmp_frequent_thanks\.yml:\d+.*campaign_priority\.sql"):
        load_campaigns(project)


def test_a_line_without_its_campaign_is_named(project: Path) -> None:
    for step in recipe(2):
        if step.anchor is not None:
            step.follow(project)
    with pytest.raises(ConfigurationError, match=r"add it") as caught:
        load_campaigns(project)
    assert "models/campaigns/cmp_frequent_thanks.yml" in str(caught.value)


@pytest.mark.parametrize("answers_by", ["twin", "stand-in"])
def test_a_connector_passes_the_conformance_suite(answers_by: str, project: Path) -> None:
    twin, stand_in = "activation/sandbox/", "tests/connectors/connector_cases.py"
    for step in recipe(3):
        if not step.path.startswith(twin if answers_by == "stand-in" else stand_in):
            step.follow(project)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "postbird"]
    command.append("tests/connectors/test_conformance.py")
    environment = os.environ | {"PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
