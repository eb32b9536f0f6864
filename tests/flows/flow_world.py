"""What the tests of the flows work on, and how they read what a flow run left on the server."""

from __future__ import annotations

import time
from dataclasses import dataclass

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import State

from activation.home import Home
from activation.sandbox import Sandbox

# Whoever is in these rows is in nobody's audience: they only say that the feeds were fresh at the run's as_of.
FRESH = {
    "crm/profiles": (
        "profile_id,source_system,email,created_at,updated_at\n"
        "fresh-1,crm,fresh@example.com,2017-11-19 00:00:00,2017-11-19 00:00:00\n"
    ),
    "consent/events": (
        "profile_id,channel,purpose,state,occurred_at\nfresh-1,email,marketing,withdrawn,2017-11-19 00:00:00\n"
    ),
}


@dataclass(frozen=True)
class Shop:
    """A rehearsal home with the small sample in its inbox, and the sandbox that stands for its destinations."""

    home: Home
    sandbox: Sandbox


def artifacts_of(state: State) -> dict[str, str]:
    """The artifacts of a flow run that have a key, by key; Prefect notes every result as one without."""
    run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=run)
    return {artifact.key: str(artifact.data) for artifact in found if artifact.key}


def log_of(state: State) -> str:
    """What a flow run logged, its end included; logs arrive a little later than the run ends."""
    run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        for _ in range(60):
            logs = client.read_logs(log_filter=run)
            text = "\n".join(log.message for log in logs)
            # A task logs the same of its own end.
            if any(log.task_run_id is None and "Finished in state" in log.message for log in logs):
                break
            time.sleep(0.5)
    return text
