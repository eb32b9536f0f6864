"""Which data a campaign puts into its payload, and whether its purpose and its channel may have them.

Each mart says of its columns whether they are personal, for which purposes they may be used, and what kind of data
they are: a column in its own ``config.meta``, or the model in its ``config.meta`` for all columns that say nothing.
The seed ``channel_data`` says which kinds each channel may take for each purpose. Here the column ``fields`` of each
campaign is followed, through the SQL that dbt compiled, back to the columns of marts that it is made of.

Followed is what a value is made of, case conditions included, and not by what rows were joined, filtered, grouped or
drawn: which offer somebody gets may depend on a column that the message must not name.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage

PAYLOAD = "fields"
MAP = "seeds/reference/channel_data.csv"
KINDS = ("identifier", "self_reported", "behaviour", "derived")
RECENCIES = ("recent", "historical")
DRAW = "10000"  # how many buckets there are: too few to find anybody by
EXAMPLE = "config: {meta: {personal: true, purposes: [marketing], data: derived}}, or {personal: false}"


@dataclass(frozen=True)
class Permission:
    """A row of the map."""

    is_allowed: bool
    max_age_days: int | None
    why: str


@dataclass(frozen=True)
class Origin:
    """A column that a payload is made of, and the columns of audiences or other models that it came through."""

    model: str
    column: str
    through: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.model.rsplit('.', 1)[-1]}.{self.column}"


Map = Mapping[tuple[str, str], Mapping[tuple[str, str], Permission]]


class Unfollowable(Exception):  # noqa: N818
    """A column cannot be followed; the message says why."""


class Project:
    """The models of a dbt manifest by relation, with what their yml says of their columns."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self.nodes: Mapping[str, Any] = manifest["nodes"]
        self._by_relation: dict[tuple[str, str], str] = {}
        self._schema: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
        for name, node in self.nodes.items():
            if node["resource_type"] not in {"model", "seed"}:
                continue
            self._by_relation[node["schema"], node["alias"]] = name
            columns = node["config"].get("column_types") or {
                column: described.get("data_type") or "text" for column, described in node["columns"].items()
            }
            if columns:
                tables = self._schema.setdefault(node["database"], {}).setdefault(node["schema"], {})
                tables[node["alias"]] = columns

    def models(self, layer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The models of a layer with their unique ids."""
        for name, node in sorted(self.nodes.items()):
            if node["resource_type"] == "model" and node["fqn"][1] == layer:
                yield name, node

    def meta(self, model: str, column: str) -> Mapping[str, Any] | None:
        """What the yml says of a column, or else of all columns of its model; None where it says nothing."""
        node = self.nodes[model]
        own = ((node["columns"].get(column) or {}).get("config") or {}).get("meta") or {}
        for meta in (own, node["config"].get("meta") or {}):
            if "personal" in meta:
                return dict(meta)
        return None

    def lineage(self, model: str, column: str) -> Node:
        """The lineage of a column within the SQL of its model. Raises ``Unfollowable``."""
        code = self.nodes[model].get("compiled_code")
        if not code:
            raise Unfollowable(f"{model.rsplit('.', 1)[-1]} was not compiled")
        try:
            query = parse_one(code, dialect="duckdb").transform(_without_what_tells_nothing)
            return lineage(column, query, schema=self._schema, dialect="duckdb")
        except (SqlglotError, ValueError) as error:
            raise Unfollowable(str(error).splitlines()[0]) from None

    def origins(self, model: str, column: str, through: tuple[str, ...] = ()) -> Iterator[Origin]:
        """The columns of marts, or of whatever else says what it is, that a column is made of.

        Raises ``Unfollowable``.
        """
        for node in self.lineage(model, column).walk():
            for whole in node.expression.find_all(exp.TableColumn, exp.Columns, exp.Star):
                if not isinstance(whole.parent, exp.Count):
                    raise Unfollowable(f"{whole.sql(dialect='duckdb')} takes whole rows, name the columns")
            if node.downstream:
                continue
            if isinstance(node.source, exp.Table):
                table, read = node.source, parse_one(node.name, dialect="duckdb").name
                parent = self._by_relation.get((table.db, table.name))
                if parent is None:
                    raise Unfollowable(f"{table.db}.{table.name} is no model of this project")
                yield from self._origin(parent, read, through)
            elif isinstance(node.source, exp.Placeholder) or node.expression.find(exp.Column):
                raise Unfollowable(f"it is lost at {node.name}")

    def _origin(self, model: str, column: str, through: tuple[str, ...]) -> Iterator[Origin]:
        node = self.nodes[model]
        if self.meta(model, column) is not None or node["fqn"][1] == "marts":
            yield Origin(model, column, through)
        elif node["resource_type"] == "model":
            yield from self.origins(model, column, (*through, f"{node['name']}.{column}"))


def _without_what_tells_nothing(part: exp.Expression) -> exp.Expression:
    """Drop what rows were grouped by for a window, and a draw: the macro ``md5_bucket`` of the golden id."""
    if isinstance(part, exp.Window):
        part.set("partition_by", None)
    if isinstance(part, exp.Mod) and part.this.find(exp.MD5):
        drawn_by = {column.name for column in part.this.find_all(exp.Column)}
        if drawn_by <= {"customer_id"} and str(part.expression) == DRAW:
            return exp.Literal.number(0)
    return part


def findings(manifest: Mapping[str, Any], root: Path) -> list[str]:
    """What is wrong, one sentence each with its file; nothing where all is well."""
    project, channels = Project(manifest), read_map(root / MAP)
    purposes = {purpose for _, purpose in channels}
    found = [*_undeclared(project, purposes)]
    for name, _ in project.models("campaigns"):
        found += _campaign(project, name, channels, root)
    return found


def read_map(file: Path) -> Map:
    """The seed by channel and purpose, then by kind of data and recency."""
    channels: dict[tuple[str, str], dict[tuple[str, str], Permission]] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            age = int(row["max_age_days"]) if row["max_age_days"] else None
            kinds = channels.setdefault((row["channel"], row["purpose"]), {})
            permission = Permission(row["is_allowed"] == "true", age, row["why"])
            if kinds.setdefault((row["data"], row["recency"]), permission) is not permission:
                raise ValueError(f"{MAP}: two rows for {row['channel']}, {row['purpose']}, {row['data']}")
    return channels


def _undeclared(project: Project, purposes: set[str]) -> Iterator[str]:
    for model, node in project.models("marts"):
        for column in node["columns"]:
            what = f"{_yml(node)}: {node['name']}.{column}"
            meta = project.meta(model, column)
            if meta is None:
                yield f"{what} does not say whether it is personal: add to it or its model {EXAMPLE}"
                continue
            if not meta["personal"]:
                continue
            unknown = set(meta.get("purposes") or ["none"]) - purposes
            if unknown:
                yield f"{what} is for purpose {', '.join(sorted(unknown))}, which {MAP} does not know"
            if meta.get("data") not in KINDS:
                yield f"{what} does not say what data it is: add data, one of {', '.join(KINDS)}"
            if meta.get("data") == "behaviour" and meta.get("recency") not in RECENCIES:
                yield f"{what} is behaviour: add recency, {' or '.join(RECENCIES)}"
            if meta.get("recency") == "recent" and "max_age_days" not in meta:
                yield f"{what} is recent: add max_age_days, how many days it reaches back at most"


def _campaign(project: Project, model: str, channels: Map, root: Path) -> Iterator[str]:
    node = project.nodes[model]
    file = node["original_file_path"]
    try:
        origins = dict.fromkeys(project.origins(model, PAYLOAD))
        personal = [origin for origin in origins if _is_personal(project, origin)]
        if not personal:
            return
        named = [
            (channel, purpose)
            for channel in sorted(_literals(project, model, "channel") & {pair[0] for pair in channels})
            for purpose in sorted(_literals(project, model, "purpose") & {pair[1] for pair in channels})
        ]
    except Unfollowable as error:
        yield f"{file}: what {PAYLOAD} is made of cannot be followed: {error}"
        return
    if not named:
        yield f"{file}: names no channel and purpose of {MAP}: write both as plain values"
    for channel, purpose in named:
        kinds = channels.get((channel, purpose))
        if kinds is None:
            yield f"{file}: purpose {purpose} on channel {channel} is not in {MAP}"
            continue
        for origin in personal:
            reason = _refusal(project, origin, channel, purpose, kinds)
            if reason:
                by = "".join(f" through {passed}" for passed in reversed(origin.through))
                line = _line(root / file, origin)
                yield f"{file}:{line}: {PAYLOAD} takes {origin.name}{by}, {reason}"


def _is_personal(project: Project, origin: Origin) -> bool:
    """A column of a mart that says nothing counts: that is refused already, and whatever it may be."""
    meta = project.meta(origin.model, origin.column)
    return meta is None or bool(meta["personal"])


def _refusal(
    project: Project,
    origin: Origin,
    channel: str,
    purpose: str,
    kinds: Mapping[tuple[str, str], Permission],
) -> str | None:
    meta = project.meta(origin.model, origin.column) or {}
    if purpose not in meta.get("purposes", []):
        where = _yml(project.nodes[origin.model])
        return f"which is not for purpose {purpose} on channel {channel} (see its purposes in {where})"
    kind = (str(meta.get("data")), str(meta.get("recency", "")))
    data = " ".join(filter(None, reversed(kind))).replace("_", "-")
    permission = kinds.get(kind)
    if permission is None or not permission.is_allowed:
        why = f": {permission.why}" if permission else ""
        return f"which is {data} data, not for channel {channel} with purpose {purpose}{why} (see {MAP})"
    limit = permission.max_age_days
    if limit is not None and int(meta.get("max_age_days", sys.maxsize)) > limit:
        return (
            f"which is {data} data that may be older than the {limit} days of channel {channel} (see {MAP})"
        )
    return None


def _literals(project: Project, model: str, column: str) -> set[str]:
    """The plain values that a column of the policy may have, and perhaps others that decide between them."""
    return {
        literal.this
        for node in project.lineage(model, column).walk()
        for literal in node.expression.find_all(exp.Literal)
        if literal.is_string
    }


def _line(file: Path, origin: Origin) -> int:
    """Where the campaign first names the column, or that of an audience through which it came, or else its payload."""
    lines = file.read_text(encoding="utf-8").splitlines()
    named = origin.through[0].rsplit(".", 1)[-1] if origin.through else origin.column
    for word in (named, PAYLOAD):
        for number, line in enumerate(lines, 1):
            if re.search(rf"\b{re.escape(word)}\b", line):
                return number
    return 1


def _yml(node: Mapping[str, Any]) -> str:
    return str(node["patch_path"] or node["original_file_path"]).removeprefix("muster://")


if __name__ == "__main__":
    wrong = findings(json.loads(Path("target/manifest.json").read_text(encoding="utf-8")), Path())
    sys.stdout.writelines(f"{sentence}\n" for sentence in wrong)
    sys.exit(bool(wrong))
