"""One small server on loopback beside Prefect's: the report, the catalogue, and the route that alarms are posted to.

The alarm route is a process of its own and asks only the Prefect server and :mod:`activation.alerts`: no worker has to
live, and no internet has to be there, for an alarm to be raised and written down in ``prefect/alarms.jsonl``.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from activation.alerts import alert
from activation.home import Home
from activation.operations import ask
from flows.operate.alarm import NEXT, Alarm
from flows.operate.place import Place

SERVED = ("reports", "docs")
REMEMBERED = 1000
MAX_BODY = 100_000
MAX_WORDS = 1000
_RUN = "prefect.flow-run."


class Desk:
    """Takes alarms: completes them from the server, tells each once, and writes each down."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._told: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, posted: dict[str, object]) -> bool:
        """Tell an alarm that was posted; say whether it was new. Raises ``ValueError`` for what is none."""
        kind, resource = str(posted.get("kind")), str(posted.get("resource"))
        if kind not in NEXT or not resource.startswith(_RUN):
            raise ValueError
        alarm = _completed(self._place.api_url, kind, resource.removeprefix(_RUN))
        with self._lock:
            if alarm.key in self._told:
                return False
            self._told[alarm.key] = None
            while len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
        tell(self._place.home, alarm)
        return True


def tell(home: Home, alarm: Alarm) -> None:
    """Send an alarm on its way, and write it down with what hindered it."""
    problems = alert(home, alarm.text(home.world.value), link=alarm.link)
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": alarm.kind,
        "deployment": alarm.deployment,
        "run": alarm.run,
        "text": alarm.text(home.world.value),
        "problems": problems,
    }
    (home.path / "prefect").mkdir(mode=0o700, exist_ok=True)
    with (home.path / "prefect" / "alarms.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def _completed(api: str, kind: str, run_id: str) -> Alarm:
    """What the server knows of a flow run; where it does not answer, its id has to do."""
    run = ask(f"{api}/flow_runs/{run_id}") or {}
    deployment = ask(f"{api}/deployments/{run['deployment_id']}") or {} if run.get("deployment_id") else {}
    state = run.get("state") or {}
    return Alarm(
        kind=kind,
        deployment=str(deployment.get("name") or ""),
        run=str(run.get("name") or run_id),
        words=str(state.get("message") or "")[:MAX_WORDS],
        tags=tuple(deployment.get("tags") or ()),
        link=f"{api.removesuffix('/api')}/runs/flow-run/{run_id}",
    )


class _Handler(SimpleHTTPRequestHandler):
    """Files below ``reports/`` and ``docs/`` of the home, ``/health``, and the alarm route."""

    server_version = "muster"
    sys_version = ""

    def __init__(self, *arguments: object, place: Place, desk: Desk) -> None:
        self._place = place
        self._desk = desk
        super().__init__(*arguments, directory=str(place.home.path))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer with a file, a folder of reports, or that all is well."""
        path = urlsplit(self.path).path
        if path == "/health":
            self._answer(HTTPStatus.OK, "true", "application/json")
        elif path == "/":
            self._answer(HTTPStatus.OK, self._front(), "text/html; charset=utf-8")
        elif self._is_served(path):
            super().do_GET()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_HEAD(self) -> None:
        """As GET, without the content; of files alone."""
        if self._is_served(urlsplit(self.path).path):
            super().do_HEAD()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Take an alarm from whoever knows the route."""
        expected = urlsplit(self._place.alarm_url).path
        if not hmac.compare_digest(self.path.encode(), expected.encode()):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            length = int(self.headers.get("Content-Length") or 0)
            posted = json.loads(self.rfile.read(min(length, MAX_BODY)))
            is_new = self._desk.take(posted)
        except (ValueError, AttributeError):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        self._answer(HTTPStatus.OK, json.dumps({"told": is_new}), "application/json")

    def log_message(self, *_: object) -> None:
        """The route's path is a secret: nothing is logged."""

    def _is_served(self, path: str) -> bool:
        parts = PurePosixPath(unquote(path)).parts[1:]
        return bool(parts) and parts[0] in SERVED and not any(part.startswith(".") for part in parts)

    def _front(self) -> str:
        links = [f'<li><a href="{self._place.api_url.removesuffix("/api")}">Flow runs and approvals</a>']
        links += [
            f'<li><a href="/{name}/">{words}</a>'
            for name, words in zip(SERVED, ("Reports", "Catalogue"), strict=True)
            if (self._place.home.path / name).is_dir()
        ]
        return f"<!doctype html><title>Muster</title><h1>Muster</h1><ul>{''.join(links)}</ul>"

    def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def make_server(place: Place) -> ThreadingHTTPServer:
    """The site, not serving yet."""
    return ThreadingHTTPServer(
        ("127.0.0.1", place.site_port), partial(_Handler, place=place, desk=Desk(place))
    )
