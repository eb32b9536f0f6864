"""Rules of this project that no tool knows, checked over its files."""

from __future__ import annotations

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
PROMISED = {"help", "demo", "test", "lint", "docs", "spark", "bench", "clean", "lock"}


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


def test_a_campaign_says_the_same_destination_and_template_in_sql_and_to_people() -> None:
    templates = load_templates()
    for name, campaign in load_campaigns().items():
        text = (PROJECT / "models" / "campaigns" / f"cmp_{name}.sql").read_text()
        literals = re.findall(r"'(\w+)' as (destination|template)\b", text)
        assert {value for value, column in literals if column == "destination"} <= set(campaign.destinations)
        assert all(f"'{destination}'" in text for destination in campaign.destinations)
        assert all(value in templates for value, column in literals if column == "template")
        channels = {REGISTRY[destination].channel for destination in campaign.destinations}
        assert channels.isdisjoint(PARTS) or " as template" in text or "'template'" in text


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
