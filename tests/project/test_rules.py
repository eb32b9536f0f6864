"""Rules of this project that no tool knows, checked over its files."""

from __future__ import annotations

import csv
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from activation.campaigns import load_campaigns
from activation.connectors.registry import REGISTRY
from activation.content import PARTS, load_templates
from activation.settings import PROJECT

REGISTRY_HOST = re.compile(
    r"py[p]i[.]org|python[h]osted|np[m]js[.]|docker[.]io|index-url [h/]", re.IGNORECASE
)
MACHINE_PATH = re.compile(r"(?<![\w.*}])/(?:work|root|home|Users)/\w")
# A model reads no clock but as_of, and nothing that differs from run to run or release to release.
UNREPEATABLE = re.compile(
    r"\b(?:now|getdate|today|random|rand|uuid|gen_random_uuid|hash|ntile)\s*\(|\bcurrent_(?:date|time|timestamp)\b"
    r"|::|\bvarchar\b|\{\{ *run_started_at|\binvocation_id\b",
    re.IGNORECASE,
)
COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
MAX_SQL_LINE = 120
PROMISED = {"help", "demo", "test", "lint", "docs", "spark", "bench", "mutants", "clean", "lock"}


def committed() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return [PROJECT / name for name in names.split("\0") if name and (PROJECT / name).is_file()]


def text_files() -> list[tuple[Path, str]]:
    found = []
    for path in committed():
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((path, content.decode("utf-8")))
    return found


def sql(folder: str) -> list[Path]:
    return sorted((PROJECT / folder).rglob("*.sql"))


def test_every_exposure_of_a_campaign_names_a_registered_connector_and_a_person_to_ask() -> None:
    campaigns = load_campaigns()
    assert campaigns
    for campaign in campaigns.values():
        assert set(campaign.destinations) <= set(REGISTRY)
        assert "@" in campaign.owner_email
        assert "@" in campaign.approver


def campaign_sql(name: str) -> str:
    return (PROJECT / "models" / "campaigns" / f"cmp_{name}.sql").read_text()


def templates_of(name: str) -> set[str]:
    """What a campaign gives to the column ``template``: one for all, by person, or by the step of a sequence.

    A text to which something is added stands for every template whose name begins with it.
    """
    text = campaign_sql(name)
    named = set(re.findall(r"'(\w+)' as template\b", text))
    for by_person in re.findall(r"\bcase\b((?:(?!\bend\b).)*)\bend as template\b", text, re.DOTALL):
        for literal, is_added_to in re.findall(r"\b(?:then|else) '(\w+)'( \|\|)?", by_person):
            known = {content.name for content in load_templates().values()}
            named |= {each for each in known if each.startswith(literal)} if is_added_to else {literal}
    with (PROJECT / "seeds" / "reference" / "sequence_steps.csv").open(newline="") as file:
        return named | {row["template"] for row in csv.DictReader(file) if row["campaign"] == name}


def test_a_campaign_says_the_same_destinations_in_sql_and_to_people() -> None:
    for name, campaign in load_campaigns().items():
        text = campaign_sql(name)
        assert set(re.findall(r"'(\w+)' as destination\b", text)) == set(campaign.destinations), name
        (channel,) = re.findall(r"'(\w+)' as channel\b", text)
        assert {REGISTRY[destination].channel for destination in campaign.destinations} == {channel}, name


def test_a_campaign_has_templates_of_its_channel_and_purpose_and_a_set_has_none() -> None:
    templates = load_templates()
    for name, campaign in load_campaigns().items():
        (purpose,) = re.findall(r"'(\w+)' as purpose\b", campaign_sql(name))
        channel = REGISTRY[campaign.destinations[0]].channel
        named = templates_of(name)
        assert bool(named) == (channel in PARTS), name
        assert all(templates[template].channel == channel for template in named), name
        # A service template may lack the way out that marketing must have.
        assert purpose != "marketing" or all(templates[each].purpose == "marketing" for each in named), name


def test_no_template_lies_about_that_no_campaign_uses() -> None:
    used = {template for name in load_campaigns() for template in templates_of(name)}
    assert {content.name for content in load_templates().values()} == used


@pytest.mark.parametrize("layer", ["audiences", "campaigns"])
def test_every_audience_and_campaign_has_an_owner_a_purpose_and_criteria(layer: str) -> None:
    files = sorted((PROJECT / "models" / layer).glob("*.yml"))
    assert files
    for file in files:
        (model,) = yaml.safe_load(file.read_text())["models"]
        assert "@" in model["config"]["meta"]["owner"], file.name
        purpose, _, criteria = model["description"].partition("**Criteria.**")
        assert purpose.startswith("**Purpose.** "), file.name
        assert criteria.strip(), file.name


def test_every_audience_promises_golden_customers_each_once() -> None:
    for file in sorted((PROJECT / "models" / "audiences").glob("*.yml")):
        (model,) = yaml.safe_load(file.read_text())["models"]
        assert "audience_members" in model["data_tests"], file.name


def test_no_file_names_a_registry_or_somebody_s_machine() -> None:
    for path, text in text_files():
        for rule in (REGISTRY_HOST, MACHINE_PATH):
            found = rule.search(text)
            assert found is None, f"{path.relative_to(PROJECT)}: {found[0] if found else ''}"


@pytest.mark.parametrize("file", sql("models"), ids=lambda file: file.stem)
def test_a_model_gives_the_same_rows_whenever_and_wherever_it_runs(file: Path) -> None:
    assert UNREPEATABLE.findall(COMMENT.sub("", file.read_text())) == []


@pytest.mark.parametrize("file", [*sql("models"), *sql("tests/dbt")], ids=lambda file: file.stem)
def test_sql_lines_are_short_enough_to_read_side_by_side(file: Path) -> None:
    long = [n for n, line in enumerate(file.read_text().splitlines(), 1) if len(line) > MAX_SQL_LINE]
    assert long == []


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def test_make_help_lists_every_promised_target() -> None:
    command = ["make", "--no-print-directory", "help"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in listed.splitlines()} == make_targets()
    assert make_targets() >= PROMISED


def test_every_make_target_that_a_document_names_exists() -> None:
    documents = [PROJECT / ".ci" / "run", *PROJECT.glob("*.md")]
    for document in documents:
        named = set(re.findall(r"(?:`|^|&& )make ([a-z-]+)", document.read_text(), re.MULTILINE))
        assert named <= make_targets() | {"lint-layers"}, document.name


def test_continuous_integration_calls_the_targets_that_people_call() -> None:
    (line,) = re.findall(r"^for target in (.*); do$", (PROJECT / ".ci" / "run").read_text(), re.MULTILINE)
    assert set(line.split()) == {"lint", "test", "demo", "spark"}
    assert line.split()[-1] == "test"
