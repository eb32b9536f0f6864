"""``python -m flows.operate up|down|site|deadman --home DIRECTORY``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from activation import console
from activation.errors import MusterError
from activation.home import open_home
from activation.settings import home_path


def main() -> int:
    """Do what is asked; give the exit code. Prefect is imported once its environment is set."""
    parser = argparse.ArgumentParser(prog="python -m flows.operate")
    parser.add_argument("command", choices=("up", "down", "site", "deadman"))
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--port", type=int, default=None)
    asked = parser.parse_args()
    try:
        return _do(asked)
    except MusterError as error:
        console.complain(str(error))
        return error.exit_code


def _do(asked: argparse.Namespace) -> int:
    from flows.operate.place import environment, place_of  # noqa: PLC0415  # before anything imports Prefect

    home = open_home(asked.home or home_path())
    place = place_of(home, asked.port)
    own = environment(place)
    own.pop("MUSTER_OPERATION", None) if asked.command != "site" else None
    os.environ.update(own)
    if asked.command == "site":
        from flows.operate.site import make_server  # noqa: PLC0415

        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with make_server(place) as server:
            server.serve_forever()
    elif asked.command == "deadman":
        from flows.operate.deadman import watch  # noqa: PLC0415

        alarms = watch(home)
        console.say("\n\n".join(alarm.text(home.world.value) for alarm in alarms) or "All is well.")
        return 3 if alarms else 0
    else:
        from flows.operate.up import down, up  # noqa: PLC0415

        if asked.command == "up":
            up(home, asked.workers, asked.port, console.say)
        else:
            down(home, console.say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
