"""Mutants that cannot be told from the rule, by what the tables promise; each with the reason."""

from __future__ import annotations

NULL_JOINS_NOTHING = "a null joins nothing and is no reason, so the filter only saves work"
WHOLE_GROUP = "the same for all rows of the group"
NOT_ONE = "only 1 is asked for"
ONLY_SAVES_WORK = "the filter only spares the rule those whom it would let pass"
SAME_DIGEST = "the same digest means the same slot and customer"
ENDS = "nothing else stands at this end of the order"

# (model, part of the mutant's name): why
EQUIVALENT: dict[tuple[str, str], str] = {
    ("rule_content", "dropped NOT reason IS NULL"): NULL_JOINS_NOTHING,
    ("rule_consent", "dropped NOT reason IS NULL"): NULL_JOINS_NOTHING,
    ("rule_frequency_cap", "dropped NOT account_id IS NULL"): NULL_JOINS_NOTHING,
    ("decision_cap_usage", "dropped NOT account_id IS NULL"): NULL_JOINS_NOTHING,
    ("decision_contents", "dropped NOT candidates.template IS NULL"): NULL_JOINS_NOTHING,
    ("rule_suppression", "7 plus one"): ENDS,
    ("rule_suppression", "1 less one"): ENDS,
    ("decision_contents", "3 plus one"): ENDS,
    ("decision_contents", "1 less one: CASE"): ENDS,
    ("rule_re_entry", "the other extreme in MAX(CASE WHEN candidates.re_entry = 'never'"): WHOLE_GROUP,
    ("rule_re_entry", "0 less one: CASE"): NOT_ONE,
    ("rule_cap_allocation", "0 less one: CASE"): NOT_ONE,
    ("rule_holdout", "dropped FALSE of COALESCE"): "unknown holds out nobody, as false does",
    ("rule_holdout", "boundary moved in candidates.holdout_share > 0"): ONLY_SAVES_WORK,
    ("rule_holdout", "boundary moved in global_holdouts.share > 0"): ONLY_SAVES_WORK,
    ("rule_holdout", "0 less one"): ONLY_SAVES_WORK,
    ("rule_holdout", "10000 less one"): "differs only for the number 9999 under a share of one",
    (
        "rule_holdout",
        "dropped reasons IS NULL",
    ): "who has a reason of rules 1 to 5 keeps it: the log names those first",
    ("rule_cap_allocation", "boundary moved in COUNT(*) > 1"): ONLY_SAVES_WORK,
    ("rule_cap_allocation", "1 less one: COUNT(*) > 1"): ONLY_SAVES_WORK,
    ("rule_cap_allocation", "the other extreme in MAX(account_id)"): WHOLE_GROUP,
    ("rule_daily_budget", "dropped contacted_at >="): "no message leaves before the day of the run",
    ("rule_daily_budget", "boundary moved in contacted_at"): "no message leaves before the day of the run",
    ("rule_daily_budget", "1 plus one: (1)"): "no message leaves before the day of the run",
    ("rule_daily_budget", "order by slot: ROW_NUMBER"): SAME_DIGEST,
    ("rule_daily_budget", "order by customer_id: ROW_NUMBER"): SAME_DIGEST,
    ("decision_contents", "order by templates.template"): "a template has one content for a language",
    (
        "decision_send_times",
        "turned the order by quiet_hours",
    ): "one country or region matches, and none comes last",
    ("decision_send_times", "3 plus one: RANGE"): "hours that open at all open within two days",
    ("decision_send_times", "1 plus one: -1"): "no zone is two days behind",
    (
        "decision_log",
        "dropped candidates.expires_at of COALESCE",
    ): "the least of a date and unknown is the date",
}
