"""The catalogue: dbt's docs of the published warehouse, as one file that needs no network."""

from __future__ import annotations

import shutil
from pathlib import Path

from activation.build import run_dbt
from activation.errors import BuildError
from activation.home import Home, write_atomically

NAME = "catalogue"
# Addresses in the templates of dbt's page, which a browser would fetch before the page's script has filled them in.
UNFILLED = {b'xlink:href="{{': b'ng-attr-xlink:href="{{', b' src="{{': b' ng-src="{{'}


def write_catalogue(home: Home) -> Path:
    """Write the docs into ``docs/index.html`` of the home, from a copy of the published warehouse; give the file.

    The values of a run do not matter to it: nothing is built. Raises ``BuildError`` where dbt cannot write them,
    ``BusyError`` while somebody builds.
    """
    directory = home.build_directory(NAME)
    with home.lock("build", "building the warehouse"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(home.warehouse_file, directory / home.warehouse_file.name)
    code = run_dbt(["docs", "generate", "--static"], home, directory, {})
    page = directory / "target" / "static_index.html"
    if code or not page.exists():
        raise BuildError(
            f"the catalogue could not be written; dbt's own words are in {directory / 'dbt.log'}"
        )
    write_atomically(home.path / "docs" / "index.html", settled(page.read_bytes()))
    shutil.rmtree(directory, ignore_errors=True)
    return home.path / "docs" / "index.html"


def settled(page: bytes) -> bytes:
    """The page of dbt's docs without addresses that are none yet: nothing is asked for when it opens."""
    for unfilled, later in UNFILLED.items():
        page = page.replace(unfilled, later)
    return page


if __name__ == "__main__":
    import sys

    for name in sys.argv[1:]:
        Path(name).write_bytes(settled(Path(name).read_bytes()))
