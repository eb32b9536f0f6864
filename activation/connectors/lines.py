"""A request's rows as the lines of a file: JSON for what imports, CSV for who prints. SQL writes all of them.

Each query gives one row: the lines together, how many there are, and which rows are refused and why.
"""

from __future__ import annotations

from collections.abc import Mapping

from activation.connectors.rows import CLEAN, FIELDS, literal, missing_sql, values_sql
from activation.types import PLACEHOLDER, Content

LETTER_COLUMNS = {
    "message_id": "message_id",
    "name": "coalesce(fields ->> '$.name', concat_ws(' ', fields ->> '$.first_name', fields ->> '$.last_name'))",
    "address": "address",
    "offer_text": "fields ->> '$.offer_text'",
}
LETTERS_HEAD = ",".join([*LETTER_COLUMNS, "text"]) + "\r\n"


def messages_sql(content: Content | None, fixed: Mapping[str, str]) -> str:
    """Write the query for messages, one JSON object each, with the parts of the template as this person gets them.

    ``fixed`` are placeholders with the same value for everybody.
    """
    pairs = {name: name for name in ("message_id", "customer_id", "address")}
    pairs |= {"fields": "fields::json"} | parts_sql(content, fixed)
    return _messages(_object(pairs), content, fixed)


def letters_sql(content: Content | None, fixed: Mapping[str, str]) -> str:
    """Write the query for letters, one row of CSV each (RFC 4180), without the head."""
    cells = [*LETTER_COLUMNS.values(), parts_sql(content, fixed).get("text", "null")]
    line = " || ',' || ".join(map(_cell, cells)) + " || chr(13) || chr(10)"
    return _messages(line, content, fixed)


def members_sql(operation: str, audience: str) -> str:
    """Write the query for changes of a set, one JSON object each."""
    pairs = {"operation": literal(operation), "audience": literal(audience)}
    pairs |= {name: name for name in ("customer_id", "email", "phone", "external_id")}
    return f"""
        with judged as (
            select *, case when coalesce(email, phone, external_id) is null then 'no_identifier' end as reason
            from request_rows
        )
        {_lines(_object(pairs))}"""


def _messages(line: str, content: Content | None, fixed: Mapping[str, str]) -> str:
    names = sorted(content.placeholders - set(fixed)) if content else []
    return f"""
        with values_of as (
            select row, message_id, customer_id, address, {FIELDS} as fields{values_sql(names)} from request_rows
        ), judged as (
            select *, {missing_sql(names)} as reason from values_of
        )
        {_lines(line)}"""


def _lines(line: str) -> str:
    return f"""
        select
            string_agg({line}, '' order by row) filter (where reason is null),
            count(*) filter (where reason is null),
            list({{'row': row, 'reason': reason}} order by row) filter (where reason is not null)
        from judged"""


def parts_sql(content: Content | None, fixed: Mapping[str, str]) -> dict[str, str]:
    """Write each part of a template as SQL: its text as literals, and each value as the part wants it."""
    rendered = {}
    for part, text in (content.parts if content else {}).items():
        # The pattern has one group, so texts and names take turns.
        pieces = PLACEHOLDER.split(text)
        values = [literal(fixed[name]) if name in fixed else f"value_{name}" for name in pieces[1::2]]
        pieces[::2] = map(literal, pieces[::2])
        pieces[1::2] = map(CLEAN[part].format, values)
        rendered[part] = " || ".join(pieces)
    return rendered


def _object(pairs: Mapping[str, str]) -> str:
    entries = ", ".join(f"'{name}': {value}" for name, value in pairs.items())
    return f"to_json({{{entries}}})::varchar || chr(10)"


def _cell(value: str) -> str:
    """Write a value as a quoted cell that no spreadsheet takes for a formula."""
    cell = f"coalesce({value}, '')"
    guarded = rf"case when regexp_matches({cell}, '^[=+\-@\t\r\n]') then '''' || {cell} else {cell} end"
    return f"""'"' || replace({guarded}, '"', '""') || '"'"""
