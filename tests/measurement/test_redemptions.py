"""What the Complete Journey tells of its campaigns comes out of the models as it went in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from activation.build import run_dbt, sql_moment
from activation.home import World, open_home
from activation.landing.load import land
from activation.ledger import ensure_ledger
from activation.sample import sample

AS_OF = datetime(2018, 1, 10, tzinfo=UTC)  # after the last coupon was redeemed
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

# Households that got the campaign, and of them those that redeemed a coupon of it, by the data set's own tables
# campaigns and coupon_redemptions.
REDEMPTIONS = {"cj_8": (158, 1076), "cj_13": (196, 1077), "cj_18": (214, 1133), "cj_27": (36, 361)}


@pytest.mark.long
def test_redemptions_of_the_whole_sample_are_those_of_the_data_set(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home", World.REHEARSAL)
    sample(home)
    land(home, NOW, AS_OF)
    ensure_ledger(home)
    directory = tmp_path / "build"
    directory.mkdir()
    values = dict.fromkeys(("as_of", "known_until", "known_at"), sql_moment(AS_OF))
    kinds = ["--resource-type", "model", "--resource-type", "seed"]
    code = run_dbt(["build", "--select", "+rpt_campaign_redemptions", *kinds], home, directory, values)
    assert code == 0, (directory / "dbt.log").read_text()[-4000:]
    with duckdb.connect(str(directory / home.warehouse_file.name), read_only=True) as warehouse:
        rows = warehouse.execute(
            "select campaign, converters, recipients, redemption_rate from reports.rpt_campaign_redemptions"
        ).fetchall()
    found = {campaign: (converters, recipients) for campaign, converters, recipients, _ in rows}
    assert {campaign: found[campaign] for campaign in REDEMPTIONS} == REDEMPTIONS
    rates = {campaign: float(rate) for campaign, _, _, rate in rows}
    assert rates["cj_8"] == pytest.approx(158 / 1076, abs=1e-6)
    assert (
        sum(recipients for campaign, (_, recipients) in found.items() if campaign.startswith("cj_")) == 6589
    )
