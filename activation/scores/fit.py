"""Fitting every model to what a home knows as of a moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

import duckdb
import numpy as np

from activation.compiled import PURCHASE_STATISTICS, compiled, execute, open_database
from activation.errors import BuildError
from activation.frozen import connect
from activation.home import Home
from activation.scores import bgnbd, gamma_gamma
from activation.scores.likelihood import FitError, Vector, significant
from activation.scores.parameters import ModelFit, method_version


def fit_models(home: Home, as_of: datetime) -> list[ModelFit]:
    """Fit each model to the purchases known before ``as_of``. The same inputs give the same digits.

    Raises ``BuildError`` where the statistics cannot be computed.
    """
    statistics = _statistics(home, as_of)
    columns = {
        "bg_nbd": ("frequency", "recency_weeks", "age_weeks", "customers"),
        "gamma_gamma": ("frequency", "monetary_value", "customers"),
    }
    fits: dict[str, Callable[..., bgnbd.BgNbd | gamma_gamma.GammaGamma]] = {
        "bg_nbd": bgnbd.fit,
        "gamma_gamma": gamma_gamma.fit,
    }
    version = method_version()
    found = []
    for model, fit in fits.items():
        mine = statistics["model"] == model
        rows = [statistics[name][mine].astype(np.float64) for name in columns[model]]
        try:
            fitted = fit(*rows)
        except FitError as refused:
            found.append(ModelFit(model, version, {}, str(refused)))
            continue
        found.append(
            ModelFit(model, version, {name: significant(value) for name, value in asdict(fitted).items()})
        )
    return found


def _statistics(home: Home, as_of: datetime) -> dict[str, Vector]:
    """The distinct histories, by column, each with how many customers have it."""
    script = compiled(home, PURCHASE_STATISTICS)
    try:
        with connect() as engine:
            open_database(engine)
            execute(engine, script, home, as_of)
            rows: dict[str, Vector] = engine.execute(
                f"select * from {PURCHASE_STATISTICS.name} order by all"
            ).fetchnumpy()
    except duckdb.Error as error:
        raise BuildError(
            f"the purchase statistics of the scores could not be computed ({type(error).__name__}): see whether "
            f"{home.landing} and {home.ledger} can be read"
        ) from None
    return {name: np.ma.getdata(column) for name, column in rows.items()}
