"""What is far from usual is told in words, what stops a campaign first, and what is as usual is not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from activation.home import Home, World, open_home
from activation.reporting.unusual import alarm_text, unusual

ROWS = """
    create table reports.rpt_anomalies as
    select * from (values
        ('sign_ups', 'all', 3.00, 40.00, 'far less than usual', 'show', true),
        ('audience_size', 'weekly_reactivation', 9000, 1200, 'far more than usual', 'hold', true),
        ('send_volume', 'vip_offer', 100, 101, 'as usual', 'show', false)
    ) as t(measure, subject, measured, usual, verdict, consequence, is_anomalous)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home", create=World.REHEARSAL)


def test_what_is_far_from_usual_is_told_and_what_is_held_comes_first(home: Home) -> None:
    with duckdb.connect(str(home.warehouse_file)) as engine:
        engine.execute("create schema reports")
        engine.execute(ROWS)
    found = unusual(home)
    assert [each.subject for each in found] == ["weekly_reactivation", "all"]
    lines = alarm_text(found).splitlines()
    assert lines[0] == "Muster: 2 sizes are far from usual."
    assert (
        lines[1] == "- audience_size of weekly_reactivation: 9,000, far more than usual (1,200); it is held"
    )
    assert lines[2] == "- sign_ups of all: 3, far less than usual (40)"


def test_nothing_is_unusual_before_anything_was_measured(home: Home) -> None:
    assert unusual(home) == []
    with duckdb.connect(str(home.warehouse_file)) as engine:
        engine.execute("create schema reports")
    assert unusual(home) == []
