"""Rows to request bodies by DuckDB: Python touches requests, SQL touches people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from activation.errors import ConfigurationError

# Values by the part they go into: HTML is escaped, a subject stays one line and opens no other header.
CLEAN = {
    "subject": r"trim(regexp_replace({}, '[\x00-\x1f\x7f\x{{85}}\x{{2028}}\x{{2029}}]+', ' ', 'g'))",
    "text": "{}",
    "html": "replace(replace(replace(replace(replace({}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), "
    "'\"', '&quot;'), '''', '&#x27;')",
}
# The same for one person in Python: what a subject's line may not hold.
BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
# Malformed JSON must not raise: the message would show the value.
FIELDS = "case when json_valid(fields) then fields end"


class RowSql:
    """Runs a query over one request's rows, in memory and without any extension from elsewhere."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "threads": "1",
            },
        )

    def one(self, rows: pa.Table, query: str) -> tuple[Any, ...]:
        """Fetch the one row of ``query`` over ``request_rows``: the rows, and ``row``, their index from 0.

        Raises ``ConfigurationError`` where SQL fails; DuckDB's own message would show the value.
        """
        numbered = rows.append_column("row", pa.array(np.arange(rows.num_rows, dtype=np.int32)))
        self._connection.register("request_rows", numbered)
        try:
            found = self._connection.execute(query).fetchone()
        except duckdb.Error as error:
            raise ConfigurationError(
                f"a request's rows cannot be encoded ({type(error).__name__}): they are not what the outbox "
                "contract says"
            ) from None
        finally:
            self._connection.unregister("request_rows")
        return found or ()


def check_rows(name: str, rows: pa.Table, limit: int) -> pa.Table:
    """Pass ``rows`` on where a request may carry so many. Raises ``ConfigurationError`` otherwise."""
    if rows.num_rows > limit:
        raise ConfigurationError(
            f"{name}: a request carries at most {limit} people, and this has {rows.num_rows}"
        )
    return rows


def first_row(rows: pa.Table, *names: str) -> dict[str, Any]:
    """Take some of the first row's values by name; Arrow's own list of dicts costs four times as much."""
    return {name: rows.column(name)[0].as_py() for name in names}


def fields_of(text: str | None) -> dict[str, str]:
    """Take one person's personalisation values that are there; what is malformed or null counts as missing."""
    try:
        parsed: Any = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    items = parsed.items() if isinstance(parsed, dict) else ()
    return {name: str(value) for name, value in items if value is not None}


def one_line(value: str) -> str:
    """Rid one person's value of line breaks and control characters, as ``CLEAN`` does for a subject."""
    return BREAKS.sub(" ", value).strip()


def literal(text: str) -> str:
    """Write ``text`` as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def values_sql(names: Iterable[str]) -> str:
    """Write a select list of placeholders' values, as ``value_<name>``, from the fields or the row's own link."""
    return "".join(
        f", unsubscribe_url as value_{name}"
        if name == "unsubscribe_url"
        else f", {FIELDS} ->> '$.{name}' as value_{name}"
        for name in names
    )


def missing_sql(names: Iterable[str]) -> str:
    """Write the reason against a row of :func:`values_sql` that lacks its address or a value; null where none is."""
    cases = "".join(f"when value_{name} is null then 'missing_field_{name}' " for name in names)
    return f"case when address is null then 'missing_address' {cases}end"
