"""Mutants: the compiled SQL of a shared rule, each wrong in one small way.

Whole mutants remove a rule or turn it around. The others are made from the syntax tree, one for each place where it
applies: a boundary moved, a condition dropped or negated, a join key or a join dropped, an order turned round, a
number off by one. A place that makes no difference by the promises of the tables is in ``EQUIVALENT``, with the
reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import sqlglot
from decision_layer import Layer, Model
from equivalent import EQUIVALENT
from sqlglot import expressions as exp

RULES = (
    "rule_market", "rule_content", "rule_reachable", "rule_consent", "rule_suppression", "rule_re_entry",
    "rule_holdout", "rule_frequency_cap", "rule_priority", "rule_cap_allocation", "rule_daily_budget",
)  # fmt: skip
MUTATED = (
    *RULES,
    "decision_destinations_denied",
    "decision_contents",
    "decision_cap_usage",
    "decision_send_times",
    "decision_log",
)

BOUNDARIES = {exp.GT: exp.GTE, exp.GTE: exp.GT, exp.LT: exp.LTE, exp.LTE: exp.LT}
OPPOSITES = {exp.Min: exp.Max, exp.Max: exp.Min, exp.Greatest: exp.Least, exp.Least: exp.Greatest}
SNIPPET = 70
MOST_WAYS = 12  # the most places in one node: six terms of an order, each turned or dropped


@dataclass(frozen=True)
class Mutant:
    """One wrong version of a model."""

    model: Model
    name: str
    sql: str


def whole_mutants(layer: Layer) -> list[Mutant]:
    """Every rule removed, and turned around."""
    found = []
    for name in RULES:
        model = layer[name]
        others = (
            "select candidate_id, 'inverted' as reason, campaign as lost_to from muster.decisions.decision_candidates"
            f" where candidate_id not in (select candidate_id from ({model.sql}) as rule)"
        )
        found += [
            Mutant(model, "removed", f"select * from ({model.sql}) as rule where false"),
            Mutant(model, "inverted", others),
        ]
    times, log = layer["decision_send_times"], layer["decision_log"]
    swapped = "case verdict when 'send' then 'exclude' when 'exclude' then 'send' else verdict end"
    return [
        *found,
        Mutant(times, "removed", _replaced(times, "scheduled_at as send_not_before")),
        Mutant(times, "inverted", _edited(times, "< closes_at then", ">= closes_at then")),
        Mutant(log, "expiry removed", _edited(log, ">= stale_at", "> timestamp '9999-01-01'")),
        Mutant(log, "expiry inverted", _edited(log, ">= stale_at", "< stale_at")),
        Mutant(log, "verdict inverted", _replaced(log, f"{swapped} as verdict")),
        Mutant(log, "nobody waits", _replaced(log, "replace(verdict, 'defer', 'exclude') as verdict")),
    ]


def _replaced(model: Model, column: str) -> str:
    return f"select * replace ({column}) from ({model.sql}) as model"


def _edited(model: Model, old: str, new: str) -> str:
    assert old in model.sql, f"{model.name} says {old!r} no more"
    return model.sql.replace(old, new)


def small_mutants(layer: Layer) -> list[Mutant]:
    """Every place of every mutated model, wrong in one way; those that are known to be equivalent left out."""
    found = []
    for name in MUTATED:
        model = layer[name]
        tree = sqlglot.parse_one(model.sql, dialect="duckdb")
        seen = {tree.sql(dialect="duckdb")}
        for position, original in enumerate(tree.walk()):
            for operator in OPERATORS:
                for how in range(MOST_WAYS if _may_apply(original) else 0):
                    copy = tree.copy()
                    node = next(islice(copy.walk(), position, None))
                    where = node.parent.sql(dialect="duckdb") if node.parent else ""
                    told = operator(node, how)
                    if told is None:
                        break
                    sql = copy.sql(dialect="duckdb")
                    if sql not in seen:
                        seen.add(sql)
                        found.append(Mutant(model, f"{told}: {' '.join(where.split())[:SNIPPET]}", sql))
    return [mutant for mutant in found if not is_equivalent(mutant)]


def _may_apply(node: exp.Expression) -> bool:
    """Whether any operator has something to do here; copying the tree to find out is slow."""
    kinds = (
        *BOUNDARIES,
        *OPPOSITES,
        exp.In,
        exp.Case,
        exp.Coalesce,
        exp.Order,
        exp.Window,
        exp.Join,
        exp.Literal,
    )
    return isinstance(node, kinds) or isinstance(node.parent, exp.And | exp.Or | exp.Where | exp.If)


def is_equivalent(mutant: Mutant) -> bool:
    return any(mutant.model.name == model and part in mutant.name for model, part in EQUIVALENT)


def _move_boundary(node: exp.Expression, how: int) -> str | None:
    if how or type(node) not in BOUNDARIES:
        return None
    node.replace(BOUNDARIES[type(node)](this=node.this.copy(), expression=node.expression.copy()))
    return f"boundary moved in {_short(node)}"


def _drop_condition(node: exp.Expression, how: int) -> str | None:
    """A conjunct of a join or filter is dropped, or negated; so is one side of an `or`."""
    if isinstance(node.parent, exp.If) and node.parent.parent and node.parent.parent.args.get("this"):
        return None  # `case x when value`: a value, no condition
    is_part = isinstance(node.parent, exp.And | exp.Or)
    is_whole = isinstance(node.parent, exp.Where | exp.If) and not isinstance(node, exp.And | exp.Or)
    is_condition = node.arg_key in ("this", "expression") and isinstance(node, exp.Condition)
    if how > 1 or not (is_part or is_whole) or not is_condition:
        return None
    if how == 0:
        neutral = exp.false() if isinstance(node.parent, exp.Or) else exp.true()
        node.replace(neutral)
        return f"dropped {_short(node)}"
    node.replace(exp.Not(this=exp.Paren(this=node.copy())))
    return f"negated {_short(node)}"


def _drop_choice(node: exp.Expression, how: int) -> str | None:
    """One of several things listed is dropped: a value of `in`, a branch of `case`, an argument of `coalesce`."""
    keys = {exp.In: "expressions", exp.Case: "ifs", exp.Coalesce: "expressions", exp.Least: "expressions"}
    key = keys.get(type(node))
    listed = list(node.args.get(key) or []) if key else []
    if how >= len(listed) or (isinstance(node, exp.In | exp.Case) and len(listed) == 1):
        return None
    dropped = listed.pop(how)
    node.set(key or "", listed)
    return f"dropped {_short(dropped)} of {_short(node)}"


def _turn_order(node: exp.Expression, how: int) -> str | None:
    if not isinstance(node, exp.Order) or how >= 2 * len(node.expressions):
        return None
    terms = list(node.expressions)
    term = terms[how // 2]
    if how % 2 == 0:
        term.set("desc", not term.args.get("desc"))
        return f"turned the order by {_short(term.this)}"
    if len(terms) == 1:
        return f"kept {_short(term)}"
    node.set("expressions", [other for other in terms if other is not term])
    return f"dropped the order by {_short(term.this)}"


def _merge_partitions(node: exp.Expression, how: int) -> str | None:
    parts = list(node.args.get("partition_by") or []) if isinstance(node, exp.Window) else []
    if how >= len(parts):
        return None
    dropped = parts.pop(how)
    node.set("partition_by", parts)
    return f"dropped the partition by {_short(dropped)}"


def _close_join(node: exp.Expression, how: int) -> str | None:
    if how or not isinstance(node, exp.Join) or node.args.get("side") != "LEFT":
        return None
    node.set("side", None)
    node.set("kind", "INNER")
    return f"left join made inner with {_short(node.this)}"


def _other_extreme(node: exp.Expression, how: int) -> str | None:
    if how or type(node) not in OPPOSITES:
        return None
    node.replace(OPPOSITES[type(node)](**dict(node.copy().args.items())))
    return f"the other extreme in {_short(node)}"


def _off_by_one(node: exp.Expression, how: int) -> str | None:
    if how > 1 or not isinstance(node, exp.Literal) or node.is_string or not node.name.isdigit():
        return None
    if isinstance(node.parent, exp.DataTypeParam | exp.Interval):
        return None
    number = int(node.name)
    node.replace(exp.Literal.number(number + (1 if how == 0 else -1)))
    return f"{number} {'plus' if how == 0 else 'less'} one"


def _short(node: exp.Expression) -> str:
    return " ".join(node.sql(dialect="duckdb").split())[:SNIPPET]


OPERATORS: tuple[Callable[[exp.Expression, int], str | None], ...] = (
    _move_boundary, _drop_condition, _drop_choice, _turn_order, _merge_partitions, _close_join,
    _other_extreme, _off_by_one,
)  # fmt: skip


def unchanged(layer: Layer) -> Iterator[Mutant]:
    """Each mutated model as it is, but written from its syntax tree: nothing may notice."""
    for name in MUTATED:
        model = layer[name]
        yield Mutant(model, "unchanged", sqlglot.parse_one(model.sql, dialect="duckdb").sql(dialect="duckdb"))
