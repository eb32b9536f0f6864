"""The decision layer as dbt compiles it, run in memory over tables that somebody gives it.

Compiled once for each version of the project and kept beside it, as every other script of its SQL. The clock is
DuckDB's variable ``as_of``; below the given tables nothing is known of a home, a ledger or a landing zone.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from activation.build import run_dbt
from activation.compiled import DATABASE, open_database
from activation.home import World as HomeWorld
from activation.home import open_home, write_atomically
from activation.parsed import project_digest, version_directory

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]

# What the layer ends in, and where a world begins: the candidates instead of the campaigns' own rows.
ENDS = ("decision_log", "outbox_messages", "outbox_memberships")
BEGINS = "decision_candidates"
CAMPAIGNS = ("alpha", "beta", "gamma", "delta", "epsilon")


@dataclass(frozen=True)
class Model:
    """A model's compiled SELECT, and the models it stands on."""

    name: str
    schema: str
    sql: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Layer:
    """The models in the order of their dependencies, and the columns and types of each table that is given."""

    models: tuple[Model, ...]
    given: Mapping[str, tuple[str, Mapping[str, str]]]

    def __getitem__(self, name: str) -> Model:
        return next(model for model in self.models if model.name == name)

    def below(self, name: str) -> tuple[Model, ...]:
        """The models that stand on this one, directly or not, in order; without itself."""
        return self._below[name]

    @cached_property
    def _below(self) -> dict[str, tuple[Model, ...]]:
        found = {}
        for first in self.models:
            touched = {first.name}
            for model in self.models:
                if touched & set(model.parents):
                    touched.add(model.name)
            found[first.name] = tuple(m for m in self.models if m.name in touched - {first.name})
        return found


def load_layer() -> Layer:
    """The layer of the project as it is; compiled if no test has compiled this version before."""
    code = hashlib.sha256(project_digest().encode() + Path(__file__).read_bytes()).hexdigest()[:20]
    with tempfile.TemporaryDirectory() as directory:
        home = open_home(Path(directory) / "home", create=HomeWorld.REHEARSAL)
        kept = version_directory(home) / f"{code}-decisions.json"
        if not kept.exists():
            compiled = Path(directory) / "compiled"
            values = {"is_recheck": "true", "run_id": "none", "campaigns": ",".join(CAMPAIGNS)}
            arguments = ["compile", "--no-introspect", "--select", "models/decisions"]
            if run_dbt(arguments, home, compiled, values):
                raise AssertionError((compiled / "dbt.log").read_text()[-2000:])
            nodes = json.loads((compiled / "target" / "manifest.json").read_text())["nodes"]
            write_atomically(kept, json.dumps(_parts(nodes)).encode())
        parts = json.loads(kept.read_text())
    models = tuple(Model(**{**model, "parents": tuple(model["parents"])}) for model in parts["models"])
    return Layer(models, parts["given"])


def _parts(nodes: Mapping[str, Any]) -> dict[str, Any]:
    models: dict[str, Row] = {}
    given: dict[str, Any] = {}

    def visit(node: Mapping[str, Any]) -> None:
        name = node["name"]
        if name in models or name in given:
            return
        if "decisions" not in node["fqn"] or name == BEGINS:
            declared = node["config"].get("column_types") or {
                column: found["data_type"] or _type_by_name(column)
                for column, found in node["columns"].items()
            }
            given[name] = (node["schema"], declared)
            return
        parents = [nodes[key] for key in node["depends_on"]["nodes"] if key in nodes]
        for parent in parents:
            visit(parent)
        models[name] = {
            "name": name,
            "schema": node["schema"],
            "sql": node["compiled_code"].strip(),
            "parents": [parent["name"] for parent in parents],
        }

    for name in ENDS:
        visit(nodes[f"model.muster.{name}"])
    return {"models": list(models.values()), "given": given}


def _type_by_name(column: str) -> str:
    """Above the marts no type is declared, but a name says it."""
    if column.endswith("_at"):
        return "timestamp"
    return "date" if column == "valid_until" else "string"


class Engine:
    """An in-memory DuckDB that holds one world at a time and decides it."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "threads": "1",
            }
        )
        open_database(self.connection)
        # Each statement reads a few rows: planning it well would cost more than running it does.
        self.connection.execute("pragma disable_optimizer; set enable_progress_bar = false")
        schemas = {schema for schema, _ in layer.given.values()} | {model.schema for model in layer.models}
        for schema in sorted(schemas):
            self.connection.execute(f"create schema if not exists {schema}")
        for name, (schema, columns) in layer.given.items():
            listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            self.connection.execute(f"create table {schema}.{name} ({listed})")

    def load(self, tables: Tables, as_of: datetime) -> None:
        """Put a world's tables in place; a table it does not name is empty, a column it leaves out null."""
        assert set(tables) <= set(self.layer.given), set(tables) - set(self.layer.given)
        script = [f"set variable as_of = timestamp '{as_of}'"]
        for name, (schema, columns) in self.layer.given.items():
            script.append(f"truncate {schema}.{name}")
            if rows := tables.get(name, ()):
                lines = (f"({', '.join(_literal(row.get(column)) for column in columns)})" for row in rows)
                script.append(f"insert into {schema}.{name} values {', '.join(lines)}")
        self.connection.execute(";\n".join(script))

    def build(self, models: Iterable[Model] | None = None) -> None:
        """Build these models, or all."""
        for model in self.layer.models if models is None else models:
            self.put(model, model.sql)

    def put(self, model: Model, sql: str) -> None:
        """Build a model of this SQL."""
        self.connection.execute(f"create or replace table {model.schema}.{model.name} as (\n{sql}\n)")

    def rows(self, name: str) -> list[Row]:
        """All rows of a table."""
        schema = (
            next((m.schema for m in self.layer.models if m.name == name), None) or self.layer.given[name][0]
        )
        return self.query(f"select * from {DATABASE}.{schema}.{name}")

    def query(self, sql: str) -> list[Row]:
        found = self.connection.execute(sql)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, datetime | date | str):
        return "'" + str(value).replace("'", "''") + "'"
    return str(value)
