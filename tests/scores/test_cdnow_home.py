"""CDNOW through the whole way: landed, summed by the project's SQL, fitted, landed again, and scored by SQL."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from cdnow import CALIBRATION_END, published_summary, transactions

from activation.build import run_dbt, sql_moment
from activation.cli import invoke
from activation.clock import clock_of, parse_moment
from activation.compiled import PURCHASE_STATISTICS, compiled, execute, open_database
from activation.frozen import connect
from activation.home import Home, World, open_home
from activation.request import RunRequest
from activation.run import land_step, score_step
from activation.scores.bgnbd import BgNbd
from activation.scores.gamma_gamma import GammaGamma
from activation.scores.parameters import REFIT_AFTER_DAYS, fresh_models
from activation.scores.step import ScoreReport, score

AS_OF = parse_moment(f"{CALIBRATION_END}T23:59:59")
EXACT = 1e-6

pytestmark = pytest.mark.xdist_group("cdnow")


@dataclass(frozen=True)
class Scored:
    """A home with CDNOW in it, what the score step said, and the warehouse with the scores of the calibration end."""

    home: Home
    report: ScoreReport
    warehouse: duckdb.DuckDBPyConnection
    models: dict[str, str]

    def parameters(self, model: str) -> dict[str, float]:
        (fit,) = [fit for fit in self.report.fits if fit.model == model]
        return dict(fit.parameters)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scored]:
    home = open_home(tmp_path_factory.mktemp("cdnow") / "home", World.REHEARSAL)
    _drop(home)
    land_step(home, clock_of(home), AS_OF)
    report = score(home, AS_OF)
    directory = home.build_directory("cdnow")
    values = {"as_of": sql_moment(AS_OF), "known_until": sql_moment(AS_OF), "run_id": "cdnow"}
    arguments = ["build", "--select", "+int_customers_predicted", "--resource-type", "model"]
    code = run_dbt([*arguments, "--resource-type", "seed"], home, directory, values)
    assert code == 0, (directory / "dbt.log").read_text()[-4000:]
    nodes = json.loads((directory / "target" / "manifest.json").read_text())["nodes"]
    models = {node["name"]: node["compiled_code"] for node in nodes.values() if node.get("compiled_code")}
    with duckdb.connect(str(directory / home.warehouse_file.name), read_only=True) as warehouse:
        yield Scored(home, report, warehouse, models)


def _drop(home: Home) -> None:
    """Put the transactions into the inbox as orders of one profile for each customer."""
    orders = [
        {
            "order_id": f"o{number}", "profile_id": customer, "ordered_at": f"{day[:4]}-{day[4:6]}-{day[6:]}",
            "status": "completed", "currency": "USD", "gross_amount": amount,
        }
        for number, (customer, day, amount) in enumerate(transactions())
    ]  # fmt: skip
    first: dict[str, str] = {}
    for order in orders:
        first[order["profile_id"]] = min(order["ordered_at"], first.get(order["profile_id"], "9999"))
    profiles = [
        {"profile_id": customer, "source_system": "cdnow", "email": "", "created_at": day, "updated_at": day}
        for customer, day in first.items()
    ]
    for table, rows, known in (
        ("crm/profiles", profiles, "created_at"),
        ("shop/orders", orders, "ordered_at"),
    ):
        folder = home.inbox / table
        folder.mkdir(parents=True)
        with (folder / "cdnow.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0], "_loaded_at"])
            writer.writeheader()
            writer.writerows([row | {"_loaded_at": row[known]} for row in rows])


def test_the_statistics_are_the_published_ones_of_all_customers(scored: Scored) -> None:
    published = published_summary()
    rows = scored.warehouse.execute(
        "select frequency, recency_weeks, age_weeks, coalesce(cast(monetary_value as double), 0)"
        " from intermediate.int_purchase_statistics_summed"
        " inner join intermediate.int_profiles_mapped using (customer_id) order by profile_id"
    ).fetchall()
    assert len(rows) == len(published.x) == 2357
    x, t_x, age, mean_value = np.array(rows).T
    assert (x == published.x).all()
    for ours, theirs in ((t_x, published.t_x), (age, published.age), (mean_value, published.mean_value)):
        assert np.abs(ours - theirs).max() <= 0.0051  # they are rounded to two digits


def test_the_fitted_parameters_are_the_published_ones(scored: Scored) -> None:
    for model, expected in {
        "bg_nbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
        "gamma_gamma": {"p": 6.25, "q": 3.74, "v": 15.44},
    }.items():
        found = scored.parameters(model)
        assert {name: found[name] for name in expected} == pytest.approx(expected, rel=0.005)


def test_sql_scores_every_customer_as_scipy_does(scored: Scored) -> None:
    columns = scored.warehouse.execute(
        "select frequency, recency_weeks, age_weeks, coalesce(cast(monetary_value as double), 0) as value,"
        " p_alive, expected_purchases_365_days as purchases, expected_spend, predicted_value_365_days"
        " from intermediate.int_customers_predicted"
        " inner join intermediate.int_purchase_statistics_summed using (customer_id)"
    ).fetchnumpy()
    found = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
    history = (found["frequency"], found["recency_weeks"], found["age_weeks"])
    bg_nbd, spend = BgNbd(**scored.parameters("bg_nbd")), GammaGamma(**scored.parameters("gamma_gamma"))  # type: ignore[arg-type]
    purchases = bg_nbd.expected_purchases(365 / 7, *history)
    expected_spend = spend.expected_spend(found["frequency"], found["value"])
    assert len(purchases) == 2357
    assert np.abs(found["p_alive"] - bg_nbd.probability_alive(*history)).max() < EXACT
    assert np.abs(found["purchases"] - purchases).max() < EXACT
    assert np.abs(found["expected_spend"] - expected_spend).max() < 0.0001
    assert np.abs(found["predicted_value_365_days"] - purchases * expected_spend).max() < 0.0001


@pytest.mark.parametrize(
    "parameters",
    [
        (0.243, 4.414, 0.793, 2.426),  # CDNOW
        (1.41, 1.38, 0.0415, 42.7),  # grocery households, of whom hardly anybody leaves
        (0.05, 0.3, 0.2, 0.5),
        (10.0, 30.0, 2.5, 10.0),
        (1.0, 1.0, 1.0000001, 1.0),  # the formula with the hypergeometric function divides by a - 1
    ],
)
def test_sql_expects_the_purchases_that_scipy_does(scored: Scored, parameters: tuple[float, ...]) -> None:
    grid = [(x, days) for x in (0, 1, 2, 5, 20, 80, 300) for days in (0, 1, 30, 273, 1000, 3650) if days >= x]
    with duckdb.connect() as engine:
        engine.execute("attach ':memory:' as muster; use muster; create schema intermediate")
        engine.execute(
            "create table intermediate.int_purchase_statistics_summed"
            " (frequency int, age_days int, age_weeks double)"
        )
        engine.executemany(
            "insert into intermediate.int_purchase_statistics_summed values (?, ?, ?)",
            [(x, days, days / 7) for x, days in grid],
        )
        names = ("r", "alpha", "a", "b")
        chosen = ", ".join(
            f"{value!r}::double as bg_nbd_{name}" for name, value in zip(names, parameters, strict=True)
        )
        engine.execute(f"create table intermediate.int_model_parameters_pivoted as select {chosen}")
        rows = engine.execute(scored.models["int_purchases_expected"]).fetchall()
    x, days, found = np.array(rows, dtype=np.float64).T
    model = BgNbd(*parameters, customers=0, log_likelihood=0)
    age = days / 7
    expected = model.expected_purchases(365 / 7, x, age, age) / model.probability_alive(x, age, age)
    assert len(rows) == len(grid)
    tolerance = EXACT if abs(parameters[2] - 1) > 1e-3 else 1e-5  # there scipy's figures have no more digits
    assert np.abs(found / expected - 1).max() < tolerance


def test_outside_of_dbt_the_same_sql_gives_the_same_tables(scored: Scored) -> None:
    """What a fit reads is what the build shows: statistics, and the seeds above them."""
    with connect() as engine:
        open_database(engine)
        execute(engine, compiled(scored.home, PURCHASE_STATISTICS), scored.home, AS_OF)
        tables = engine.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name = 'reference'"
        ).fetchall()
        assert ("reference", "currency_rates") in tables
        for schema, table in [*tables, ("intermediate", "int_purchase_statistics_summed")]:
            query = f"from {schema}.{table} order by all"
            built, ours = scored.warehouse.execute(query), engine.execute(query)
            assert built.description == ours.description
            assert built.fetchall() == ours.fetchall(), table


def _landed(home: Home) -> list[tuple[Any, ...]]:
    files = str(home.landing / "muster" / "scores" / "*.parquet")
    return duckdb.execute(
        "select model, version, name, value, fitted_at from read_parquet(?) order by all", [files]
    ).fetchall()


def test_the_parameters_are_landed_once_and_hold_for_a_week(scored: Scored) -> None:
    home, landed = scored.home, _landed(scored.home)
    assert scored.report.is_refitted
    assert {(model, name) for model, _, name, _, _ in landed} == {
        *(("bg_nbd", name) for name in ("r", "alpha", "a", "b", "customers", "log_likelihood")),
        *(("gamma_gamma", name) for name in ("p", "q", "v", "customers", "log_likelihood")),
    }
    assert not score(home, AS_OF).is_refitted
    assert not score(home, AS_OF + timedelta(days=REFIT_AFTER_DAYS) - timedelta(microseconds=1)).is_refitted
    assert _landed(home) == landed
    assert not fresh_models(home, AS_OF + timedelta(days=REFIT_AFTER_DAYS))
    assert not fresh_models(home, AS_OF - timedelta(microseconds=1)), "known before it was fitted"


def test_the_same_home_gives_the_same_digits(scored: Scored) -> None:
    landed = _landed(scored.home)
    again = score(scored.home, AS_OF, again=True)
    assert again == scored.report
    assert _landed(scored.home) == landed


def test_a_run_that_is_decided_never_fits_again(scored: Scored) -> None:
    later = AS_OF + timedelta(days=REFIT_AFTER_DAYS)
    request = RunRequest("decided", later, later, (), "a test")
    manifest = scored.home.run_directory("decided") / "frozen" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    assert not score_step(scored.home, request).is_refitted


def test_the_command_says_what_is_in_force(
    scored: Scored, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUSTER_HOME", str(scored.home.path))
    assert invoke(["score", "--as-of", AS_OF.isoformat()]) == 0
    assert "fresh" in capsys.readouterr().out
    assert invoke(["score", "--as-of", AS_OF.isoformat(), "--again"]) == 0
    assert "2,357 customers: r 0.2426, alpha 4.41" in capsys.readouterr().out
    assert invoke(["score", "--as-of", AS_OF.isoformat(), "--again", "--json"]) == 0
    fits = json.loads(capsys.readouterr().out)["fits"]
    assert {fit["model"]: fit["parameters"]["customers"] for fit in fits} == {
        "bg_nbd": 2357,
        "gamma_gamma": 946,
    }


def test_another_version_of_the_method_is_fitted_anew(
    scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activation.scores.parameters.method_version", lambda: "another")
    assert not fresh_models(scored.home, AS_OF)


def test_an_empty_home_has_no_parameters_and_says_why(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home", World.REHEARSAL)
    land_step(home, clock_of(home), AS_OF)
    report = score(home, AS_OF)
    assert [fit.model for fit in report.fits] == ["bg_nbd", "gamma_gamma"]
    assert all(fit.parameters == {} and "too few" in fit.refusal for fit in report.fits)
    assert _landed(home) == []
