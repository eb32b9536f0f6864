"""Whether a home is operated, and how its operation is: asked by HTTP on loopback, so that no Prefect is needed.

``prefect/address.json`` says where `muster up` put server and site. See ``flows/operate`` for what it starts.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from activation.clock import parse_moment
from activation.errors import ConfigurationError
from activation.home import Home

ADDRESS = "prefect/address.json"
SITE_URL = "MUSTER_SITE_URL"
TIMEOUT_SECONDS = 20.0
LOOKED_AT = 200
# No proxy: what is asked is on this host.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Health:
    """The operation of a home. ``next_start`` is of the flow run that comes first; counts are of flow runs.

    ``problems`` has a sentence for each thing that a person should look at; none means that all is well.
    """

    api_url: str
    site_url: str
    is_server_healthy: bool
    is_site_healthy: bool
    workers_online: tuple[str, ...]
    deployments: int
    unscheduled: tuple[str, ...]
    running: int
    late: int
    suspended: int
    next_start: datetime | None
    problems: tuple[str, ...]


def read_address(home: Home) -> dict[str, Any] | None:
    """What `muster up` wrote down; None where it never ran. Raises ``ConfigurationError`` where it is damaged."""
    file = home.path / ADDRESS
    try:
        text = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        raise ConfigurationError(
            f"{file} is damaged: end what runs, remove it, and `muster up` again"
        ) from None
    return dict(text)


def health(home: Home) -> Health | None:
    """How the operation of this home is; None where `muster up` never ran, or `muster down` ended it."""
    address = read_address(home)
    if address is None or not any((home.path / "prefect").glob("*.pid")):
        return None
    api, site = f"http://127.0.0.1:{address['port']}/api", f"http://127.0.0.1:{address['site_port']}"
    is_server_healthy, is_site_healthy = ask(f"{api}/health") is True, ask(f"{site}/health") is True
    problems = []
    if not is_server_healthy:
        problems.append("the Prefect server does not answer: nothing runs. `muster up` starts it again")
    if not is_site_healthy:
        problems.append("the site does not answer, and with it the alarm route: `muster up` starts it again")
    workers = ask(f"{api}/work_pools/muster/workers/filter", {}) or [] if is_server_healthy else []
    online = tuple(sorted(str(each["name"]) for each in workers if each.get("status") == "ONLINE"))
    if is_server_healthy and not online:
        problems.append("no worker is online: what is scheduled becomes late. `muster up` starts them again")
    deployments = ask(f"{api}/deployments/filter", {"limit": LOOKED_AT}) or [] if is_server_healthy else []
    scheduled = _runs(api, "SCHEDULED") if is_server_healthy else []
    due = {str(each["deployment_id"]) for each in scheduled}
    unscheduled = tuple(
        sorted(
            str(each["name"])
            for each in deployments
            if any(schedule["active"] for schedule in each["schedules"]) and str(each["id"]) not in due
        )
    )
    if unscheduled:
        problems.append(f"nothing is scheduled for {', '.join(unscheduled)}")
    late = sum(each.get("state_name") == "Late" for each in scheduled)
    if late:
        problems.append(f"{late} flow runs are late")
    starts = [parse_moment(each["next_scheduled_start_time"]) for each in scheduled
              if each.get("next_scheduled_start_time")]  # fmt: skip
    return Health(
        api_url=api,
        site_url=site,
        is_server_healthy=is_server_healthy,
        is_site_healthy=is_site_healthy,
        workers_online=online,
        deployments=len(deployments),
        unscheduled=unscheduled,
        running=len(_runs(api, "RUNNING")) if is_server_healthy else 0,
        late=late,
        suspended=len(_runs(api, "PAUSED")) if is_server_healthy else 0,
        next_start=min((start for start in starts if start > datetime.now(UTC)), default=None),
        problems=tuple(problems),
    )


def in_words(found: Health | None) -> str:
    """The health for people."""
    if found is None:
        return "not operated: `muster up` starts server, workers and all schedules"
    lines = [
        f"operated: {found.api_url.removesuffix('/api')} (the Prefect UI), {found.site_url} (report and catalogue)",
        f"  {len(found.workers_online)} workers online, {found.deployments} deployments, {found.running} flow runs "
        f"running, {found.suspended} waiting for a person"
        + (f", next at {found.next_start:%Y-%m-%d %H:%M} UTC" if found.next_start else ""),
    ]
    return "\n".join([*lines, *(f"  ! {problem}" for problem in found.problems)])


def ask(url: str, body: dict[str, Any] | None = None) -> Any:
    """The JSON that an address of this host answers with; None where it does not answer well."""
    request = urllib.request.Request(  # noqa: S310  # http on loopback
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as reply:
            return json.loads(reply.read())
    except (OSError, ValueError, urllib.error.URLError):
        return None


def _runs(api: str, state: str) -> list[dict[str, Any]]:
    """Flow runs in a type of state, the next first."""
    body = {
        "flow_runs": {"state": {"type": {"any_": [state]}}},
        "sort": "NEXT_SCHEDULED_START_TIME_ASC" if state == "SCHEDULED" else "START_TIME_DESC",
        "limit": LOOKED_AT,
    }
    found = ask(f"{api}/flow_runs/filter", body)
    return found if isinstance(found, list) else []
