"""What the guards say of many histories at once, by the models' own SQL."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from histories import AS_OF, MUTATED, Fate, History, history

sys.path.insert(0, str(Path(__file__).parents[1] / "lift"))

from model_sql import rendered

from activation.settings import PROJECT

_UNTOUCHED = 400
_EACH = 34  # of each of the six fates: 204 mutated histories
# What other measures read: nothing was sent, consented to, signed up for or loaded.
_EMPTY = {
    "fct_contacts": "contact_id text, campaign text, state text, contacted_at timestamp",
    "int_engagement_attributed": "contact_id text, event text",
    "fct_consent_changes": "channel text, purpose text, state text, valid_from timestamp",
    "fct_signups": "signup_id text, known_at timestamp",
    "stg_muster__loads": "source_table text, rows_landed bigint, loaded_at timestamp",
    "decision_contactable_bases": "channel text, purpose text, people_contactable bigint",
    "guard_sends": "campaign text, guard text, consequence text, explanation text, measured double, "
    "limit_value double, is_tripped boolean",
}
_MODELS = (
    "decision_observed_sizes", "decision_observed_events", "decision_observations", "decision_usual_days",
    "decision_expectations", "decision_earlier_sizes", "guard_anomalies", "guard_sizes", "guard_campaigns",
)  # fmt: skip


def guarded(histories: Iterable[History]) -> duckdb.DuckDBPyConnection:
    """An engine in which each history is a campaign, and the guards have judged all of them."""
    told = list(histories)
    engine = duckdb.connect()
    sizes = [
        {"campaign": each.campaign, "channel": "email", "purpose": "marketing", "people_considered": each.today,
         "people_eligible": each.today, "people_planned": each.today, "approval_above": 10**6, "min_people": None,
         "max_people": 10**6, "max_drop_share": 0.6, "max_growth_share": 2.0, "max_base_share": None}
        for each in told
    ]  # fmt: skip
    engine.register("campaign_sizes", pa.Table.from_pylist(sizes))
    engine.register(
        "stg_ledger__campaign_sizes", pa.Table.from_pylist([row for each in told for row in each.rows()])
    )
    for name, columns in _EMPTY.items():
        engine.execute(f"create table {name} ({columns})")
    seed = PROJECT / "seeds" / "reference" / "anomaly_limits.csv"
    engine.execute("create table anomaly_limits as from read_csv(?)", [str(seed)])
    for name in _MODELS:
        engine.execute(f"create table {name} as {rendered(name, AS_OF.strftime('%Y-%m-%d %H:%M:%S'))}")
    return engine


@pytest.fixture(scope="session")
def histories() -> list[History]:
    untouched = [history(number, Fate.UNTOUCHED) for number in range(_UNTOUCHED)]
    return untouched + [history(number, fate) for fate in MUTATED for number in range(_EACH)]


@pytest.fixture(scope="session")
def held(histories: list[History]) -> set[str]:
    found = guarded(histories).execute(
        "select campaign from guard_campaigns where is_tripped and consequence = 'hold'"
    )
    return {campaign for (campaign,) in found.fetchall()}
