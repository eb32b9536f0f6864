"""The one data test of all audiences, on rows of which each breaks one promise."""

from __future__ import annotations

import duckdb
import pytest
from jinja2 import Environment

from activation.settings import PROJECT

GOOD = ("loyal", "ada", "25 orders")


def violations(*rows: tuple[str | None, str | None, str | None]) -> list[str]:
    """What the test says of an audience of these rows (audience, customer_id, qualified_by)."""
    text = (PROJECT / "tests" / "dbt" / "generic" / "audience_members.sql").read_text()
    body = text.partition("%}\n")[2].replace("{% endtest %}", "")
    query = Environment(autoescape=True).from_string(body).render(model="audience", ref=str)
    with duckdb.connect() as connection:
        connection.execute("create table dim_customers as select unnest(['ada', 'bob']) as customer_id")
        connection.execute("create table audience (audience text, customer_id text, qualified_by text)")
        connection.executemany("insert into audience values (?, ?, ?)", rows)
        return sorted(found for (found,) in connection.execute(query).fetchall())


def test_golden_customers_each_once_are_an_audience() -> None:
    assert violations(GOOD, ("loyal", "bob", "10 orders")) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("loyal", None, "10 orders"), ["customer_id is null"]),
        ((None, "bob", "10 orders"), ["audience is null"]),
        (("loyal", "bob", None), ["qualified_by is null"]),
        (GOOD, ["customer_id is repeated"] * 2),
        (("loyal", "cyd", "10 orders"), ["customer_id is nobody in dim_customers"]),
    ],
)
def test_a_broken_promise_is_named(row: tuple[str | None, str | None, str | None], said: list[str]) -> None:
    assert violations(GOOD, row) == said
