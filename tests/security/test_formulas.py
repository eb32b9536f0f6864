"""Cells of files for people: no spreadsheet takes one for a formula, and a telephone number stays one."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pytest

from activation.connectors.lines import letters_sql
from activation.connectors.rows import RowSql


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("+12025550123", "+12025550123"),
        ("+12025550123=1", "'+12025550123=1"),
        ("1 Example Street", "1 Example Street"),
    ],
)
def test_a_cell_is_what_it_was_and_no_formula(value: str, cell: str) -> None:
    rows = pa.table(
        {"message_id": ["m1"], "customer_id": ["c1"], "address": [value], "fields": [json.dumps({})]}
    )
    text, people, _ = RowSql().one(rows, letters_sql(None, {}))
    assert people == 1
    (line,) = csv.reader(io.StringIO(text, newline=""))
    assert line[2] == cell
