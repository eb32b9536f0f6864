"""What a run was asked for. On disk before anything else happens, and kept by every resume."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from activation.clock import Clock, parse_moment, refuse_future
from activation.errors import ConfigurationError, HeldError
from activation.home import Home, World, write_atomically

MAX_LATENESS = timedelta(hours=6)


@dataclass(frozen=True)
class RunRequest:
    """The inputs that decide a run, all times in UTC.

    ``as_of`` is the clock of every model. ``known_until`` bounds the ledger rows that the build may see: the
    moment the run began, so that two runs scheduled for the same moment still count each other's reservations.
    """

    run_id: str
    as_of: datetime
    known_until: datetime
    campaigns: tuple[str, ...]
    requested_by: str

    def as_json(self) -> str:
        """The request as it stands on disk."""
        return json.dumps(
            asdict(self) | {"as_of": self.as_of.isoformat(), "known_until": self.known_until.isoformat()},
            indent=2,
        )


def open_request(
    home: Home,
    clock: Clock,
    *,
    as_of: datetime | None,
    run_id: str,
    campaigns: list[str],
    requested_by: str,
    max_lateness: timedelta = MAX_LATENESS,
) -> RunRequest:
    """The request of this run: the one on disk where ``run_id`` was asked for before, else a new one.

    Raises ``ConfigurationError`` where the same run id was asked for with other inputs, or ``as_of`` lies in a
    live home's future; ``HeldError`` where a live run comes later than ``max_lateness`` after its ``as_of``.
    """
    # Not cut to the second: what arrived a moment ago has to count.
    moment, name = as_of or clock.now(), run_id
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name):
        raise ConfigurationError(f"{name!r} cannot be a run id: use letters, digits, and _ . -")
    try:
        request = read_request(home, name)
    except ConfigurationError:
        request = RunRequest(name, moment, moment, tuple(campaigns), requested_by)
    else:
        if (as_of is not None and request.as_of != as_of) or request.campaigns != tuple(campaigns):
            raise ConfigurationError(
                f"run {name} was asked for as of {request.as_of:%Y-%m-%d %H:%M} with "
                f"{', '.join(request.campaigns)}; other inputs need another --run-id"
            )
        return request
    if home.world is World.LIVE:
        refuse_future(home, moment)
        now = clock.now()
        if now - moment > max_lateness:
            raise HeldError(
                f"this run is {(now - moment).total_seconds() / 3600:.1f} hours late, at most "
                f"{max_lateness.total_seconds() / 3600:g} are allowed: start one with a fresh as_of"
            )
        request = RunRequest(name, moment, max(moment, now), tuple(campaigns), requested_by)
    else:
        clock.step_to(moment)
    return request


def record_request(home: Home, request: RunRequest) -> None:
    """Put the request on disk; a second time changes nothing."""
    file = home.run_directory(request.run_id) / "request.json"
    if not file.exists():
        write_atomically(file, request.as_json().encode())


def read_request(home: Home, run_id: str) -> RunRequest:
    """What ``run_id`` was asked for. Raises ``ConfigurationError`` where there is no such run."""
    file = home.run_directory(run_id) / "request.json"
    try:
        text = json.loads(file.read_text())
        return RunRequest(
            str(text["run_id"]),
            parse_moment(text["as_of"]),
            parse_moment(text["known_until"]),
            tuple(text["campaigns"]),
            str(text["requested_by"]),
        )
    except FileNotFoundError:
        raise ConfigurationError(f"there is no run {run_id}; `muster status` lists them") from None
    except (ValueError, KeyError, TypeError, ConfigurationError):
        raise ConfigurationError(f"{file} is damaged: restore it from a backup") from None


def runs(home: Home) -> list[RunRequest]:
    """All runs of a home, oldest first."""
    files = (home.ledger / "runs").glob("*/request.json")
    return sorted(
        (read_request(home, file.parent.name) for file in files),
        key=lambda request: (request.as_of, request.run_id),
    )


def default_run_id(as_of: datetime, campaigns: list[str]) -> str:
    """The run id that follows from as_of and campaigns, so that asking twice is asking once."""
    return "-".join([f"{as_of:%Y%m%dT%H%M%SZ}", *campaigns])[:100]
