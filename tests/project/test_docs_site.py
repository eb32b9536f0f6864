"""The docs site as a catalogue: whole, true, in use, and without anybody's data."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from docs_site import CHROMIUM, look_at
from small_sample import Built, run_dbt

from activation.catalogue import settled
from activation.landing.contract import contract
from activation.settings import PROJECT

pytestmark = pytest.mark.xdist_group("dbt")

LAYERS = ("audiences", "campaigns", "decisions", "reports")
LEAST_SCORE = 9.5
EXAMPLE = re.compile(r"\*\*Example query\.\*\*\s+```sql\n(.+?)```", re.DOTALL)
KEPT = re.compile(r"(?P<table>[\w.]+): (?:(?P<days>\d+) days|until erasure)")


@pytest.fixture(scope="module")
def site(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the site as one file, and the manifest and catalogue that it is made of."""
    target = tmp_path_factory.mktemp("docs")
    done = run_dbt(["docs", "generate", "--static"], PROJECT, built.home, built.warehouse, target)
    assert done.returncode == 0, done.stdout[-3000:]
    page = target / "static_index.html"
    page.write_bytes(settled(page.read_bytes()))
    return target


def models(built: Built, *layers: str) -> Iterator[dict[str, Any]]:
    for node in built.artifact("manifest")["nodes"].values():
        if node["resource_type"] == "model" and node["fqn"][1] in layers:
            yield node


def coverage(kind: str, artifacts: Path) -> dict[str, Any]:
    """What dbt-coverage finds in the layers that people look at."""
    filters = [part for layer in LAYERS for part in ("--model-path-filter", f"models/{layer}/")]
    report = artifacts / f"{kind}.json"
    subprocess.run(
        [str(Path(sys.executable).with_name("dbt-coverage")), "compute", kind, "--project-dir", str(PROJECT),
         "--run-artifacts-dir", str(artifacts), "--cov-report", str(report), *filters],
        check=True, capture_output=True,
    )  # fmt: skip
    return dict(json.loads(report.read_text()))


def test_every_column_that_people_look_at_is_described(site: Path) -> None:
    found = coverage("doc", site)
    assert found["total"] > 1000
    assert found["coverage"] == 1.0


def test_every_column_that_people_look_at_is_tested(site: Path, tmp_path: Path) -> None:
    """Tests here look at a whole table at once, which dbt-coverage does not know: it is told column by column."""
    manifest = json.loads((site / "manifest.json").read_text())
    told = copy.deepcopy(manifest)
    for node, column in columns_under_test(manifest):
        name = f"test.muster.{column}.{node}"
        told["nodes"][name] = {
            "resource_type": "test", "unique_id": name, "test_metadata": {"name": "tested", "kwargs": {}},
            "column_name": column, "depends_on": {"nodes": [node]},
        }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(told))
    (tmp_path / "catalog.json").write_text((site / "catalog.json").read_text())
    found = coverage("test", tmp_path)
    missing = [
        f"{table['name']}.{column['name']}"
        for table in found["tables"]
        for column in table["columns"]
        if not column["covered"]
    ]
    assert missing == []


