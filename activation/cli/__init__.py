"""``muster``: the command line over the steps of a run.

Exit codes: 0 all well, 2 configuration or build, 3 held, 4 in doubt above the limit, 5 destination down,
6 journal unsafe.
"""

from __future__ import annotations

import sys

import typer
from typer.exceptions import TyperException

from activation.cli import batch, collect, content, operate, privacy, report, review, study
from activation.cli.app import app
from activation.errors import MusterError

__all__ = ["batch", "collect", "content", "invoke", "main", "operate", "privacy", "report", "review", "study"]


def main() -> None:
    """Entry point of the console script."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors go to stderr as one sentence each."""
    try:
        code = app(arguments, standalone_mode=False)
    except TyperException as error:
        # Typer carries a click of its own, whose exceptions are no others'.
        error.show()  # type: ignore[attr-defined]
        return int(getattr(error, "exit_code", 2))
    except typer.Abort:
        return 130
    except MusterError as error:
        sys.stderr.write(f"muster: {error}\n")
        return error.exit_code
    except OSError as error:
        # A full disk, a file that was taken away: a person has to look. Its text names a path and nothing else.
        sys.stderr.write(f"muster: {error.strerror or type(error).__name__}: {error.filename or 'a file'}\n")
        return 2
    return code if isinstance(code, int) else 0
