"""What an alarm says: which run, what is wrong with it, whom it concerns, and what to do next. Names no customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NEXT = {
    "failed": "read the run's last lines and artifacts; mend what they name, then run the deployment again. What was "
    "held is not sent, and what is planned stays planned (`muster status`)",
    "crashed": "send nothing again by hand: the next `resume-due` goes on where the journal says, and nobody gets it "
    "twice. Look at `muster doubt`, then at memory and disk of the worker's host",
    "late": "look whether a worker is online and not busy (`muster status`); `muster up` starts what is missing. A run "
    "that is later than its limit is held, not sent",
    "stuck": "look what holds its slot or its process: cancel the run that does, or restart the workers "
    "(`muster down`, `muster up`)",
    "missing": "look whether the schedule is active and the server healthy (`muster status`), then run the deployment",
    "dead": "the server does not answer, so nothing runs and no other alarm comes: `muster up` on its host",
    "idle": "no worker is online, so nothing is delivered: `muster up` on its host",
}


@dataclass(frozen=True)
class Alarm:
    """One thing that a person should look at. ``words`` are Prefect's or ours, never a customer's data."""

    kind: str
    deployment: str
    run: str
    words: str
    tags: Sequence[str] = ()
    link: str | None = None

    @property
    def key(self) -> str:
        """What makes it the same alarm, which is not told twice."""
        return f"{self.kind} {self.run or self.deployment}"

    def text(self, world: str) -> str:
        """The alarm as people read it."""
        what = f"{self.deployment or 'Muster'}{f', flow run {self.run}' if self.run else ''}"
        lines = [f"Muster ({world}): {self.kind}: {what}"]
        lines += [self.words] if self.words else []
        people = [
            f"{role.replace('-', ' ')}: {name}"
            for role in ("on-call", "deliverability", "owner")
            if (name := self._tagged(role))
        ]
        lines += ["; ".join(people)] if people else []
        lines.append(f"What to do: {NEXT[self.kind]}.")
        return "\n".join(lines)

    def _tagged(self, role: str) -> str | None:
        return next((tag.partition(":")[2] for tag in self.tags if tag.startswith(f"{role}:")), None)
