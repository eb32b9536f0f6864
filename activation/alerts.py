"""Tell people that a run did not end well: in a Slack channel, or at any address that takes ``{"text": ...}``.

An alert names runs, campaigns and counts, and nobody. It never fails a run, never keeps it for more than
three seconds an address, is not repeated while nothing changed, and is dropped where the other side has had enough.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from activation.connectors.client import Auth, Client
from activation.connectors.reply import Verdict
from activation.errors import ConfigurationError, MusterError
from activation.guard import Verdict as Ruled
from activation.home import Home, World, write_atomically
from activation.run import Outcome
from activation.settings import LOOPBACK, Connection, read

DEADLINE_SECONDS = 3.0
SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
REMEMBERED_RUNS = 50
NAMES = ("SLACK", "ALERT")
# By exit code: what a person should look at. 2 is told to whoever typed the command.
MEANINGS = {3: "held", 4: "in doubt", 5: "a destination is down", 6: "the journal is not safe"}


def alert(home: Home, text: str, *, link: str | None = None) -> list[str]:
    """Tell ``text``, which must name nobody, where ``MUSTER_SLACK_URL`` and ``MUSTER_ALERT_URL`` say.

    The first is a Slack incoming webhook, the second any address that takes JSON with ``text`` and ``link``; it is at
    a host of ``MUSTER_ALLOWED_HOSTS``. The addresses are credentials. Never raises: gives what went wrong, a sentence
    each, and nothing where all is well or no address is set.
    """
    problems = []
    bodies = {"SLACK": _for_slack(text, link), "ALERT": {"text": text, "link": link}}
    for name, body in bodies.items():
        try:
            url = read(f"{name}_URL")
            if url is not None:
                _post(home, name, url, json.dumps(body).encode())
        except ConfigurationError as error:
            problems.append(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, an alert must not fail a run
            problems.append(f"the alert by MUSTER_{name}_URL failed ({type(error).__name__})")
    return problems


def alert_outcome(home: Home, outcome: Outcome, code: int, complain: Callable[[str], None]) -> None:
    """Tell how a run ended, where that is not well; the same end of the same run is told once.

    ``complain`` hears of what hinders the alert.
    """
    if code not in MEANINGS:
        return
    lines = []
    for name, ruling in outcome.rulings.items():
        delivery = outcome.deliveries.get(name)
        if ruling.verdict is not Ruled.GO:
            lines.append(f"{name}: {ruling.verdict.value}, {ruling.planned:,} planned")
        elif delivery is not None and (delivery.is_down or delivery.counts.get("in_doubt")):
            counts = ", ".join(f"{count:,} {state}" for state, count in delivery.counts.items() if count)
            lines.append(f"{name}: {counts}{', DOWN' if delivery.is_down else ''}")
    _once(home, outcome.run.run_id, code, lines, complain)


@contextmanager
def alerting(home: Home, run_id: str, complain: Callable[[str], None]) -> Iterator[None]:
    """Tell of an error that ends a run, by its class alone, and let it go on its way."""
    try:
        yield
    except MusterError as error:
        if error.exit_code in MEANINGS:
            _once(home, run_id, error.exit_code, [type(error).__name__], complain)
        raise


def _once(home: Home, run_id: str, code: int, lines: list[str], complain: Callable[[str], None]) -> None:
    text = "\n".join(
        [
            f"Muster ({home.world.value}): run {run_id} ended with exit code {code}, {MEANINGS[code]}",
            *lines,
            f"`muster status` says more, and `muster resume {run_id}` goes on.",
        ]
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    told = _told(home)
    if told.pop(run_id, None) == digest or not _is_wanted():
        return
    problems = alert(home, text)
    if not problems:
        kept = dict(list(told.items())[1 - REMEMBERED_RUNS :])
        try:
            write_atomically(home.path / "alerts.json", json.dumps({**kept, run_id: digest}).encode())
        except OSError as error:
            problems.append(f"what was told is not remembered ({error.strerror}), and may be told again")
    for problem in problems:
        complain(problem)


def _is_wanted() -> bool:
    try:
        return any(read(f"{name}_URL") for name in NAMES)
    except ConfigurationError:
        return True  # what is wrong is told by the attempt


def _told(home: Home) -> dict[str, str]:
    try:
        told = json.loads((home.path / "alerts.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _post(home: Home, name: str, url: str, body: bytes) -> None:
    """Post once. Raises ``ConfigurationError``, whose text shows no part of the address but its host."""
    parts = urlsplit(url)
    host, is_loopback = parts.hostname or "", parts.hostname in LOOPBACK
    allowed = {each.strip().lower() for each in (read("ALLOWED_HOSTS") or "").split(",")} - {""}
    if not is_loopback and (home.world is World.REHEARSAL or host not in allowed | _own_hosts(name)):
        raise ConfigurationError(
            f"MUSTER_{name}_URL: a rehearsal home reaches loopback only"
            if home.world is World.REHEARSAL
            else f"MUSTER_{name}_URL: {host} is neither Slack's nor in MUSTER_ALLOWED_HOSTS"
        )
    if (parts.scheme != "https" and not is_loopback) or parts.query or parts.username or not parts.path:
        raise ConfigurationError(f"MUSTER_{name}_URL is an https address with a path, and nothing after it")
    connection = Connection(
        name, f"{parts.scheme}://{parts.netloc}", is_sandbox_allowed=home.world is World.REHEARSAL
    )
    reply = Client(connection, Auth.NONE, deadline=DEADLINE_SECONDS).post(parts.path, json_body=body)
    if reply.verdict is not Verdict.ANSWERED or not reply.is_success:
        raise ConfigurationError(f"the alert by MUSTER_{name}_URL was not taken ({reply.reason})")


def _own_hosts(name: str) -> frozenset[str]:
    return SLACK_HOSTS if name == "SLACK" else frozenset()


def _for_slack(text: str, link: str | None) -> dict[str, str]:
    """Write text as Slack's mrkdwn wants it: three characters are its own."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": f"{escaped}\n<{link}>" if link else escaped}
