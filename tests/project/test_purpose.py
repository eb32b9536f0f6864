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
FILE = "models/campaigns/cmp_tried.sql"
CAMPAIGN = """with audience as (

    select
        customer_id,
        qualified_by
    from {high_value}

),

customers as (

    select {columns}
    from {people}

),

policy as (

    select
        '{channel}' as channel,
        '{purpose}' as purpose

),

candidates as (

    select
        audience.customer_id,
        cast(to_json(struct_pack(
            greeting := coalesce(cast({value} as string), '')
        )) as string) as fields
    from audience
    inner join customers
        on audience.customer_id = customers.customer_id

)

select
    'tried' as campaign,
    candidates.customer_id,
    candidates.fields,
    policy.channel,
    policy.purpose
from candidates
cross join policy
"""
Manifest = dict[str, Any]
Tried = Callable[..., list[str]]


def rows() -> list[dict[str, str]]:
    with MAP_FILE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def manifest(built: Built) -> Manifest:
    return built.artifact("manifest")


@pytest.fixture
def lint(manifest: Manifest, tmp_path: Path) -> Tried:
    """What the lint says of a campaign that puts a value into its payload."""
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / purpose_lint.MAP).parent.mkdir(parents=True)
    shutil.copy(MAP_FILE, tmp_path / purpose_lint.MAP)
    nodes = {
        name: node for name, node in manifest["nodes"].items() if not name.startswith("model.muster.cmp_")
    }

    def run(
        value: str,
        columns: str = "customer_id, birth_date, value_tier",
        channel: str = "sms",
        purpose: str = "marketing",
        people: str | None = None,
    ) -> list[str]:
        code = CAMPAIGN.format(
            value=value,
            columns=columns,
            channel=channel,
            purpose=purpose,
            people=people or table(manifest, "dim_customers"),
            high_value=table(manifest, "aud_high_value_customers"),
        )
        (tmp_path / FILE).write_text(code)
        nodes["model.muster.cmp_tried"] = {
            "resource_type": "model",
            "name": "cmp_tried",
            "alias": "cmp_tried",
            "database": "muster",
            "schema": "campaigns",
            "fqn": ["muster", "campaigns", "cmp_tried"],
            "original_file_path": FILE,
            "columns": {},
            "config": {},
            "compiled_code": code,
        }
        return [told for told in purpose_lint.findings({"nodes": nodes}, tmp_path) if told.startswith(FILE)]

    return run


def table(manifest: Manifest, model: str) -> str:
    return str(manifest["nodes"][f"model.muster.{model}"]["relation_name"])


