"""The score step: fit the models again when the newest fit is old, and land their parameters before the build."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from activation.home import Home
from activation.landing.own import land_table
from activation.scores.parameters import MODELS, TABLE, ModelFit, as_rows, fresh_models

_ABOUT_THE_FIT = frozenset({"customers", "log_likelihood"})


@dataclass(frozen=True)
class ScoreReport:
    """What the step did: the new fits, or none where the fits known as of the moment are fresh."""

    as_of: datetime
    fits: tuple[ModelFit, ...]

    @property
    def is_refitted(self) -> bool:
        """Whether the models were fitted, with or without success."""
        return bool(self.fits)

    def in_words(self) -> str:
        """One line for each model that was fitted, or could not be; empty where the known fits are fresh."""
        lines = []
        for fit in self.fits:
            if fit.refusal:
                lines.append(f"  ! {fit.model} has no new parameters: {fit.refusal}")
                continue
            shown = {name: value for name, value in fit.parameters.items() if name not in _ABOUT_THE_FIT}
            values = ", ".join(f"{name} {value:.4g}" for name, value in shown.items())
            lines.append(f"  {fit.model:<28}{fit.parameters['customers']:>10,.0f} customers: {values}")
        return "\n".join(lines)


def score(home: Home, as_of: datetime, *, again: bool = False) -> ScoreReport:
    """Fit every model as of a moment and land the parameters just before it, so that a build of it sees them.

    Nothing happens where each model has a fit of this version that is fresh, unless ``again``. A model that could
    not be fitted lands nothing: an earlier fit stays in force, and without one its scores are null. Raises
    ``BuildError`` where the statistics cannot be computed.
    """
    if not again and fresh_models(home, as_of) >= MODELS:
        return ScoreReport(as_of, ())
    from activation.scores.fit import fit_models  # noqa: PLC0415  # loads scipy, which most runs do without

    fits = fit_models(home, as_of)
    rows = as_rows(fits, as_of)
    if rows.num_rows:
        land_table(home, TABLE, rows, as_of - timedelta(microseconds=1))
    return ScoreReport(as_of, tuple(fits))
