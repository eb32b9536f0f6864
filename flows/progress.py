"""How far a delivery is, live on the flow run's page: one progress artifact for each campaign."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from activation.delivery import Progress

EVERY_SECONDS = 2.0  # a delivery answers up to thousands of rows a second; people need not see each


@dataclass
class _Bars:
    """The artifacts that were made, and what they show. An artifact that fails is told once and hinders nothing."""

    shown: dict[str, UUID] = field(default_factory=dict)
    at: dict[str, float] = field(default_factory=dict)
    latest: dict[str, Progress] = field(default_factory=dict)
    is_broken: bool = False

    def note(self, progress: Progress) -> None:
        self.latest[progress.campaign] = progress
        if time.monotonic() - self.at.get(progress.campaign, float("-inf")) >= EVERY_SECONDS:
            self.show(progress)

    def show(self, progress: Progress) -> None:
        name, share = progress.campaign, 100 * progress.done / max(progress.total, 1)
        self.at[name] = time.monotonic()
        words = f"{name}: {progress.done:,} of {progress.total:,} people have an answer."
        try:
            if name in self.shown:
                update_progress_artifact(self.shown[name], progress=share, description=words)
            else:
                made = create_progress_artifact(
                    progress=share, key=f"progress-{name.replace('_', '-')}", description=words
                )
                self.shown[name] = cast("UUID", made)
        except Exception as error:  # noqa: BLE001  # a server that is away must not end a delivery
            if not self.is_broken:
                get_run_logger().warning("the progress cannot be shown (%s)", type(error).__name__)
            self.is_broken = True


@contextmanager
def live_progress() -> Iterator[Callable[[Progress], None]]:
    """Show progress as it is told, at most every two seconds, and at the end as it is."""
    bars = _Bars()
    try:
        yield bars.note
    finally:
        for progress in bars.latest.values():
            bars.show(progress)
