"""Rows to request bodies by DuckDB: Python touches requests, SQL touches people."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from activation.errors import ConfigurationError


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
        numbered = rows.append_column("row", pa.array(range(rows.num_rows), type=pa.int32()))
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
