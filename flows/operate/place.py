"""Where the operation of a home keeps its things, and the environment that each of its processes gets."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from activation.errors import ConfigurationError
from activation.home import Home, write_atomically
from activation.operations import ADDRESS, SITE_URL, read_address
from activation.settings import PROJECT

POOL = "muster"
# Marks the processes that were started here, and all that they start themselves, so that they are known again.
MARK = "MUSTER_OPERATION"
HEARTBEAT_SECONDS = 30
# Of Prefect's settings, those that a person may set for what is started here.
_PASSED = ("PREFECT_SERVER_SERVICES_", "PREFECT_WORKER_")
_DATABASE = ("PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL")


@dataclass(frozen=True)
class Place:
    """One home's operation: ``mark`` names it, ``token`` is what an alarm has to know."""

    home: Home
    port: int
    site_port: int
    mark: str
    token: str

    @property
    def directory(self) -> Path:
        """Its files: database, logs, process ids, address."""
        return self.home.path / "prefect"

    @property
    def api_url(self) -> str:
        """The server's API."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def site_url(self) -> str:
        """The site with report, catalogue and the alarm route."""
        return f"http://127.0.0.1:{self.site_port}"

    @property
    def alarm_url(self) -> str:
        """Where an alarm is posted to; whoever knows it may raise one."""
        return f"{self.site_url}/alarm/{self.token}"


def place_of(home: Home, port: int | None = None) -> Place:
    """The operation of a home: as it was, or a new one on ``port`` (or a free one).

    Raises ``ConfigurationError`` where its file is damaged.
    """
    known = read_address(home)
    if known is not None and port in {None, known["port"]}:
        try:
            return Place(
                home, int(known["port"]), int(known["site_port"]), str(known["mark"]), str(known["token"])
            )
        except (KeyError, ValueError, TypeError):
            raise ConfigurationError(
                f"{home.path / ADDRESS} is damaged: end what runs, remove it, and `muster up` again"
            ) from None
    place = Place(home, port or _free_port(), _free_port(), secrets.token_hex(8), secrets.token_urlsafe(24))
    text = {"port": place.port, "site_port": place.site_port, "mark": place.mark, "token": place.token}
    write_atomically(home.path / ADDRESS, json.dumps(text, indent=2).encode())
    place.directory.chmod(0o700)
    return place


def environment(place: Place, *, is_server: bool = False) -> dict[str, str]:
    """What a process of the operation finds in its environment.

    A flow run gets this process's ``MUSTER_`` settings; the server gets none of them, because it needs no secret.
    A database that the environment names is used; else it is SQLite in the home.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    kept |= {name: os.environ[name] for name in os.environ if name.startswith(_PASSED)}
    if is_server:
        kept = {name: value for name, value in kept.items() if not name.startswith("MUSTER_")}
        kept |= {name: os.environ[name] for name in _DATABASE if name in os.environ}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return (
        kept
        | {
            MARK: place.mark,
            "PYTHONPATH": str(PROJECT),
            SITE_URL: place.site_url,
            "MUSTER_HOME": str(place.home.path),
            "DO_NOT_TRACK": "1",
            "PREFECT_HOME": str(place.directory),
            "PREFECT_API_URL": place.api_url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",  # without its server a flow run waits, and starts no other one
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
            # What is older than 90 days goes: runs, logs, artifacts. Heartbeats and other events go after a week.
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs,orphans",
            "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P7D",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
            "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
            "PREFECT_LOGGING_COLORS": "false",
            "PREFECT_CLI_PROMPT": "false",
        }
    )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
