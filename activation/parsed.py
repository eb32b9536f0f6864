"""dbt's parse of the project, kept for every later run of the same version of it.

Parsing takes longer than all models of a small run together, and depends on the project alone. What dbt leaves of
it is kept beside the project, for all its homes, under a digest of all that was parsed and of what parsed it, and
given to the next process of exactly that version. Any other is parsed whole: nothing rests on dbt's own idea of what
an edit touches. A file that is absent or damaged costs time, and nothing else.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from activation.home import Home, write_atomically
from activation.settings import PROJECT

KEPT = 3  # versions last used: whoever goes back and forth between two does not parse each time
_FILES = ("dbt_project.yml", "profiles.yml")
_FOLDERS = ("models", "macros", "activation/sql", "seeds/reference", "tests/dbt")
_PARSERS = ("dbt-core", "dbt-common", "dbt-adapters", "dbt-duckdb")
_NAME = "partial_parse.msgpack"  # dbt's own name for it, in its target directory


def project_digest(project: Path = PROJECT) -> str:
    """A digest over all that dbt reads of the project, and over the versions of dbt that read it."""
    digest = hashlib.sha256(_parsers().encode())
    files = [project / name for name in _FILES]
    for folder in _FOLDERS:
        files += sorted(file for file in (project / folder).rglob("*") if file.is_file())
    for file in files:
        digest.update(f"\0{file.relative_to(project)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:20]


def version_directory(home: Home) -> Path:
    """Where is kept what follows from the project's version: below its ``target``; in a home if that is read-only."""
    place = PROJECT / "target" / "versions"
    with suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(place, os.W_OK):
            return place
    return home.warehouse / "versions"


def lay_parse(home: Home, target: Path) -> str:
    """Put the kept parse of this version, or none, where dbt looks in ``target``; gives back the version's key."""
    key = _key()
    kept = _file(home, key)
    (target / _NAME).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        os.utime(kept)
        write_atomically(target / _NAME, kept.read_bytes())
    return key


def keep_parse(home: Home, target: Path, key: str) -> None:
    """Keep what dbt left in ``target``, unless it is what was laid there or the project was edited meanwhile."""
    kept = _file(home, key)
    try:
        content = (target / _NAME).read_bytes()
    except FileNotFoundError:
        return
    with suppress(FileNotFoundError):
        if kept.read_bytes() == content:
            return
    if key != _key():
        return
    write_atomically(kept, content)
    with suppress(FileNotFoundError):  # where another process tidies up too
        files = sorted(kept.parent.glob(f"*{kept.suffix}"), key=lambda file: file.stat().st_mtime)
        for old in files[:-KEPT]:
            old.unlink()


def _key() -> str:
    """The version, and the place of the project: a parse names its files in full."""
    return hashlib.sha256(f"{project_digest()}\0{PROJECT}".encode()).hexdigest()[:20]


def _file(home: Home, key: str) -> Path:
    return version_directory(home) / f"{key}.msgpack"


@cache
def _parsers() -> str:
    found = []
    for name in _PARSERS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} unknown")
    return "\0".join(found)
