"""The command line's application object, the options that several commands share, and what they all need."""

from __future__ import annotations

import getpass
import signal
from collections.abc import Callable
from types import FrameType
from typing import Annotated

import typer

from activation import console, settings
from activation.campaigns import choose, load_campaigns
from activation.clock import clock_of, parse_moment
from activation.errors import ConfigurationError
from activation.freeze import is_frozen
from activation.frozen import FrozenRun, read_frozen
from activation.home import Home, open_home
from activation.request import RunRequest, default_run_id, open_request, runs
from activation.scores.step import ScoreReport

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Muster: dbt decides who gets what and why; this delivers exactly that, once.",
)

AsOf = Annotated[
    str | None, typer.Option("--as-of", help="The run's clock, UTC: 2026-11-21 or 2026-11-21T14:00.")
]
RunId = Annotated[str | None, typer.Option("--run-id", help="The run's name; the same name is the same run.")]
Names = Annotated[list[str] | None, typer.Argument(help="Campaigns; none means all.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines.")]


def request(campaigns: list[str] | None, as_of: str | None, run_id: str | None) -> tuple[Home, RunRequest]:
    """The home, and the request that the options of a command make."""
    home = open_home(settings.home_path())
    names = choose(load_campaigns(), campaigns or [])
    clock = clock_of(home)
    moment = parse_moment(as_of) if as_of else None
    name = run_id or default_run_id(moment or clock.now(), campaigns or [])
    return home, open_request(
        home, clock, as_of=moment, run_id=name, campaigns=names, requested_by=getpass.getuser()
    )


def latest(home: Home, run_id: str | None) -> FrozenRun:
    """The named run, or the latest frozen one. Raises ``ConfigurationError`` where there is none."""
    frozen = [request.run_id for request in runs(home) if is_frozen(home, request.run_id)]
    if run_id is None and not frozen:
        raise ConfigurationError("no run is frozen yet: `muster run` makes the first")
    return read_frozen(home, run_id or frozen[-1])


def stopper() -> Callable[[], bool]:
    """Ask for an orderly end at SIGTERM: the request that is open is finished and recorded first."""
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    signal.signal(signal.SIGTERM, note)
    return lambda: bool(asked)


def tell_scores(scores: ScoreReport | None) -> None:
    """Say what was fitted, where something was."""
    if scores is not None and scores.is_refitted:
        console.say(f"{scores.in_words()}\n")
