"""The sections of the page, in their order: each is a table of what to ask of the report models and how to show it."""

from __future__ import annotations

from activation.reporting.anomalies import ANOMALIES
from activation.reporting.customers import CUSTOMERS
from activation.reporting.effects import EFFECTS
from activation.reporting.messages import MESSAGES
from activation.reporting.operation import OPERATION
from activation.reporting.parts import Section
from activation.reporting.reach import REACH

HEADLINES = """
    select label, unit, figure, figure_before, change, change_share, direction
    from reports.rpt_headlines
    where month_date = $month
    order by place
"""

SECTIONS: tuple[Section, ...] = (*CUSTOMERS, *MESSAGES, *EFFECTS, *REACH, ANOMALIES, *OPERATION)