def columns_under_test(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each model with each column that a data test names, or of which a unit test expects a value."""
    models = {
        node["name"]: name for name, node in manifest["nodes"].items() if node["resource_type"] == "model"
    }
    for test in manifest["nodes"].values():
        metadata = test.get("test_metadata")
        if test["resource_type"] != "test" or metadata is None:
            continue
        node = test["attached_node"]
        arguments = metadata["kwargs"]
        named = {
            name for part in ("key", "not_null", "columns", "values") for name in arguments.get(part) or ()
        }
        if metadata["name"] == "audience_members":
            named |= {"audience", "customer_id", "qualified_by"}
        rules = " ".join((arguments.get("rules") or {}).values())
        columns = manifest["nodes"].get(node, {}).get("columns", {})
        named |= {name for name in columns if re.search(rf"\b{name}\b", rules)}
        for name in named:
            yield node, name
    for test in manifest["unit_tests"].values():
        for name in {name for row in test["expect"]["rows"] or () for name in row}:
            yield models[test["model"]], name


def test_the_project_scores_well(built: Built) -> None:
    command = [sys.executable, "-m", "dbt_score", "lint", "--manifest", str(built.target / "manifest.json")]
    done = subprocess.run(
        [*command, "--format", "json"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert json.loads(done.stdout)["project"]["score"] >= LEAST_SCORE


def test_each_example_query_runs(built: Built) -> None:
    ran = 0
    with duckdb.connect(str(built.warehouse), read_only=True) as engine:
        for model in models(built, "audiences", "campaigns"):
            (query,) = EXAMPLE.findall(model["description"])
            assert model["name"].removeprefix("cmp_") in query
            engine.execute(query).fetchall()
            ran += 1
    assert ran > 30


def test_a_campaign_says_on_both_its_pages_who_approves_it_and_when_it_runs(built: Built) -> None:
    exposures = {each["name"]: each for each in built.artifact("manifest")["exposures"].values()}
    for model in models(built, "campaigns"):
        meta, exposure = model["config"]["meta"], exposures[model["name"].removeprefix("cmp_")]
        own = exposure["config"]["meta"]
        assert {key: meta[key] for key in ("approver", "schedule", "destination")} == {
            key: own[key] for key in ("approver", "schedule", "destination")
        }
        assert meta["owner"] == exposure["owner"]["email"]
    for model in models(built, "audiences"):
        assert set(model["config"]["meta"]) >= {"owner", "approver", "schedule", "destination"}


def test_what_is_personal_says_how_long_it_is_kept_and_that_is_true(built: Built) -> None:
    limits = {name: table.retention.keep_days for name, table in contract().items()} | {"ledger": None}
    marked = 0
    for model in models(built, "staging", "intermediate", "marts", "campaigns", "decisions"):
        if "measurement" in model["fqn"]:
            continue
        for meta in (
            model["config"]["meta"],
            *(each["config"]["meta"] for each in model["columns"].values()),
        ):
            if not meta.get("personal"):
                continue
            marked += 1
            found = [KEPT.fullmatch(part) for part in meta["retention"].split(", ")]
            assert all(found), model["name"]
            for each in found:
                assert each is not None
                assert limits[each["table"]] == (int(each["days"]) if each["days"] else None), model["name"]
    assert marked > 100


def test_a_word_of_the_glossary_is_used() -> None:
    words = re.findall(r"docs (\w+) ", (PROJECT / "models" / "_glossary__docs.md").read_text())
    text = "".join(file.read_text() for file in (PROJECT / "models").rglob("*.yml"))
    assert len(words) > 10
    assert [word for word in words if f"doc('{word}')" not in text] == []


def test_owners_of_files_name_places_that_there_are() -> None:
    lines = [line.split() for line in (PROJECT / "CODEOWNERS").read_text().splitlines()]
    rules = [line for line in lines if line and not line[0].startswith("#")]
    assert rules[0][0] == "*"
    for place, *owners in rules:
        assert owners
        assert all(owner.startswith("@") for owner in owners)
        assert list(PROJECT.glob(place.strip("/"))), place
    asked = {owner.rpartition("/")[2].replace("-", "_") for _, *owners in rules for owner in owners}
    groups = set(re.findall(r"- name: (\w+)", (PROJECT / "models" / "_groups.yml").read_text()))
    assert groups <= asked


def test_nobodys_data_is_in_the_docs(built: Built, site: Path) -> None:
    landed = str(built.home / "landing" / "crm" / "profiles" / "*.parquet")
    with duckdb.connect() as engine:
        values = {
            str(row[0]).lower()
            for column in ("email", "phone", "address", "loyalty_number")
            for row in engine.execute(
                f"select distinct {column} from read_parquet(?, union_by_name = true) where length({column}) > 6",
                [landed],
            ).fetchall()
        }
    # What the project's own files say is nobody's: they were there before the person.
    own = "".join(
        file.read_text().lower()
        for part in ("models", "macros", "seeds/reference")
        for file in (PROJECT / part).rglob("*.*")
    )
    assert len(values) > 50
    told = "".join(
        (site / name).read_text().lower() for name in ("static_index.html", "manifest.json", "catalog.json")
    )
    assert [value for value in values if value in told and value not in own] == []
    assert len([value for value in values if value in own]) < len(values) / 10


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (on Debian: chromium)")
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("#!/overview", "How to read these pages"),
        ("#!/exposure/exposure.muster.vip_offer", "Give the best customers the best offer first"),
        ("#!/model/model.muster.aud_lapsed_customers", "Example query"),
    ],
)
def test_a_browser_shows_it_without_a_request_or_a_complaint(
    place: str, words: str, site: Path, tmp_path: Path
) -> None:
    seen = look_at(site / "static_index.html", tmp_path / "profile", place)
    assert words in re.sub(r"<[^>]+>", " ", seen.document)
    assert seen.complaints == []


def test_the_landing_page_names_every_report_and_nothing_that_is_not_there() -> None:
    page = (PROJECT / "models" / "overview.md").read_text()
    there = {file.stem for file in (PROJECT / "models").rglob("*.sql")}
    named = set(re.findall(r"`((?:rpt|fct|dim|int|decision|guard)_[a-z_]+)`", page))
    assert named <= there
    assert {name for name in there if name.startswith("rpt_")} - named <= {"rpt_build"}
