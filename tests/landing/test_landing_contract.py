"""The contract is whole, and every table can be read before anything landed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from activation.home import Home
from activation.landing.contract import SCHEMA_FILE, arrow_schema, contract, ensure_schema_files
from activation.landing.load import land


def test_every_table_can_be_read_while_nothing_has_landed(home: Home) -> None:
    ensure_schema_files(home)
    for table in contract().values():
        glob = home.landing / table.folder / "*.parquet"
        found = duckdb.sql(f"select * from read_parquet('{glob}')").to_arrow_table()
        assert found.num_rows == 0
        assert found.column_names == arrow_schema(table).names


def test_a_schema_file_of_an_older_contract_is_replaced(home: Home) -> None:
    ensure_schema_files(home)
    file = home.landing / "crm" / "profiles" / SCHEMA_FILE
    pq.write_table(pa.table({"old": pa.array([], pa.string())}), file)
    ensure_schema_files(home)
    assert pq.read_schema(file).equals(arrow_schema("crm.profiles"))


def test_schema_files_are_private_and_left_alone_when_right(home: Home) -> None:
    ensure_schema_files(home)
    file = home.landing / "shop" / "orders" / SCHEMA_FILE
    before = file.stat()
    ensure_schema_files(home)
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert before.st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_money_is_decimal_beside_a_currency() -> None:
    for table in contract().values():
        if any(column.type == "decimal" for column in table.columns) and table.name != "shop.order_lines":
            assert "currency" in table.column_names, table.name


def test_every_closed_value_is_in_lower_case_as_it_is_compared() -> None:
    for table in contract().values():
        for column in table.columns:
            assert [value.lower() for value in column.allowed] == list(column.allowed)


def test_a_landed_file_has_the_contracts_types_exactly(home: Home, drop: Callable[..., Any]) -> None:
    drop("shop.orders", "a.csv", ORDERS)
    land(home, datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    landed = [
        file for file in Path(home.landing / "shop" / "orders").glob("*.parquet") if file.name != SCHEMA_FILE
    ]
    assert pq.read_schema(landed[0]).remove_metadata().equals(arrow_schema("shop.orders"))


ORDERS = """order_id,profile_id,ordered_at,status,currency,gross_amount,discount_amount
1,p1,2026-03-01 10:00:00,Completed,USD,12.50,
"""
