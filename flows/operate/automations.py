"""The automations that `muster up` puts on the server: each flow run that goes wrong is told to a person.

Failed and crashed ones at once; late ones when their deployment's tag ``late-after:`` says so; ones that do not begin
although they were taken up; and ones without a sign of life, which are ended as crashed, and so are told as well. The
alarm goes to a route on this host (:mod:`flows.operate.site`): no internet is needed to raise it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from prefect.automations import Automation
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events import EventTrigger, Posture, ResourceSpecification
from prefect.events.actions import CallWebhook, ChangeFlowRunState
from prefect.types import SecretDict
from pydantic import SecretStr

from flows.operate.place import HEARTBEAT_SECONDS

BLOCK = "muster-alarm"
PREFIX = "muster: "
# Three heartbeats missed: with the 30 s of a beat, an ended process is marked within two minutes.
SILENT_SECONDS = 3 * HEARTBEAT_SECONDS
STUCK = timedelta(hours=1)
_RUN = "prefect.flow-run."
_ENDS = {f"{_RUN}{state}" for state in ("Completed", "Failed", "Cancelled", "Cancelling", "Crashed")}
_RESTS = {f"{_RUN}{state}" for state in ("Paused", "Suspended", "AwaitingRetry", "Scheduled", "Resuming")}
_STARTS = {f"{_RUN}{state}" for state in ("Running", "Pending", "Retrying")}
# The route asks the server for the rest: what cannot be told by an id is better read than templated.
_PAYLOAD = (
    '{"kind": "%s", "resource": "{{ labels["prefect.resource.id"] if labels["prefect.resource.id"] '
    'else event.resource.id }}"}'
)


def alarm_block(url: str) -> Any:
    """Keep the address of the alarm route as a block; gives the block's id."""
    headers = SecretDict({"Content-Type": "application/json"})
    return Webhook(method="POST", url=SecretStr(url), headers=headers).save(BLOCK, overwrite=True)


def automations(
    block: Any, deployments: Iterable[DeploymentResponse], silent_seconds: float = SILENT_SECONDS
) -> list[Automation]:
    """All automations, by name: what is told, when, and what else is done."""
    found = [
        _told("failed", block, _reactive({f"{_RUN}Failed"}), "A flow run that ends as failed: held, refused, broken."),
        _told(
            "crashed", block, _reactive({f"{_RUN}Crashed"}),
            "A flow run whose process is gone; its next run goes on where the journal says.",
        ),
        _told(
            "stuck", block,
            _silent({f"{_RUN}Pending", f"{_RUN}AwaitingConcurrencySlot"}, _ENDS | _RESTS | {f"{_RUN}Running"}, STUCK),
            "A flow run that was taken up and does not begin.",
        ),
        Automation(
            name=f"{PREFIX}zombie",
            description="A flow run that gives no sign of life is ended as crashed, which frees its place.",
            trigger=_silent(
                {f"{_RUN}heartbeat", f"{_RUN}Running"},
                _ENDS | _RESTS | {f"{_RUN}heartbeat"},
                timedelta(seconds=silent_seconds),
            ),
            actions=[
                ChangeFlowRunState(
                    state=StateType.CRASHED,
                    name="Crashed",
                    force=False,
                    message=f"No sign of life for {silent_seconds:.0f} seconds: its process is taken to be gone.",
                )
            ],
        ),
    ]  # fmt: skip
    for deployment in deployments:
        minutes = late_after(deployment.tags)
        if minutes is not None:
            trigger = _silent({f"{_RUN}Late"}, _ENDS | _STARTS, timedelta(minutes=minutes))
            trigger.match_related = ResourceSpecification(
                {
                    "prefect.resource.role": "deployment",
                    "prefect.resource.id": f"prefect.deployment.{deployment.id}",
                }
            )
            words = f"A run of {deployment.name} that has not begun {minutes} minutes after its time."
            found.append(_told(f"late: {deployment.name}", block, trigger, words))
    return found


def put(client: SyncPrefectClient, wanted: Iterable[Automation]) -> None:
    """Make the server's automations of ours exactly these; those of others stay."""
    for known in _ours(client):
        client.request("DELETE", "/automations/{id}", path_params={"id": known["id"]})
    for automation in wanted:
        automation.create()


def late_after(tags: Iterable[str]) -> int | None:
    """The minutes after which a late run is told, as the tag ``late-after:30m`` says."""
    found = (re.fullmatch(r"late-after:(\d+)m", tag) for tag in tags)
    return next((int(match[1]) for match in found if match), None)


def _ours(client: SyncPrefectClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.request("POST", "/automations/filter", json={"limit": 200}).json()
    return [each for each in found if str(each["name"]).startswith(PREFIX)]


def _told(name: str, block: Any, trigger: EventTrigger, words: str) -> Automation:
    action = CallWebhook(block_document_id=block, payload=_PAYLOAD % name.partition(":")[0])
    return Automation(name=f"{PREFIX}{name}", description=words, trigger=trigger, actions=[action])


def _reactive(expect: set[str]) -> EventTrigger:
    return EventTrigger(
        match=ResourceSpecification({"prefect.resource.id": f"{_RUN}*"}),
        expect=expect,
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
    )


def _silent(after: set[str], expect: set[str], within: timedelta) -> EventTrigger:
    """Goes off where none of ``expect`` comes within a time after one of ``after``, for each flow run."""
    return EventTrigger(
        match=ResourceSpecification({"prefect.resource.id": f"{_RUN}*"}),
        after=after,
        expect=expect,
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=within,
    )
