"""The contract as SQL: each row of a source cast to its types, with the first rule that it breaks.

``try_cast`` throughout: a failed cast would put its value into an error message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from activation.landing.contract import LOADED_AT, Column, Table
from activation.landing.source import Source, literal, quoted
from activation.landing.text import FAULTS

FLOATS = ("FLOAT", "DOUBLE")
NUMBERS = (*FLOATS, "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL")
# A moment outside of this is a mistake, or a system's way to say "never".
EARLIEST_YEAR, LATEST_YEAR = 1900, 2199
LONGEST_TEXT = 65_536  # bytes; what is longer is no name, no comment and no address
WHOLE = r"\s*[+-]?\d+(\.0*)?\s*"


@dataclass(frozen=True)
class Rule:
    """What a row may break: the column at fault (none where it is the whole row) and why, as words."""

    column: str | None
    reason: str

    @property
    def sentence(self) -> str:
        """For a report."""
        return f"{self.column}: {self.reason}" if self.column else self.reason


@dataclass(frozen=True)
class Checked:
    """A query over a source: ``row``, ``raw``, the contract's columns, ``_loaded_at`` and ``broken``.

    ``broken`` is 0 where the row may land, else a key of ``rules``.
    """

    query: str
    rules: dict[int, Rule]


def check(table: Table, source: Source, stamp: str, known_by: str | None) -> Checked:
    """Write the query that judges each row of ``source`` by ``table``.

    ``stamp`` is the SQL timestamp at which rows become known; a ``_loaded_at`` column of the source is
    preferred to it where ``source`` (still) has one, and may not lie after ``known_by`` if that is given.
    """
    rules = {code: Rule(None, reason) for code, reason in enumerate(FAULTS) if code}
    tests = ["when fault <> 0 then fault"]
    selected = [f"{source.row} as row_number", f"{source.raw} as raw_row", f"{source.fault} as fault"]
    moment = Column(LOADED_AT, "timestamp", is_required=False, is_not_null=False)
    for index, column in enumerate((*table.columns, moment)):
        given, kind = source.columns.get(column.name, ("cast(null as varchar)", "VARCHAR"))
        read = _read(column, given, kind)
        value = _cast(column, read, kind)
        if column.is_open_end:
            value = f"case when extract(year from {value}) <= {LATEST_YEAR} then {value} end"
        if column.name == LOADED_AT:
            value = f"coalesce({value}, {stamp})"
        selected += [f"{read} as given_{index}", f"{value} as {quoted(column.name)}"]
        for condition, reason in _rules(column, f"given_{index}", kind, known_by):
            rules[len(rules) + 1] = Rule(column.name, reason)
            tests.append(f"when {condition} then {len(rules)}")
    if table.any_of:
        rules[len(rules) + 1] = Rule(None, f"one of {', '.join(table.any_of)} must be filled")
        empty = " and ".join(f"{quoted(name)} is null" for name in table.any_of)
        tests.append(f"when {empty} then {len(rules)}")
    judged = f"case {' '.join(tests)} else 0 end"
    query = f"select *, {judged} as broken from (select {', '.join(selected)} from {source.relation})"
    return Checked(query, rules)


def _read(column: Column, given: str, kind: str) -> str:
    """Give the value before its cast, with an empty text as null."""
    if kind == "VARCHAR":
        return f"nullif({given}, '')" if column.type == "string" else f"nullif(trim({given}), '')"
    if column.type == "string":
        if kind in FLOATS:  # ids that passed through a float: 208.0 is 208
            whole = f"cast(try_cast({given} as hugeint) as varchar)"
            return f"case when {given} = floor({given}) then {whole} else cast({given} as varchar) end"
        return f"nullif(cast({given} as varchar), '')"
    return given


def _cast(column: Column, value: str, kind: str) -> str:
    if column.type == "string":
        if column.allowed:
            value = f"lower(trim({value}))"
        if column.is_composed:
            value = f"nfc_normalize({value})"
        return value if column.default is None else f"coalesce({value}, {literal(column.default)})"
    is_number = kind.startswith(NUMBERS)
    if column.type == "timestamp":
        if kind in {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}:
            return f"try_cast({value} as timestamp)"
        through = (
            value if kind.startswith("TIMESTAMP WITH") else f"try_cast({_text(value, kind)} as timestamptz)"
        )
        return f"try_cast({through} as timestamp)"
    if column.type in {"int", "bigint"}:
        text = _text(value, kind)
        return (
            f"case when regexp_full_match({text}, '{WHOLE}') then try_cast({value} as {column.sql_type}) end"
        )
    return f"try_cast({value if is_number else _text(value, kind)} as {column.sql_type})"


def _text(value: str, kind: str) -> str:
    return value if kind == "VARCHAR" else f"cast({value} as varchar)"


def _rules(column: Column, given: str, kind: str, known_by: str | None) -> Iterator[tuple[str, str]]:
    name = quoted(column.name)
    if column.is_not_null and column.default is None:
        yield f"{given} is null", "is empty"
    if column.type == "string":
        yield f"contains({given}, chr(0))", "holds a NUL character"
        yield f"strlen({given}) > {LONGEST_TEXT}", f"is longer than {LONGEST_TEXT:,} bytes"
    else:
        cast = _cast(column, given, kind) if column.is_open_end else name
        yield f"{given} is not null and {cast} is null", f"is no {column.type}"
    if column.type in {"timestamp", "date", "double"}:
        yield f"not isfinite({name})", f"is no {column.type}"
    if column.type == "timestamp":
        yield (
            f"extract(year from {name}) not between {EARLIEST_YEAR} and {LATEST_YEAR}",
            f"lies before {EARLIEST_YEAR} or after {LATEST_YEAR}",
        )
    if column.allowed:
        listed = ", ".join(literal(value) for value in column.allowed)
        yield f"{name} not in ({listed})", f"is none of {', '.join(column.allowed)}"
    if column.name == LOADED_AT and known_by:
        yield f"{name} > {known_by}", "lies after this load"
