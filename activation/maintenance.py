"""Maintenance before activation: what a data sync leaves behind, and whether it is there for a run.

``sync.json`` in the home names the last data sync that ended well: its inbox was landed, its scores were fitted where
they were old, and the warehouse was built, tested and published as of its clock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from activation.clock import Clock, parse_moment
from activation.errors import ConfigurationError
from activation.home import Home, write_atomically
from activation.request import RunRequest
from activation.run import build_step, land_for, score_step


@dataclass(frozen=True)
class Synced:
    """A data sync that ended well: its clock, when it ended, the rows that were new, and dbt's results by status."""

    as_of: datetime
    ended_at: datetime
    landed: int
    counts: dict[str, int]


def sync_step(home: Home, request: RunRequest, clock: Clock) -> Synced:
    """Land, score, build and publish for no run, and note that it was done. Freezes nothing, sends nothing.

    Raises ``BuildError`` where a shared test failed, ``LandingError`` where a file had to be set aside whole,
    ``BusyError`` while somebody else lands or builds.
    """
    loads = land_for(home, request, clock)
    score_step(home, request)
    built = build_step(home, request, clock)
    synced = Synced(request.as_of, clock.now(), loads.landed, dict(built.counts))
    text = {
        "as_of": synced.as_of.isoformat(),
        "ended_at": synced.ended_at.isoformat(),
        "landed": synced.landed,
        "dbt": synced.counts,
    }
    write_atomically(home.path / "sync.json", json.dumps(text, indent=2).encode())
    return synced


def last_sync(home: Home) -> datetime | None:
    """The clock of the last data sync that ended well; None where there was none.

    Raises ``ConfigurationError`` where its note is damaged.
    """
    file = home.path / "sync.json"
    try:
        return parse_moment(json.loads(file.read_text())["as_of"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, ConfigurationError):
        raise ConfigurationError(f"{file} is damaged: remove it and run the data sync again") from None


def why_unsynced(home: Home, as_of: datetime, max_age: timedelta) -> str | None:
    """Why the warehouse is not fit for a run as of ``as_of``, whose data sync is at most ``max_age`` older; or None."""
    synced = last_sync(home)
    if synced is None:
        return "there was no data sync yet"
    if synced > as_of:
        # A later sync knows all that an earlier one did; the run's own build still sees only what it may.
        return None
    if as_of - synced > max_age:
        return (
            f"the last data sync was as of {synced:%Y-%m-%d %H:%M} UTC, "
            f"{(as_of - synced).total_seconds() / 3600:.1f} hours before this run, at most "
            f"{max_age.total_seconds() / 3600:g} are allowed"
        )
    return None
