"""Layer rules that ``dbt-bouncer.yml`` cannot say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from small_sample import Built

from activation.settings import PROJECT

pytestmark = pytest.mark.xdist_group("dbt")


def models(built: Built, layer: str) -> list[dict[str, Any]]:
    nodes = built.artifact("manifest")["nodes"].values()
    return [node for node in nodes if node["resource_type"] == "model" and node["fqn"][1] == layer]


def test_a_staging_model_reads_the_one_table_that_it_is_named_after(built: Built) -> None:
    for model in models(built, "staging"):
        source, _, table = model["name"].removeprefix("stg_").partition("__")
        assert model["sources"] == [[source, table]]
        assert model["fqn"][2] == source


def test_every_source_table_is_staged(built: Built) -> None:
    read = {tuple(found) for model in models(built, "staging") for found in model["sources"]}
    sources = built.artifact("manifest")["sources"].values()
    assert {(source["source_name"], source["name"]) for source in sources} == read


def test_every_model_has_an_owner_who_can_be_written_to(built: Built) -> None:
    groups = {group["name"]: group["owner"] for group in built.artifact("manifest")["groups"].values()}
    for layer in ("staging", "intermediate", "marts", "audiences", "campaigns", "decisions", "reports"):
        assert models(built, layer)
        for model in models(built, layer):
            assert "@" in groups[model["group"]]["email"]


def test_every_rule_and_guard_has_a_unit_test(built: Built) -> None:
    tested = {test["model"] for test in built.artifact("manifest")["unit_tests"].values()}
    rules = {
        model["name"] for model in models(built, "decisions") if model["name"].startswith(("rule_", "guard_"))
    }
    assert rules <= tested


def test_nobody_reads_the_reports(built: Built) -> None:
    for model in built.artifact("manifest")["nodes"].values():
        upstream = {name.split(".")[-1] for name in model.get("depends_on", {}).get("nodes", [])}
        if model["resource_type"] == "model" and model["fqn"][1] != "reports":
            assert not any(name.startswith("rpt_") for name in upstream), model["name"]


@pytest.mark.parametrize("layer", ["audiences", "campaigns"])
def test_an_audience_or_campaign_is_one_sql_and_one_yml_file(layer: str) -> None:
    folder = PROJECT / "models" / layer
    assert {path.stem for path in folder.glob("*.sql")} == {path.stem for path in folder.glob("*.yml")}


@pytest.mark.parametrize("file", sorted((PROJECT / "macros").glob("*.sql")), ids=lambda file: file.stem)
def test_a_macro_file_defines_the_macro_of_its_name(file: Path) -> None:
    assert re.search(rf"macro {file.stem}\(", file.read_text())
