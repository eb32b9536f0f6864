"""All worlds at once through the project's own SQL: every estimate at every look, beside the truth."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from lift_worlds import LOOKS, World, people_of, world
from model_sql import rendered

WORLDS = tuple(world(number) for number in range(2000))
METRICS = ("converted", "net_spend")
STEP = 100  # an experiment is numbered world * STEP + look
_KEYS = ("kind", "experiment", "metric", "arm")
_SUMS = (
    "people_assigned", "people", "buyers", "holdouts_designed", "holdouts_designed_variance",
    "outcome_sum", "outcome_squares", "before_sum", "before_squares", "products_sum",
)  # fmt: skip
_OUTCOMES = f"""
    create view fct_lift_outcomes as
    select
        'campaign' as kind, world * {STEP} + look as experiment,
        case when is_held_out then 'holdout' else 'treated' end as arm,
        net_spend, net_spend_before, holdout_share, has_bought, has_bought_before, true as is_mature
    from people
"""


@dataclass(frozen=True)
class Rate:
    """How often something happened, and twice its standard error if the truth is ``expected``."""

    happened: int
    of: int

    @property
    def share(self) -> float:
        return self.happened / self.of

    def slack(self, expected: float) -> float:
        return 2 * float(np.sqrt(expected * (1 - expected) / self.of))


class Simulation:
    """The worlds in an engine: tables ``lift`` (an estimate per world, look and metric) and ``truth``."""

    def __init__(self, worlds: tuple[World, ...] = WORLDS) -> None:
        self.worlds = worlds
        self.engine = duckdb.connect()
        self.engine.register("people", pa.concat_tables(people_of(each) for each in worlds))
        self.engine.execute(_OUTCOMES)
        self.engine.execute(f"create table looks as {rendered('fct_lift_statistics')}")
        self.engine.register("truth", self._truth())
        so_far = ", ".join(
            f"sum({name}) over (partition by experiment // {STEP}, metric, arm order by experiment) as {name}"
            for name in _SUMS
        )
        self.estimate("lift", f"select {', '.join(_KEYS)}, {so_far} from looks")

    def estimate(self, name: str, statistics: str) -> None:
        """Estimate lift from these statistics, by the models; an experiment is its world and its look in one number."""
        self.engine.execute(f"create or replace table fct_lift_statistics as {statistics}")
        self.engine.execute(
            f"create or replace table fct_lift_differences as {rendered('fct_lift_differences')}"
        )
        self.engine.execute(
            f"create or replace table {name} as select experiment // {STEP} as world, "
            f"experiment % {STEP} as look, * exclude (experiment) from ({rendered('rpt_lift')})"
        )

    def rate(self, happens: str, metric: str, where: str = "true") -> Rate:
        """Of the worlds with an estimate of the metric where a condition holds: in how many it ever happened."""
        found = self.engine.execute(
            f"select count(*) filter (where happened), count(*) from (select world, bool_or({happens}) as happened "
            "from lift inner join truth using (world, metric) where difference is not null and metric = ? "
            f"and ({where}) group by world)",
            [metric],
        ).fetchone()
        assert found is not None
        return Rate(*found)

    def bias_in_errors(self, estimate: str, metric: str) -> float:
        """The mean error of an estimate over all worlds, each in units of its level, in standard errors."""
        found = self.engine.execute(
            f"select avg(error) / (stddev(error) / sqrt(count(*))) from (select ({estimate} - true_lift) / level "
            "as error from lift inner join truth using (world, metric) where metric = ? and look = ?)",
            [metric, LOOKS],
        ).fetchone()
        assert found is not None
        return float(found[0])

    def drop_from_holdout(self) -> None:
        """Plant a mismatch in every world, as table ``mismatched``: half of the looks lose their held out."""
        sums = ", ".join(f"sum({name}) as {name}" for name in _SUMS)
        self.estimate(
            "mismatched",
            f"select kind, experiment // {STEP} * {STEP} + {LOOKS} as experiment, metric, arm, {sums} "
            "from looks where arm = 'treated' or experiment % 2 = 0 group by all",
        )

    def _truth(self) -> pa.Table:
        rows = [(each, metric) for each in self.worlds for metric in METRICS]
        return pa.table(
            {
                "world": [each.number for each, _ in rows],
                "metric": [metric for _, metric in rows],
                "true_lift": [each.true_lift(metric) for each, metric in rows],
                "level": [
                    float(np.exp(each.level)) if metric == "net_spend" else 1.0 for each, metric in rows
                ],
            }
        )
