"""The data test of all tables, with a key and without, on rows of which each breaks one promise."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from jinja2 import Environment

from activation.settings import PROJECT

GOOD = ("o1", "ada", "paid", 3)
VALUES = {"status": ["paid", "returned"], "score": [1, 2, 3]}


def failing(test: str, *rows: tuple[Any, ...], **arguments: Any) -> list[dict[str, Any]]:
    """What the test finds in a table of these rows (order_id, customer_id, status, score)."""
    macro = (PROJECT / "macros" / "is_another_value.sql").read_text()
    text = (PROJECT / "tests" / "dbt" / "generic" / f"{test}.sql").read_text()
    body = text.partition("{% test ")[2].partition("%}\n")[2].replace("{% endtest %}", "")
    query = Environment(autoescape=False).from_string(macro + body).render(model="orders", **arguments)  # noqa: S701  # no HTML
    with duckdb.connect() as connection:
        connection.execute("create table orders (order_id text, customer_id text, status text, score int)")
        connection.executemany("insert into orders values (?, ?, ?, ?)", rows)
        return connection.execute(query).to_arrow_table().to_pylist()


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        ([GOOD, ("o2", "ada", None, None)], None),
        ([GOOD, GOOD], {"rows_of_key": 2}),
        ([(None, "ada", "paid", 1), (None, "bob", "paid", 1)], {"rows_of_key": 2}),
        ([GOOD, ("o2", None, "paid", 1)], {"without_customer_id": 1}),
        ([GOOD, ("o2", "ada", "lost", 1)], {"other_status": 1}),
        ([GOOD, ("o2", "ada", "", 1)], {"other_status": 1}),
        ([GOOD, ("o2", "ada", "paid", 4)], {"other_score": 1}),
    ],
)
def test_a_table_with_a_key_says_which_promise_was_broken(
    rows: list[tuple[Any, ...]], broken: dict[str, int] | None
) -> None:
    found = failing("keyed_by", *rows, key=["order_id"], not_null=["customer_id"], values=VALUES)
    whole = {"rows_of_key": 1, "without_customer_id": 0, "other_status": 0, "other_score": 0}
    told = [{name: count for name, count in row.items() if name != "order_id"} for row in found]
    assert told == ([whole | broken] if broken else [])


@pytest.mark.parametrize(
    ("row", "violations"),
    [
        (("o2", "ada", None, None), []),
        ((None, "ada", "paid", 1), ["order_id is null"]),
        (("o2", None, "paid", 1), ["customer_id is null"]),
        (("o2", "ada", "lost", 1), ["status is another value"]),
        (("o2", "ada", "paid", 4), ["score is another value"]),
    ],
)
def test_a_table_without_a_key_says_which_promise_was_broken(
    row: tuple[Any, ...], violations: list[str]
) -> None:
    found = failing("not_null_columns", GOOD, GOOD, row, columns=["order_id", "customer_id"], values=VALUES)
    assert [each["violation"] for each in found] == violations
