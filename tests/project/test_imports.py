"""What a connector may import: a list of what is allowed, so that a new one need not be named here."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from activation.connectors.registry import OVER_HTTP, REGISTRY
from activation.settings import PROJECT

OURS = {
    "activation.connectors",
    "activation.connectors.client",
    "activation.connectors.google_auth",
    "activation.connectors.hashing",
    "activation.connectors.hubspot",
    "activation.connectors.lines",
    "activation.connectors.mail",
    "activation.connectors.reply",
    "activation.connectors.rows",
    "activation.connectors.smtp_session",
    "activation.connectors.transport",
    "activation.errors",
    "activation.types",
}
FROM_SETTINGS = {"Connection", "Sender"}
FOREIGN = {"duckdb", "pyarrow"}
# What a subprocess inherits; everything else is the settings' to read.
FROM_ENVIRONMENT = {"PATH", "HOME", "LANG", "MUSTER_MEMORY_LIMIT"}
VENDOR_NAMES = ("sendgrid", "twilio", "facebook", "hubspot", "klaviyo")


def imports(file: Path) -> Iterator[tuple[str, str]]:
    """Yield module and name of each import; the name is empty for a plain ``import``."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name} imports relatively"
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_connector_knows_the_client_the_hashing_the_types_and_the_errors(name: str) -> None:
    file = PROJECT / f"{REGISTRY[name].__module__.replace('.', '/')}.py"
    for module, what in imports(file):
        package = module.partition(".")[0]
        is_allowed = (
            module in OURS
            or (module == "activation.settings" and what in FROM_SETTINGS)
            or package in FOREIGN
            or package in sys.stdlib_module_names
        )
        assert is_allowed, f"{name} imports {module} {what}"


def test_no_two_vendors_share_a_module() -> None:
    """Several destinations of one vendor do: they have one base."""
    vendors = {kind.__mro__[-2] for kind in OVER_HTTP.values()}
    assert len({kind.__module__ for kind in OVER_HTTP.values()}) == len(vendors)


def test_only_settings_reads_secrets_from_the_environment() -> None:
    for file in (PROJECT / "activation").rglob("*.py"):
        if file != PROJECT / "activation" / "settings.py":
            read = re.findall(r"environ(?:\.get\(|\[)\s*f?[\"'](\w+)|getenv\(", file.read_text())
            assert set(read) <= FROM_ENVIRONMENT, file.name


def test_flows_name_no_vendor() -> None:
    for file in (PROJECT / "flows").glob("*.py"):
        assert not [vendor for vendor in VENDOR_NAMES if vendor in file.read_text().lower()], file.name
