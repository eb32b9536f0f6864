"""Two revisions of the models on the same input: who would be decided otherwise, and by which rule.

Both are built as of the same moment from the same landing zone and ledger, each in a directory of its own. Nothing
is published or frozen. The revision's models, macros, seeds and templates' names are its own; the template versions
landed in the home are the same for both.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from activation.build import decision_log
from activation.campaigns import priority_order
from activation.clock import Clock
from activation.errors import BuildError, ConfigurationError, HeldError
from activation.freeze import inputs_seen
from activation.frozen import connect
from activation.home import Home
from activation.plans.difference import contest_lines
from activation.plans.moves import ABSENT, CampaignMoves, Move, compare_logs
from activation.request import RunRequest
from activation.settings import PROJECT

_NEEDED = ("dbt_project.yml", "profiles.yml", "macros/campaign_priority.sql")


@dataclass(frozen=True)
class Comparison:
    """The decisions of the working tree (now) against those of ``revision`` (before), campaign by campaign."""

    revision: str
    commit: str
    as_of: datetime
    campaigns: Sequence[CampaignMoves]


def compare(
    home: Home, request: RunRequest, clock: Clock, revision: str, *, ids: int, project: Path = PROJECT
) -> Comparison:
    """Build the working tree and a git revision of it, and compare their decisions. Minutes rather than seconds.

    At most ``ids`` customers are named for each reason. Raises ``ConfigurationError`` where there is no such
    revision, or no dbt project in it; ``BuildError`` where one of the two does not build; ``HeldError`` where
    something was landed or frozen meanwhile.
    """
    commit = commit_of(revision, project)
    with _checked_out(project, commit) as there, home.lock("build", "building the warehouse"):
        places = {"here": project, "there": there}
        directories = {name: home.build_directory(f"{request.run_id}-{name}") for name in places}
        known_at = max(request.known_until, clock.now())
        asked = replace(request, campaigns=_campaigns(request, places.values()))
        seen = inputs_seen(home, asked)
        logs: dict[str, Path] = {}
        for name, place in places.items():
            shutil.rmtree(directories[name], ignore_errors=True)
            try:
                logs[name] = decision_log(home, asked, known_at, directories[name], place)
            except BuildError as error:
                what = "the working tree" if name == "here" else f"revision {revision} ({commit[:12]})"
                raise BuildError(f"{what} cannot be compared: {error}") from None
        if inputs_seen(home, asked) != seen:
            raise HeldError("something was landed or frozen during the comparison: start it again")
        with connect() as engine:
            found = compare_logs(engine, logs["here"], logs["there"], list(asked.campaigns), ids)
        for directory in directories.values():
            shutil.rmtree(directory)
    return Comparison(revision, commit, request.as_of, found)


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The comparison for machines."""
    return asdict(found) | {"as_of": found.as_of.isoformat()}


def comparison_text(found: Comparison) -> str:
    """The comparison for a terminal."""
    parts = [
        f"working tree against {found.revision} ({found.commit[:12]}), as of {found.as_of:%Y-%m-%d %H:%M} UTC"
    ]
    parts += [
        "\n".join([moves.campaign, *(f"  {line}" for line in _lines(moves))]) for moves in found.campaigns
    ]
    return "\n\n".join(parts)


def comparison_markdown(found: Comparison) -> str:
    """The comparison for a pull request."""
    head = f"## Decisions against {found.revision} ({found.commit[:12]}), as of {found.as_of:%Y-%m-%d %H:%M} UTC\n"
    rows = "\n".join(
        f"| {moves.campaign} | {moves.sent_before:,} | {moves.sent_now:,} | {_sum(moves.entered):,} "
        f"| {_sum(moves.left):,} | {moves.changed['offer']:,} | {moves.changed['variant']:,} |"
        for moves in found.campaigns
    )
    table = (
        f"| campaign | there | here | in | out | other offer | other variant |\n|---|{'---:|' * 6}\n{rows}\n"
    )
    parts = [head, table]
    for moves in found.campaigns:
        if moves.entered or moves.left:
            block = "\n".join(f"    {line}" for line in _lines(moves))
            parts.append(f"<details><summary>{moves.campaign}</summary>\n\n{block}\n\n</details>\n")
    return "\n".join(parts)


def _lines(moves: CampaignMoves) -> list[str]:
    is_same = not (moves.entered or moves.left or any(moves.changed.values()))
    if is_same and (moves.lost_now, moves.won_now) == (moves.lost_before, moves.won_before):
        return [f"the same {moves.sent_now:,} people get the same"]
    lines = [f"{moves.sent_before:,} there, {moves.sent_now:,} here"]
    lines += [_line("in ", "there", move) for move in moves.entered]
    lines += [_line("out", "here", move) for move in moves.left]
    lines += [f"  another {what} for {people:,}" for what, people in moves.changed.items() if people]
    return lines + contest_lines(moves)


def _line(word: str, side: str, move: Move) -> str:
    reason = "no candidate" if move.reason == ABSENT else move.reason.replace("_", " ")
    winner = f" ({move.lost_to})" if move.lost_to else ""
    some = f": {', '.join(move.customer_ids)}" if move.customer_ids else ""
    more = " …" if len(move.customer_ids) < move.people and some else ""
    return f"  {word} {move.people:>8,}  {side}: {reason}{winner}{some}{more}"


def _sum(moves: Sequence[Move]) -> int:
    return sum(move.people for move in moves)


def _campaigns(request: RunRequest, projects: Iterable[Path]) -> tuple[str, ...]:
    """Those asked for; where these are all there are here, also those that only the revision has."""
    order = [priority_order(place) for place in projects]
    if set(request.campaigns) != set(order[0]):
        return request.campaigns
    return tuple(dict.fromkeys(name for names in order for name in names))


def commit_of(revision: str, project: Path = PROJECT) -> str:
    """The commit that a revision names. Raises ``ConfigurationError`` where it is none, or none of a dbt project."""
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    commit = _git(project, *asked)
    if commit is None:
        raise ConfigurationError(
            f"git knows no revision {revision} of this project: name a branch, a tag or a commit"
        )
    for file in _NEEDED:
        if _git(project, "cat-file", "-e", f"{commit}:./{file}") is None:
            raise ConfigurationError(
                f"revision {revision} ({commit[:12]}) has no {file}: "
                "it is no version of this project to compare with"
            )
    return commit


@contextmanager
def _checked_out(project: Path, commit: str) -> Iterator[Path]:
    """The files of a commit, in a directory that is gone afterwards. The repository stays as it is."""
    with tempfile.TemporaryDirectory(prefix="muster-") as name:
        place = Path(name)
        archive = ["git", "archive", "--format=tar", commit]
        with (
            subprocess.Popen(archive, cwd=project, stdout=subprocess.PIPE) as process,
            tarfile.open(fileobj=cast("IO[bytes]", process.stdout), mode="r|") as files,
        ):
            # Python 3.11 has the filter since its fourth patch only; what git writes itself needs none.
            safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            files.extractall(place, **safely)  # noqa: S202
        yield place


def _git(project: Path, *arguments: str) -> str | None:
    """What git says, or None where it says no."""
    try:
        done = subprocess.run(["git", *arguments], cwd=project, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
