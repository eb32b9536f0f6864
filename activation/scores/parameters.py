"""The parameters of a fitted model: what they are a version of, how they are landed, and which are fresh.

Knows nothing of the mathematics, whose library takes longer to load than most commands take to run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from activation.clock import naive_utc
from activation.errors import LandingError
from activation.frozen import connect
from activation.home import Home
from activation.landing.contract import contract
from activation.settings import PROJECT

TABLE = "muster.scores"
REFIT_AFTER_DAYS = 7
MODELS = frozenset({"bg_nbd", "gamma_gamma"})
_METHOD = (
    "activation/scores/likelihood.py",
    "activation/scores/bgnbd.py",
    "activation/scores/gamma_gamma.py",
    "activation/sql/purchase_statistics.sql",
    "models/intermediate/int_purchase_statistics_summed.sql",
)


@dataclass(frozen=True)
class ModelFit:
    """What a fit of one model gave: its parameters by name, or the reason why there are none."""

    model: str
    version: str
    parameters: Mapping[str, float]
    refusal: str = ""


def method_version(project: Path = PROJECT) -> str:
    """A digest of what gives a parameter its meaning: the statistics, the likelihoods, the settings of the search."""
    digest = hashlib.sha256()
    for name in _METHOD:
        digest.update(f"{name}\0".encode() + (project / name).read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def as_rows(fits: list[ModelFit], fitted_at: datetime) -> pa.Table:
    """The parameters as `muster.scores` takes them: one row for each, no customer."""
    rows = [(fit, name, value) for fit in fits for name, value in fit.parameters.items()]
    return pa.table(
        {
            "model": pa.array([fit.model for fit, _, _ in rows], pa.string()),
            "version": pa.array([fit.version for fit, _, _ in rows], pa.string()),
            "name": pa.array([name for _, name, _ in rows], pa.string()),
            "value": pa.array([value for _, _, value in rows], pa.float64()),
            "fitted_at": pa.array([naive_utc(fitted_at)] * len(rows), pa.timestamp("us")),
        }
    )


def fresh_models(home: Home, as_of: datetime) -> set[str]:
    """The models with a fit that is known before ``as_of``, of this version of the method, and not too old.

    Raises ``LandingError`` where the landed scores cannot be read.
    """
    folder = home.landing / contract()[TABLE].folder
    if not any(folder.glob("*.parquet")):
        return set()
    known_before, fitted_after = naive_utc(as_of), naive_utc(as_of - timedelta(days=REFIT_AFTER_DAYS))
    try:
        with connect() as engine:
            rows = engine.execute(
                "select distinct model from read_parquet(?, union_by_name = true) "
                "where _loaded_at < ? and fitted_at > ? and version = ? and customer_id is null",
                [str(folder / "*.parquet"), known_before, fitted_after, method_version()],
            ).fetchall()
    except duckdb.Error as error:
        raise LandingError(
            f"{folder} cannot be read ({type(error).__name__}): restore it from a backup of the home"
        ) from None
    return {model for (model,) in rows}
