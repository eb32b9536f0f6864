"""A home, a frozen run of synthetic people, and a destination on loopback that remembers whom it accepted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery_world import SINK, DeliveryWorld, opened

from activation.home import World, open_home


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DeliveryWorld]:
    with opened(open_home(tmp_path / "home", create=World.REHEARSAL)) as world:
        yield world


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a provider in another process, and the file of addresses that it accepted."""
    log = tmp_path / "accepted.log"
    log.touch()
    with subprocess.Popen(
        [sys.executable, "-c", SINK, str(log)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}/", log
        process.kill()
