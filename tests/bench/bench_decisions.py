"""What it costs to know every reason: the decision layer against one query that computes only the winners.

And what it costs to find the difference of a set: ``outbox_memberships`` against one full join of who is wanted
with who is there. Both sides read the same invented tables in a DuckDB file and write their result there.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
from bench_process import Usage, measured

from activation.settings import PROJECT

# The compiled layer is what the tests of decisions run over small worlds.
sys.path.append(str(Path(__file__).parents[1] / "decisions"))
from decision_layer import load_layer

AS_OF = datetime(2026, 3, 31, 14)  # noqa: DTZ001 - UTC, as SQL keeps it
HERE = Path(__file__).parent
SEEDS = ("markets", "market_switches", "channel_purposes", "frequency_caps", "daily_budgets", "holdouts", "offers",
         "quiet_hours", "postal_regions", "time_zones", "set_destinations", "destination_audiences", "social_posts",
         "removal_limits", "destination_consents", "country_areas")  # fmt: skip
# From the decisions to the changes of sets; the first is a view in a build too.
SETS = (
    "decision_members_wanted",
    "decision_destinations_denied",
    "decision_membership_changes",
    "decision_removals",
    "guard_removals",
    "decision_changes_waiting",
    "outbox_memberships",
)
MEMORY_LIMIT = "3GB"


@dataclass(frozen=True)
class DecisionCosts:
    """``layer`` wrote ``decisions`` rows with every reason, ``winners`` those ``sent``."""

    people: int
    decisions: int
    sent: int
    layer: Usage
    winners: Usage

    @property
    def ratio(self) -> float:
        """How many times the processor time of the winners alone every reason takes."""
        return self.layer.cpu / self.winners.cpu


@dataclass(frozen=True)
class MembershipCosts:
    """``difference`` found ``changes`` among ``members``; ``join`` is the plain full join."""

    members: int
    changes: int
    difference: Usage
    join: Usage

    @property
    def ratio(self) -> float:
        """How many times the processor time of the join the difference takes."""
        return self.difference.cpu / self.join.cpu


def compare_decisions(directory: Path, people: int) -> DecisionCosts:
    """Decide for ``people`` and 12 campaigns. Raises ``RuntimeError`` where the two sides name other people."""
    directory.mkdir(parents=True)
    statements = [
        f"create table {model.schema}.{model.name} as ({model.sql}\n)"
        for model in load_layer().models
        # Who a destination is denied is asked by the rule on consent too.
        if model.name
        not in {*SETS, "decision_memberships", "outbox_messages"} - {"decision_destinations_denied"}
    ]
    measured(_fill, directory, people)
    layer = measured(_run, directory, statements)
    winners = measured(_win, directory)
    with _open(directory) as engine:
        engine.execute(f"attach '{directory / 'winners.duckdb'}' as other (read_only)")
        missing = _scalar(
            engine,
            "select count(*) from (select message_id, send_not_before from decisions.decision_log "
            "where verdict = 'send') as log full join other.main.winners as winners using (message_id, "
            "send_not_before) where log.message_id is null or winners.message_id is null",
        )
        if missing:
            raise RuntimeError(f"the decision log and the winners' query differ in {missing} people")
        decisions = _scalar(engine, "select count(*) from decisions.decision_log")
        sent = _scalar(engine, "select count(*) from decisions.decision_log where verdict = 'send'")
    return DecisionCosts(people, decisions, sent, layer, winners)


def compare_memberships(directory: Path, members: int) -> MembershipCosts:
    """Find the difference where one member of a hundred changes, half in and half out."""
    directory.mkdir(parents=True)
    measured(_fill_sets, directory, members)
    layer = load_layer()
    statements = [
        f"create {'table' if number else 'view'} decisions.{name} as ({layer[name].sql}\n)"
        for number, name in enumerate(SETS)
    ]
    difference = measured(_run, directory, statements)
    join = measured(_join, directory)
    with _open(directory) as engine:
        changes = _scalar(engine, "select count(*) from decisions.outbox_memberships")
        joined = _scalar(engine, "select count(*) from joined")
    if changes != joined:
        raise RuntimeError(f"the layer found {changes} changes and the join {joined}")
    return MembershipCosts(members, changes, difference, join)


def _fill(directory: Path, people: int) -> None:
    with _open(directory) as engine:
        engine.execute("set variable people = cast(? as bigint)", [people])
        engine.execute((HERE / "bench_decisions.sql").read_text(encoding="utf-8"))


def _run(directory: Path, statements: list[str]) -> None:
    with _open(directory) as engine:
        for statement in statements:
            engine.execute(statement)


def _win(directory: Path) -> None:
    with _open(directory, "winners.duckdb") as engine:
        engine.execute(f"attach '{directory / 'bench.duckdb'}' as bench (read_only)")
        # Its tables by the names that the query uses, its own result in a file of its own.
        sql = (HERE / "bench_winners.sql").read_text(encoding="utf-8")
        for schema in ("decisions", "intermediate", "marts", "reference", "staging"):
            sql = sql.replace(f" {schema}.", f" bench.{schema}.")
        engine.execute(sql)


def _fill_sets(directory: Path, members: int) -> None:
    """As many accepted members as wanted people; one in two hundred left since, and one came. No wishes are known."""
    given = load_layer().given
    with _open(directory) as engine:
        for name in ("int_consents_resolved", "int_suppressions_resolved", "stg_ledger__campaign_sizes",
                     "stg_ledger__removal_approvals"):  # fmt: skip
            schema, columns = given[name]
            listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            engine.execute(f"create table {schema}.{name} ({listed})")
        engine.execute("set variable members = cast(? as bigint)", [members])
        engine.execute(
            """
            create table marts.dim_customers as
            select 'c' || n as customer_id, 'person' || n || '@example.com' as email,
                '+1555' || lpad(n::varchar, 8, '0') as phone
            from range(getvariable('members') + getvariable('members') // 200) as numbers (n);
            create table decisions.decision_recipients as select customer_id, 'US' as country from marts.dim_customers;
            create table marts.dim_external_ids as
            select '' as customer_id, 'crm' as source_system, '' as external_id where false;
            create table decisions.decision_log as
            select 'alpha' as campaign, customer_id, 'google' as destination,
                'purchased_last_7_days' as audience_name, 'send' as verdict
            from marts.dim_customers where cast(substr(customer_id, 2) as bigint) >= getvariable('members') // 200;
            create table decisions.decision_memberships as
            select 'alpha' as campaign, 'google' as destination, '7100000001' as audience,
                customer_id, email, phone, cast(null as varchar) as external_id, true as is_certainly_there
            from marts.dim_customers where cast(substr(customer_id, 2) as bigint) < getvariable('members');
            """
        )


def _join(directory: Path) -> None:
    with _open(directory) as engine:
        engine.execute(
            """
            create table joined as
            select
                coalesce(wanted.destination, there.destination) as destination,
                coalesce(wanted.audience, there.audience) as audience,
                coalesce(wanted.customer_id, there.customer_id) as customer_id,
                case when wanted.customer_id is null then 'remove' else 'add' end as operation,
                coalesce(wanted.email, there.email) as email,
                coalesce(wanted.phone, there.phone) as phone
            from (
                select decisions.destination, audiences.audience, decisions.customer_id,
                    customers.email, customers.phone
                from decisions.decision_log as decisions
                inner join reference.destination_audiences as audiences
                    on decisions.destination = audiences.destination
                    and decisions.audience_name = audiences.audience_name
                inner join marts.dim_customers as customers on decisions.customer_id = customers.customer_id
                where decisions.verdict = 'send'
            ) as wanted
            full join decisions.decision_memberships as there
                on wanted.destination = there.destination and wanted.audience = there.audience
                and wanted.customer_id = there.customer_id
                and wanted.email is not distinct from there.email
                and wanted.phone is not distinct from there.phone
            where wanted.customer_id is null or there.customer_id is null
            """
        )


def _open(directory: Path, name: str = "bench.duckdb") -> duckdb.DuckDBPyConnection:
    """The file as ``muster``, the database that compiled SQL names, with the schemas and seeds of the project."""
    engine = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(directory / "spill"),
            "threads": "2",
        }
    )
    file = directory / name
    is_new = not file.exists()
    engine.execute(f"attach '{file}' as muster; use muster; set timezone = 'UTC'")
    engine.execute("set preserve_insertion_order = false")
    engine.execute("set variable as_of = cast(? as timestamp)", [AS_OF])
    if is_new and name == "bench.duckdb":
        for schema in ("decisions", "intermediate", "marts", "reference", "staging"):
            engine.execute(f"create schema {schema}")
        given = load_layer().given
        for seed in SEEDS:
            file = PROJECT / "seeds" / "reference" / f"{seed}.csv"
            columns = given.get(seed, ("", {}))[1]
            types = ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items())
            engine.execute(
                f"create table reference.{seed} as select * from "
                f"read_csv('{file}', header = true, columns = {{{types}}})"
            )
    return engine


def _scalar(engine: duckdb.DuckDBPyConnection, query: str) -> int:
    row = engine.execute(query).fetchone()
    return int(row[0]) if row else 0
