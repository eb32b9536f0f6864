"""Flow runs that wait for an approver: each is brought to its end where no form will do it any more.

The form is one way among two: where ``muster approve`` was quicker, the flow run would stand suspended until its time
is over. Where nobody answers in time, the server itself ends it as failed.
"""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Completed, Failed

from activation.errors import ConfigurationError
from activation.frozen import read_frozen
from activation.guard import Verdict, rule
from activation.home import Home
from flows.approval import asked_by
from flows.discretion import discreet


@task(name="settle-waiting", cache_policy=NO_CACHE, persist_result=False)
@discreet("settle-waiting")
def settle_waiting(home: Home) -> int:
    """End the suspended flow runs of this home that nobody need answer any more; gives how many."""
    paused = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    ended = 0
    with get_client(sync_client=True) as client:
        for waiting in client.read_flow_runs(flow_run_filter=paused):
            ended += _settle(home, client, waiting)
    return ended


def _settle(home: Home, client: SyncPrefectClient, waiting: FlowRun) -> bool:
    details = waiting.state.state_details if waiting.state else None
    asked = asked_by(details.pause_key) if details else None
    if asked is None:
        return False
    run_id, campaign = asked
    try:
        ruling = rule(home, read_frozen(home, run_id)).get(campaign)
    except ConfigurationError:  # of another home on the same server
        return False
    if ruling is None or ruling.verdict is Verdict.APPROVE:
        return False
    words = f"{campaign} of run {run_id} was decided outside of this form: {'; '.join(ruling.reasons)}"
    state: State[object] = Completed(message=words) if ruling.verdict is Verdict.GO else Failed(message=words)
    client.set_flow_run_state(waiting.id, state, force=True)
    get_run_logger().info("flow run %s: %s", waiting.name, state.message)
    return True
