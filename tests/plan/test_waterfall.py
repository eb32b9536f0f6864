"""The waterfall over a decision log."""

from __future__ import annotations

from pathlib import Path

from log_fixtures import excluded, write_run

from activation.waterfall import as_markdown, as_text, waterfalls

LOG = [
    {"customer_id": "s1"},
    {"customer_id": "s2"},
    excluded("c1", "lost_priority", lost_to="vip"),
    excluded("c2", "no_consent,suppressed_complaint"),
    excluded("c3", "no_consent"),
    excluded("c4", "recent_purchase,no_consent"),
    excluded("c5", "holdout_campaign", verdict="holdout"),
    excluded("c6", "frequency_cap", verdict="defer"),
]


def test_first_reasons_stand_in_the_order_of_the_rules_and_close_the_waterfall(tmp_path: Path) -> None:
    (found,) = waterfalls(write_run(tmp_path, LOG))
    assert [(step.rule, step.reason, step.people) for step in found.steps if step.people] == [
        (1, "recent_purchase", 1), (3, "no_consent", 2), (6, "holdout_campaign", 1), (7, "frequency_cap", 1),
        (8, "lost_priority", 1),
    ]  # fmt: skip
    assert found.candidates == len(LOG) == found.to_send + sum(step.people for step in found.steps)


def test_all_reasons_are_counted_also_those_that_are_nobody_s_first(tmp_path: Path) -> None:
    (found,) = waterfalls(write_run(tmp_path, LOG))
    failing = {step.reason: (step.people, step.failing) for step in found.steps}
    assert failing["no_consent"] == (2, 3)
    assert failing["suppressed_complaint"] == (0, 1)


def test_campaigns_stand_in_order_of_priority_and_sets_tell_their_changes(tmp_path: Path) -> None:
    sets = {"campaign": "ads", "priority": 2, "audience_name": "buyers", "channel": "ads"}
    log = [sets | {"customer_id": "c1"}, {"customer_id": "c1"}]
    found = waterfalls(write_run(tmp_path, log, changes=[{"operation": "add"}, {"operation": "remove"}]))
    assert [waterfall.campaign for waterfall in found] == ["weekly", "ads"]
    assert (found[0].adds, found[1].adds, found[1].removes) == (None, 1, 1)
    assert "wanted in the audience" in as_text(found[1])


def test_both_forms_tell_every_step(tmp_path: Path) -> None:
    (found,) = waterfalls(write_run(tmp_path, LOG))
    for form in (as_text(found), as_markdown(found)):
        assert "exclude: no consent" in form
        assert "defer: frequency cap" in form
        assert "to send" in form
