"""Up and down: what has to run for a home to be operated, started where it does not run yet, and ended again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import PrefectHTTPStatusError

from activation.campaigns import load_campaigns
from activation.errors import HeldError
from activation.home import Home, World
from activation.operations import ask, health, in_words
from activation.settings import PROJECT
from flows.operate.automations import alarm_block, automations, put
from flows.operate.place import POOL, Place, environment, place_of
from flows.operate.processes import end, end_all, marked, names, running, start
from flows.turns import limit_of

SERVER, SITE = "server", "site"
SERVER_SECONDS, READY_SECONDS = 150.0, 90.0
# Flow runs at a time, for each worker: one decides, others deliver, look or wait for their turn. The limit is the
# pool's and not the workers': a worker with a limit of its own dies where a suspended flow run is resumed before its
# process is gone (Prefect 3.8).
RUNS_PER_WORKER = 3
# What a delivery needs to finish and record the request that is open.
ORDERLY_SECONDS = 30.0


def up(home: Home, workers: int, port: int | None, say: Callable[[str], None]) -> None:
    """Start what does not run yet, deploy, and wait until all is well.

    Raises ``HeldError`` where something does not come up in time, ``BusyError`` while another `muster up` is at it.
    """
    with home.lock("operate", "starting or ending the operation"):
        place = place_of(home, port)
        server_up(place, say)
        if running(place, SITE) is None:
            start(place, SITE, _ourselves("site", home), environment(place), PROJECT)
        deploy(place, say, workers)
        for number in range(1, workers + 1):
            worker_up(place, f"worker-{number}", say)
        _wait("all is ready", lambda: not _problems(home), READY_SECONDS, place)
        say(in_words(health(home)))


def down(home: Home, say: Callable[[str], None]) -> None:
    """End workers, then the flow runs that they left behind, then site and server: all that bears our mark."""
    with home.lock("operate", "starting or ending the operation"):
        place = place_of(home)
        ended = [
            name for name in names(place) if name not in {SERVER, SITE} and end(place, name, ORDERLY_SECONDS)
        ]
        kept = {running(place, SERVER), running(place, SITE)}
        end_all(place, marked(place) - kept, ORDERLY_SECONDS)
        ended += [name for name in (SITE, SERVER) if end(place, name, ORDERLY_SECONDS)]
        end_all(place, marked(place), ORDERLY_SECONDS)
        say(f"Ended: {', '.join(ended)}." if ended else "Nothing was running.")


def server_up(place: Place, say: Callable[[str], None]) -> None:
    """Start the server where it does not run, and wait until it answers."""
    if running(place, SERVER) is None:
        say("Starting the Prefect server")
        command = [*_lean_prefect(), "server", "start", "--host", "127.0.0.1", "--port", str(place.port)]
        start(place, SERVER, command, environment(place, is_server=True), PROJECT)
    _wait("the server answers", lambda: ask(f"{place.api_url}/health") is True, SERVER_SECONDS, place, SERVER)


def worker_up(place: Place, name: str, say: Callable[[str], None]) -> None:
    """Start a worker where none of this name runs."""
    if running(place, name) is None:
        say(f"Starting {name}")
        command = [*_lean_prefect(), "worker", "start", "--pool", POOL, "--type", "process", "--name", name]
        start(place, name, command, environment(place), PROJECT)


def deploy(place: Place, say: Callable[[str], None], workers: int) -> None:
    """Put pool, deployments, limits and automations on the server; what is there already becomes as it should be."""
    say("Deploying what prefect.yaml says")
    with get_client(sync_client=True) as client:
        _make(client, "/work_pools/", {"name": POOL, "type": "process"})
        limit = {"concurrency_limit": RUNS_PER_WORKER * workers}
        client.request("PATCH", "/work_pools/{name}", json=limit, path_params={"name": POOL})
    log = place.directory / "deploy.log"
    with log.open("wb") as file:
        code = subprocess.run(
            [*_prefect(), "--no-prompt", "deploy", "--all"],
            cwd=PROJECT, env=environment(place), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            check=False,
        ).returncode  # fmt: skip
    if code:
        raise HeldError(f"the deployments could not be made: Prefect's own words are in {log}")
    with get_client(sync_client=True) as client:
        deployments = client.read_deployments()
        if place.home.world is World.REHEARSAL:
            _switch_off(client, deployments)
        known = client.request("POST", "/v2/concurrency_limits/filter", json={"limit": 200}).json()
        for name in sorted({limit_of(each) for each in load_campaigns()} - {each["name"] for each in known}):
            _make(client, "/v2/concurrency_limits/", {"name": name, "limit": 1})
        put(client, automations(alarm_block(place.alarm_url), deployments))


def _make(client: SyncPrefectClient, path: str, body: dict[str, Any]) -> None:
    """Make something that may be there already."""
    try:
        client.request("POST", path, json=body)  # type: ignore[arg-type]
    except PrefectHTTPStatusError as error:
        if error.response.status_code != HTTPStatus.CONFLICT:
            raise


def _switch_off(client: SyncPrefectClient, deployments: list[DeploymentResponse]) -> None:
    """Switch schedules and triggers off, in a home whose clock is not theirs. Deployments run when they are told."""
    for deployment in deployments:
        client.request(
            "DELETE",
            "/automations/owned-by/{resource_id}",
            path_params={"resource_id": f"prefect.deployment.{deployment.id}"},
        )
        for schedule in deployment.schedules:
            client.request(
                "PATCH",
                "/deployments/{id}/schedules/{schedule_id}",
                path_params={"id": deployment.id, "schedule_id": schedule.id},
                json={"active": False},
            )


def _problems(home: Home) -> bool:
    found = health(home)
    # A run that was late before the worker came is no reason to wait for.
    return found is None or bool(found.unscheduled) or not (found.workers_online and found.is_site_healthy)


def _wait(
    what: str, is_so: Callable[[], bool], seconds: float, place: Place, name: str | None = None
) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        if name is not None and running(place, name) is None:
            raise HeldError(f"{name} ended at once: its own words are in {place.directory / f'{name}.log'}")
        if time.monotonic() >= until:
            raise HeldError(
                f"waited {seconds:.0f} seconds until {what}, in vain: see `muster status` and the logs in "
                f"{place.directory}"
            )
        time.sleep(0.5)


def _prefect() -> list[str]:
    return [sys.executable, "-m", "prefect"]


def _lean_prefect() -> list[str]:
    return [sys.executable, "-m", "flows.operate.lean_prefect"]


def _ourselves(command: str, home: Home) -> list[str]:
    return [sys.executable, "-m", "flows.operate", command, "--home", str(home.path)]
