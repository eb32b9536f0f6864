"""An export holds everything on one person, nothing on anybody else, and says what each file is."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from people import ANN, FILES, NOW, Household

from activation.errors import ConfigurationError
from activation.privacy.erase import erase
from activation.privacy.export import export


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def exported(household: Household, tmp_path: Path) -> Path:
    frozen = household.home.run_directory("r1") / "frozen"
    frozen.mkdir(parents=True)
    with duckdb.connect() as engine:
        engine.execute(
            f"copy (select * from (values ('{ANN}', 'spring', 'exclude', 'no_consent'), "
            "('customer-ben', 'spring', 'send', null)) as t (customer_id, campaign, verdict, reason)) "
            f"to '{frozen}/decisions.parquet' (format parquet)"
        )
    export(household.home, who="a1", address=None, to=tmp_path / "out", now=NOW)
    return tmp_path / "out"


def test_it_has_what_an_erasure_would_take_and_what_was_decided(household: Household, exported: Path) -> None:
    counts = {file.name.removesuffix(".jsonl"): len(lines(file)) for file in exported.glob("*.jsonl")}
    landed = {name: rows for name, rows in counts.items() if name in FILES}
    taken = erase(
        household.home, who="a1", address=None, reason="", by="", now=NOW, dry_run=True
    ).entry.counts
    assert landed == {name.split()[1]: rows for name, rows in taken.items() if "quarantine" not in name}
    assert counts["quarantine"] == taken["removed quarantined rows"]
    (decision,) = lines(exported / "ledger.decisions.jsonl")
    assert (decision["customer_id"], decision["reason"]) == (ANN, "no_consent")
    assert decision["reason_in_words"]
    assert counts["warehouse.dim_customers"] == 1


def test_it_has_nothing_of_anybody_else(exported: Path) -> None:
    text = "\n".join(file.read_text() for file in exported.iterdir())
    for mark in ("ben@", "cleo@", '"b1"', '"a12"', "device-ben", "/his", "customer-ben", "0199"):
        assert mark not in text
    assert all(row.get("profile_id") for row in lines(exported / "crm.devices.jsonl"))


def test_its_index_names_each_file_with_its_purpose_and_limit(exported: Path) -> None:
    index = (exported / "README.md").read_text()
    assert all(file.name in index for file in exported.glob("*.jsonl"))
    assert "| Prove every permission | legal obligation |" in index
    assert "400 days: behaviour is looked at over a year" in index
    assert exported.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in exported.iterdir())


def test_a_folder_with_something_in_it_is_refused_and_nobody_leaves_none(
    household: Household, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(ConfigurationError, match="new or empty"):
        export(household.home, who="a1", address=None, to=tmp_path / "full", now=NOW)
    with pytest.raises(ConfigurationError, match="nothing is held"):
        export(household.home, who="nobody", address=None, to=tmp_path / "none", now=NOW)
    assert not (tmp_path / "none").exists()
