"""The delivery clock: the wall's in a live home, a simulated one in a rehearsal home."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from activation.errors import ConfigurationError
from activation.home import Home, World, write_atomically


class Clock(Protocol):
    """Tells the time, aware and in UTC."""

    @property
    def is_set(self) -> bool:
        """Whether it can tell the time."""
        ...

    def now(self) -> datetime:
        """The present moment of this home's world."""
        ...

    def step_to(self, moment: datetime) -> bool:
        """Move on to ``moment`` where this clock can be moved; say whether it is there now."""
        ...


class WallClock:
    """Real time. It cannot be moved."""

    @property
    def is_set(self) -> bool:
        """Always."""
        return True

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    def step_to(self, moment: datetime) -> bool:
        """Say whether ``moment`` has come."""
        return self.now() >= moment


class SimulatedClock:
    """A clock that only ever moves forward, and only when told; kept in ``clock.json``."""

    def __init__(self, file: Path) -> None:
        """Raises ``ConfigurationError`` where the file is no clock."""
        self._file = file
        self._now: datetime | None = None
        if file.exists():
            try:
                self._now = parse_moment(json.loads(file.read_text())["now"])
            except (ValueError, KeyError, TypeError, ConfigurationError):
                raise ConfigurationError(
                    f"{file} is damaged: restore it, or write the latest moment that was delivered at into it, as in "
                    '{"now": "2017-11-22T14:00:00+00:00"}'
                ) from None

    @property
    def is_set(self) -> bool:
        """Whether it was ever moved."""
        return self._now is not None

    def now(self) -> datetime:
        """The moment it was last moved to. Raises ``ConfigurationError`` where it never was."""
        if self._now is None:
            raise ConfigurationError(
                "this rehearsal home's clock was never set: give --as-of, as in --as-of 2017-11-22T14:00"
            )
        return self._now

    def step_to(self, moment: datetime) -> bool:
        """Move on to ``moment``, never backwards."""
        if self._now is None or moment > self._now:
            self._now = moment
            write_atomically(self._file, json.dumps({"now": moment.isoformat()}).encode())
        return True


def clock_of(home: Home) -> Clock:
    """The clock of a home's world."""
    return WallClock() if home.world is World.LIVE else SimulatedClock(home.path / "clock.json")


def refuse_future(home: Home, moment: datetime) -> None:
    """Raise ``ConfigurationError`` where ``moment`` lies ahead of the wall clock of a live home."""
    if home.world is World.LIVE and moment > clock_of(home).now():
        raise ConfigurationError(f"as_of {moment:%Y-%m-%d %H:%M} lies in the future of this live home")


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 date or time; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is no time: write it as 2026-11-21 or 2026-11-21T14:00 (UTC)"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def naive_utc(moment: datetime) -> datetime:
    """The same moment as Parquet and SQL keep it: UTC without an offset."""
    return moment.astimezone(UTC).replace(tzinfo=None)
