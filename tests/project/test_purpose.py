"""Which data may go to which channel: the lint, the map, and the page about it."""

from __future__ import annotations

import copy
import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import purpose_lint
import pytest
from small_sample import Built

from activation.settings import PROJECT

MAP_FILE = PROJECT / purpose_lint.MAP
NAME = "coalesce(customers.first_name, 'there')"
Manifest = dict[str, Any]
Edit = Callable[..., list[str]]


def rows() -> list[dict[str, str]]:
    with MAP_FILE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def manifest(built: Built) -> Manifest:
    return built.artifact("manifest")


@pytest.fixture
def lint(manifest: Manifest, tmp_path: Path) -> Edit:
    """What the lint says of a campaign after some pieces of it were replaced, in its file and as compiled."""
    shutil.copytree(PROJECT / "models", tmp_path / "models")
    (tmp_path / purpose_lint.MAP).parent.mkdir(parents=True)
    shutil.copy(MAP_FILE, tmp_path / purpose_lint.MAP)
    edited = copy.deepcopy(manifest)

    def run(*pieces: tuple[str, str], model: str = "cmp_vip_offer") -> list[str]:
        node = edited["nodes"][f"model.muster.{model}"]
        file = tmp_path / node["original_file_path"]
        for old, new in pieces:
            assert old in node["compiled_code"]
            node["compiled_code"] = node["compiled_code"].replace(old, new, 1)
            file.write_text(file.read_text().replace(old, new, 1))
        return purpose_lint.findings(edited, tmp_path)

    return run


def dim(manifest: Manifest, model: str) -> str:
    return str(manifest["nodes"][f"model.muster.{model}"]["relation_name"])


