"""Rehearsal homes, a sandbox, and servers that misbehave."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from connector_cases import RawServer

from activation.home import Home, World, open_home
from activation.sandbox import Sandbox


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home", World.REHEARSAL)


@pytest.fixture
def sandbox(home: Home) -> Iterator[Sandbox]:
    with Sandbox(home) as running:
        yield running


@pytest.fixture
def raw_server() -> Iterator[Callable[[bytes | Callable[[socket.socket], None]], RawServer]]:
    servers: list[RawServer] = []

    def make(answer: bytes | Callable[[socket.socket], None]) -> RawServer:
        servers.append(RawServer(answer))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
