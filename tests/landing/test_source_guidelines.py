"""How each source is collected is written down where the docs show it, and nothing lands that nobody reads."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from activation.landing.contract import contract
from activation.settings import PROJECT

GUIDELINES = {"goal", "cadence", "owner", "legal_basis", "freshness_limit"}
FILES = sorted((PROJECT / "models" / "staging").glob("*/_*__sources.yml"))


def sources() -> list[dict[str, Any]]:
    return [source for file in FILES for source in yaml.safe_load(file.read_text())["sources"]]


def test_every_table_of_the_landing_contract_is_a_source_of_dbt_and_no_other_is() -> None:
    declared = {f"{source['name']}.{table['name']}" for source in sources() for table in source["tables"]}
    ledger = {name for name in declared if name.startswith("ledger.")}
    assert declared - ledger == set(contract())


@pytest.mark.parametrize("source", sources(), ids=lambda source: str(source["name"]))
def test_a_source_says_goal_cadence_owner_legal_basis_and_freshness_limit(source: dict[str, Any]) -> None:
    meta = source["config"]["meta"]
    assert set(meta) >= GUIDELINES
    assert all(str(meta[guideline]).strip() for guideline in GUIDELINES)
    assert "@" in meta["owner"]
    assert source["description"].strip()
    assert all(table["description"].strip() for table in source["tables"])
