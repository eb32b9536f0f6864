"""Rows of people who were erased: recognised by the register before anything of them is written."""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from activation import settings
from activation.home import Home
from activation.landing.contract import Table
from activation.landing.source import literal
from activation.privacy.identifiers import digest_sql, identifiers, mentioned, register_key, theirs
from activation.privacy.register import read_register

ERASED = "erased person"
# What a line that could not be taken apart may hold an identifier between.
WORD = r"""[^\s,;"'<>(){}\[\]\\]+"""


def find_erased(
    connection: duckdb.DuckDBPyConnection, home: Home, table: Table, normalised: Callable[[], str]
) -> int | None:
    """Make the table ``erased (row_number)`` of the rows of ``checked`` that are about an erased person.

    ``normalised`` gives ``checked`` with the table's normalised columns, as an SQL relation. Gives the number of
    rows; None, and no table, where nobody was ever erased. Raises ``ConfigurationError`` where the register cannot
    be read.
    """
    register = read_register(home)
    if register is None or not identifiers(table):
        return None
    relation = normalised()
    connection.register("register", register.select(["kind", "digest"]))
    register_key(connection, settings.pepper(home))
    digest = digest_sql("mentions.kind || ':' || mentions.value")
    words = (
        "select distinct register.kind, word from (select distinct unnest(regexp_extract_all(cast(raw_row as "
        f"varchar), {literal(WORD)})) as word from checked where fault <> 0), "
        "(select distinct kind from register) as register"
    )
    connection.execute(
        "create table known as select distinct mentions.kind, mentions.value from ("
        f"{mentioned(table, relation)} union all select kind, case when kind = 'email' then lower(word) else word end "
        f"from ({words})) as mentions inner join register on mentions.kind = register.kind "
        f"and {digest} = register.digest"
    )
    connection.execute(
        f"create table erased as select row_number from {relation} where {theirs(table, 'known', by_contact=True)} "
        "union select row_number from (select row_number, unnest(regexp_extract_all(cast(raw_row as varchar), "
        f"{literal(WORD)})) as word from checked where fault <> 0) "
        "where word in (select value from known) or lower(word) in (select value from known where kind = 'email')"
    )
    found = connection.execute("select count(*) from erased").fetchone()
    return int(found[0]) if found else 0