@pytest.mark.xdist_group("dbt")
class TestTheLint:
    def test_every_campaign_takes_only_what_its_purpose_and_channel_may_have(
        self, manifest: Manifest
    ) -> None:
        assert purpose_lint.findings(manifest, PROJECT) == []

    def test_a_birth_date_in_a_text_message_is_refused_with_file_line_and_column(
        self, lint: Edit, tmp_path: Path
    ) -> None:
        (told,) = lint(
            ("        first_name,\n", "        first_name,\n        birth_date,\n"),
            (NAME, "cast(customers.birth_date as string)"),
        )
        file = "models/campaigns/cmp_vip_offer.sql"
        line = (tmp_path / file).read_text().splitlines().index("        birth_date,") + 1
        assert told == (
            f"{file}:{line}: fields takes dim_customers.birth_date, which is not for purpose marketing on channel sms"
            " (see its purposes in models/marts/_marts__models.yml)"
        )

    def test_a_column_is_followed_through_ctes_and_expressions(self, lint: Edit, manifest: Manifest) -> None:
        born = f"""born as (

    select customer_id as person, coalesce(cast(birth_date as string), '') as born_on
    from {dim(manifest, "dim_customers")}

),

named as (

    select person, 'born ' || born_on as first_name from born
    union all
    select person, born_on from born

),

"""
        told = lint(
            ("customers as (\n", f"{born}customers as (\n"),
            (NAME, "case when (select max(named.first_name) from named) > 'b' then 'young' end"),
        )
        assert len(told) == 1
        assert "fields takes dim_customers.birth_date, which is not for purpose marketing" in told[0]

    def test_a_star_is_followed_to_the_column_taken_of_it(self, lint: Edit) -> None:
        (told,) = lint(
            ("        first_name,\n        value_tier\n", "        *\n"),
            (NAME, "lower(customers.birth_date)"),
        )
        assert "dim_customers.birth_date" in told

    def test_an_audience_does_not_launder_what_it_is_made_of(self, lint: Edit) -> None:
        (told,) = lint((NAME, "audience.qualified_by"))
        assert "dim_customers.value_tier through aud_high_value_customers.qualified_by" in told
        assert "derived data, not for channel sms" in told

    @pytest.mark.parametrize("whole", ["to_json(customers)", "customers['birth_date']", "columns('birth.*')"])
    def test_whole_rows_are_refused_as_nobody_can_follow_them(self, lint: Edit, whole: str) -> None:
        (told,) = lint((NAME, whole))
        assert "takes whole rows, name the columns" in told

    def test_a_column_from_outside_of_its_subquery_is_not_missed(
        self, lint: Edit, manifest: Manifest
    ) -> None:
        told = lint(
            ("        first_name,\n", "        first_name,\n        birth_date,\n"),
            (NAME, f"(select max(country || customers.birth_date) from {dim(manifest, 'dim_customers')})"),
        )
        assert told

    def test_what_e_mail_may_name_a_text_message_may_not(self, lint: Edit) -> None:
        assert lint((NAME, "customers.value_tier"), model="cmp_weekly_reactivation") == []
        (told,) = lint((NAME, "customers.value_tier"))
        assert "dim_customers.value_tier, which is derived data, not for channel sms" in told
        assert "a locked screen" in told

    def test_behaviour_must_be_as_fresh_as_the_channel_asks(self, lint: Edit, manifest: Manifest) -> None:
        onsite = (
            ("'sms' as channel", "'onsite' as channel"),
            ("'marketing' as purpose", "'personalisation' as purpose"),
        )
        pages = f"(select max(url_path) from {dim(manifest, 'fct_pages_visited')})"
        assert lint(*onsite, (NAME, pages)) == []
        (told,) = lint((pages, f"(select max(url_path) from {dim(manifest, 'fct_web_events')})"))
        assert "fct_web_events.url_path, which is historical behaviour data, not for channel onsite" in told

    def test_recent_behaviour_that_reaches_back_too_far_is_refused(
        self, lint: Edit, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meta = purpose_lint.Project.meta

        def older(project: purpose_lint.Project, model: str, column: str) -> Any:
            found = meta(project, model, column)
            return {**found, "max_age_days": 31} if found and "max_age_days" in found else found

        monkeypatch.setattr(purpose_lint.Project, "meta", older)
        pages = f"(select max(url_path) from {dim(manifest, 'fct_pages_visited')})"
        (told,) = lint((NAME, pages), model="cmp_weekly_reactivation")
        assert "may be older than the 30 days of channel email" in told

    def test_a_channel_that_the_map_does_not_know_takes_nothing_personal(self, lint: Edit) -> None:
        (told,) = lint(("'sms' as channel", "'fax' as channel"))
        assert "names no channel and purpose" in told
        (told,) = lint(("'fax' as channel", "'onsite' as channel"))
        assert "purpose marketing on channel onsite is not in" in told

    def test_a_column_of_a_mart_says_whether_it_is_personal_for_what_and_what_it_is(
        self, manifest: Manifest
    ) -> None:
        edited = copy.deepcopy(manifest)
        columns = edited["nodes"]["model.muster.dim_customers"]["columns"]
        columns["city"]["config"]["meta"] = {}
        columns["email"]["config"]["meta"] = {"personal": True, "purposes": ["fun"], "data": "identifier"}
        columns["phone"]["config"]["meta"] = {"personal": True, "data": "number"}
        columns["order_count"]["config"]["meta"]["recency"] = "recent"
        told = purpose_lint.findings(edited, PROJECT)
        file = "models/marts/_marts__models.yml: dim_customers"
        assert any(line.startswith(f"{file}.city does not say whether it is personal") for line in told)
        assert any(line.startswith(f"{file}.email is for purpose fun") for line in told)
        assert any(line.startswith(f"{file}.phone is for purpose none") for line in told)
        assert any(line.startswith(f"{file}.phone does not say what data") for line in told)
        assert any(line.startswith(f"{file}.order_count is recent: add max_age_days") for line in told)

    def test_the_command_fails_with_the_sentence_and_is_silent_without(
        self, manifest: Manifest, tmp_path: Path
    ) -> None:
        (tmp_path / "target").mkdir()
        (tmp_path / "models").symlink_to(PROJECT / "models")
        (tmp_path / "seeds").symlink_to(PROJECT / "seeds")
        edited = copy.deepcopy(manifest)
        for code, said in ((0, ""), (1, "fields takes dim_customers.value_tier")):
            (tmp_path / "target" / "manifest.json").write_text(json.dumps(edited))
            command = [sys.executable, purpose_lint.__file__]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert (done.returncode, said in done.stdout, done.stderr) == (code, True, "")
            assert bool(done.stdout) == bool(said)
            node = edited["nodes"]["model.muster.cmp_vip_offer"]
            node["compiled_code"] = node["compiled_code"].replace(NAME, "customers.value_tier")


def test_the_map_speaks_of_every_channel_and_purpose_and_of_every_kind_of_data() -> None:
    with (PROJECT / "seeds" / "reference" / "channel_purposes.csv").open(newline="") as file:
        known = {(row["channel"], row["purpose"]) for row in csv.DictReader(file)}
    kinds = {("behaviour", recency) for recency in purpose_lint.RECENCIES}
    kinds |= {(kind, "") for kind in purpose_lint.KINDS if kind != "behaviour"}
    channels = purpose_lint.read_map(MAP_FILE)
    assert set(channels) == known
    assert all(set(found) == kinds for found in channels.values())


def test_the_map_says_why_and_gives_an_age_only_to_what_is_allowed_and_recent() -> None:
    for row in rows():
        assert row["why"]
        assert bool(row["max_age_days"]) == (row["is_allowed"] == "true" and row["recency"] == "recent")


def test_every_column_of_a_customer_says_itself_whether_it_is_personal() -> None:
    text = (PROJECT / "models" / "marts" / "_marts__models.yml").read_text()
    (customers,) = re.findall(
        r"^  - name: dim_customers\n(.*?)(?=^  - name: )", text, re.MULTILINE | re.DOTALL
    )
    columns = re.split(r"^      - name: ", customers, flags=re.MULTILINE)[1:]
    assert columns
    assert all("meta: {personal: " in column for column in columns)


def test_the_page_shows_what_the_map_says() -> None:
    page = (PROJECT / "models" / "overview.md").read_text()
    section = page.split("\n## Which data may go to which channel\n")[1].split("\n## ")[0]
    shown = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and ", " in cells[0]:
            shown[tuple(cells[0].split(", "))] = cells[1:]
    said: dict[tuple[str, ...], list[str]] = {}
    for row in rows():
        age = f"up to {row['max_age_days']} days" if row["max_age_days"] else "yes"
        said.setdefault((row["channel"], row["purpose"]), []).append(
            age if row["is_allowed"] == "true" else "no"
        )
    assert shown == said