@pytest.mark.xdist_group("dbt")
class TestTheLint:
    def test_every_campaign_takes_only_what_its_purpose_and_channel_may_have(
        self, manifest: Manifest
    ) -> None:
        assert purpose_lint.findings(manifest, PROJECT) == []

    def test_a_birth_date_in_a_text_message_is_refused_with_file_line_and_column(self, lint: Tried) -> None:
        (told,) = lint("customers.birth_date")
        assert told == (
            f"{FILE}:12: fields takes dim_customers.birth_date, which is not for purpose marketing on channel sms"
            " (see its purposes in models/marts/_marts__models.yml)"
        )

    def test_a_column_is_followed_through_ctes_and_expressions(self, lint: Tried, manifest: Manifest) -> None:
        born = f"""(
            with born as (
                select coalesce(cast(birth_date as string), '') as born_on
                from {table(manifest, "dim_customers")}
            ),
            said as (
                select 'born ' || born_on as sentence from born
                union all
                select 'nobody' from born
            )
            select case when max(sentence) > 'b' then 'young' else 'old' end from said
        )"""
        (told,) = lint(born)
        assert "fields takes dim_customers.birth_date, which is not for purpose marketing" in told
        (told,) = lint(
            "first_name", "customer_id, coalesce(first_name, cast(birth_date as string)) as first_name"
        )
        assert "fields takes dim_customers.birth_date, which is not for purpose marketing" in told

    def test_a_star_is_followed_to_the_column_taken_of_it(self, lint: Tried) -> None:
        assert lint("lower(customers.first_name)", columns="*") == []
        (told,) = lint("lower(customers.birth_date)", columns="*")
        assert "dim_customers.birth_date" in told

    def test_an_audience_does_not_launder_what_it_is_made_of(self, lint: Tried) -> None:
        (told,) = lint("audience.qualified_by")
        assert "dim_customers.value_tier through aud_high_value_customers.qualified_by" in told
        assert "derived data, not for channel sms" in told

    @pytest.mark.parametrize("whole", ["to_json(customers)", "customers['birth_date']", "columns('birth.*')"])
    def test_whole_rows_are_refused_as_nobody_can_follow_them(self, lint: Tried, whole: str) -> None:
        (told,) = lint(whole)
        assert "takes whole rows, name the columns" in told

    def test_a_column_from_outside_of_its_subquery_is_not_missed(
        self, lint: Tried, manifest: Manifest
    ) -> None:
        places = table(manifest, "dim_customers")
        (told,) = lint(f"(select max(places.country || customers.birth_date) from {places} as places)")
        assert told

    def test_the_arm_that_was_drawn_and_what_was_counted_name_nobody(self, lint: Tried) -> None:
        bucket = "cast(cast('0x' || substr(md5('salt|' || {}), 1, 8) as bigint) % {} as int)"
        assert (
            lint(f"case when {bucket.format('customers.customer_id', 10000)} < 5000 then 'a' else 'b' end")
            == []
        )
        assert lint("count(*) over (partition by customers.customer_id)") == []
        assert lint("count(*) over (order by customers.birth_date)")
        assert lint(bucket.format("customers.customer_id", 1000000000))
        assert lint(bucket.format("customers.birth_date", 10000))
        assert lint("md5(customers.customer_id)")

    def test_a_table_that_is_no_model_is_refused(self, lint: Tried) -> None:
        (told,) = lint("customers.name", "customer_id, name", people='"muster"."shadow"."people"')
        assert "cannot be followed" in told

    def test_what_e_mail_may_name_a_text_message_may_not(self, lint: Tried) -> None:
        assert lint("customers.value_tier", channel="email") == []
        (told,) = lint("customers.value_tier")
        assert "dim_customers.value_tier, which is derived data, not for channel sms" in told
        assert "a locked screen" in told

    def test_behaviour_must_be_as_fresh_as_the_channel_asks(self, lint: Tried, manifest: Manifest) -> None:
        onsite = {"channel": "onsite", "purpose": "personalisation"}
        assert lint(f"(select max(url_path) from {table(manifest, 'fct_pages_visited')})", **onsite) == []
        (told,) = lint(f"(select max(url_path) from {table(manifest, 'fct_web_events')})", **onsite)
        assert "fct_web_events.url_path, which is historical behaviour data, not for channel onsite" in told

    def test_recent_behaviour_that_reaches_back_too_far_is_refused(
        self, lint: Tried, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meta = purpose_lint.Project.meta
        pages = f"(select max(url_path) from {table(manifest, 'fct_pages_visited')})"

        def aged(days: int) -> None:
            def found(project: purpose_lint.Project, model: str, column: str) -> Any:
                told = meta(project, model, column)
                return {**told, "max_age_days": days} if told and "max_age_days" in told else told

            monkeypatch.setattr(purpose_lint.Project, "meta", found)

        aged(30)
        assert lint(pages, channel="email") == []
        aged(31)
        (told,) = lint(pages, channel="email")
        assert "may be older than the 30 days of channel email" in told

    def test_a_channel_that_the_map_does_not_know_takes_nothing_personal(self, lint: Tried) -> None:
        assert lint("'nothing'", channel="fax") == []
        (told,) = lint("customers.value_tier", channel="fax")
        assert "names no channel and purpose" in told
        (told,) = lint("customers.value_tier", channel="onsite")
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
        for code, said in ((0, ""), (1, "dim_customers.city does not say whether it is personal")):
            (tmp_path / "target" / "manifest.json").write_text(json.dumps(edited))
            command = [sys.executable, purpose_lint.__file__]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert (done.returncode, said in done.stdout, done.stderr) == (code, True, "")
            assert bool(done.stdout) == bool(said)
            edited["nodes"]["model.muster.dim_customers"]["columns"]["city"]["config"]["meta"] = {}


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
