"""Models of the project in their own SQL, rendered for DuckDB without dbt: references are tables of the same name."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import jinja2

from activation.settings import PROJECT


@cache
def rendered(name: str, as_of: str = "") -> str:
    """A model's SELECT, with the macros of the project as they are. ``as_of`` is the clock, in UTC."""
    (file,) = (PROJECT / "models").rglob(f"{name}.sql")
    return environment(as_of).from_string(file.read_text()).render()


def expression(text: str) -> str:
    """An expression in Jinja over the project's macros, as SQL."""
    return environment().from_string(f"{{{{ {text} }}}}").render()


@cache
def environment(as_of: str = "") -> jinja2.Environment:
    """Jinja with the project's macros, and with what dbt itself would give them for DuckDB."""
    made = jinja2.Environment(extensions=["jinja2.ext.do"])  # noqa: S701 - it renders SQL
    names = made.globals
    names["ref"] = str
    names["return"] = lambda value: "" if value is None else str(value)
    names["var"] = names["run_value"] = {"as_of": as_of}.get
    names["dbt"] = SimpleNamespace(
        dateadd=lambda part, count, moment: f"({moment} + to_{part}s(cast({count} as int)))",
        datediff=lambda first, last, part: f"date_diff('{part}', {first}, {last})",
        date_trunc=lambda part, moment: f"date_trunc('{part}', {moment})",
    )
    names["adapter"] = SimpleNamespace(dispatch=lambda macro, _package: names[f"default__{macro}"])
    files = sorted((PROJECT / "macros").glob("*.sql"))
    module = made.from_string("\n".join(file.read_text() for file in files)).module
    names.update({key: value for key, value in vars(module).items() if not key.startswith("_")})
    names["run_value"] = {"as_of": as_of}.get
    return made
