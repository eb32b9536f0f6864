"""One collection: each source is pulled and its files are read, and what is new goes to the inbox."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from activation.clock import Clock
from activation.collect import bounces, push, seeds, sendgrid, sets, twilio
from activation.collect.doubts import resolve
from activation.collect.source import Collected, Cursor, Document, Pulled, Source
from activation.collect.state import Memory
from activation.collect.take import Taken, take
from activation.errors import ConfigurationError, DestinationDownError
from activation.home import Home, World, write_atomically
from activation.journal import Journal, open_journal
from activation.landing.contract import ensure_schema_files
from activation.ledger import ensure_ledger

SOURCES = {
    source.name: source
    for source in (
        sendgrid.SOURCE, twilio.SOURCE, bounces.SOURCE, push.SOURCE, sets.SOURCE, seeds.SOURCE,
    )
}  # fmt: skip
BATCH_CHARACTERS = 16_000_000


def feedback_folder(home: Home, source: str) -> Path:
    """Where pushed files of a source are put, by atomic rename; they are removed once they are collected."""
    return home.path / "feedback" / source


def collect(home: Home, clock: Clock, names: Sequence[str] = ()) -> tuple[Collected, ...]:
    """Collect from the sources ``names``, or from all; gives what each did.

    A source that is not configured is passed over, unless it is named; one that fails does not keep the others from
    being collected. Raises ``ConfigurationError`` for a source that is not known, ``HeldError`` where another process
    collects.
    """
    unknown = sorted(set(names) - set(SOURCES))
    if unknown:
        raise ConfigurationError(f"no source is named {unknown[0]!r}; there are: {', '.join(SOURCES)}")
    ensure_schema_files(home)
    ensure_ledger(home)
    now = clock.now() if clock.is_set else datetime.now(UTC)
    with home.lock("collect", "collecting feedback"):
        for source in SOURCES:
            feedback_folder(home, source).mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as stack:
            journal = stack.enter_context(closing(open_journal(home))) if home.journal.exists() else None
            return tuple(
                _collect(home, journal, SOURCES[name], now, is_named=bool(names)) for name in names or SOURCES
            )


def _collect(
    home: Home, journal: Journal | None, source: Source, now: datetime, *, is_named: bool
) -> Collected:
    memory = Memory(home, source.name, source.table)
    result = Collected(source.name)

    def bring(documents: Sequence[Document], cursor: Cursor) -> Collected:
        taken = take(home, source, memory, documents)
        _set_aside(home, source, taken)
        memory.keep(taken.events, taken.digests, cursor, now)
        added = _added(result, taken)
        if journal is None:
            return added
        found = resolve(home, journal, taken.proofs, source.name, now)
        resolved = added.resolved + found.accepted + found.refused
        return replace(added, resolved=resolved, in_doubt=found.left)

    if source.pull is not None:
        cursor = memory.cursor()
        try:
            pulled = source.pull(home, cursor, now)
        except ConfigurationError:
            if is_named:
                raise
            pulled = Pulled((), cursor)
            result = replace(result, is_configured=False)
        except DestinationDownError as error:
            pulled = Pulled((), cursor, str(error))
        result = replace(bring(pulled.documents, pulled.cursor), problem=pulled.problem)
    for files, documents in _batches(home, source, now):
        result = bring(documents, {})
        # Only now: after a crash their events come again, are repeated, and still prove what they prove.
        for file in files:
            file.unlink()
    return result


def _added(result: Collected, taken: Taken) -> Collected:
    return replace(
        result,
        read=result.read + taken.read,
        new=result.new + taken.new,
        repeated=result.repeated + taken.repeated,
        foreign=result.foreign + taken.foreign,
        set_aside=result.set_aside + len(taken.bad),
        ignored=result.ignored + taken.ignored,
    )


def _batches(home: Home, source: Source, now: datetime) -> Iterator[tuple[list[Path], list[Document]]]:
    """Pushed files with their documents, as many at once as fit into memory."""
    if source.read is None:
        return
    files: list[Path] = []
    documents: list[Document] = []
    size = 0
    for file in sorted(feedback_folder(home, source.name).iterdir()):
        if file.name.startswith(".") or file.suffix == ".tmp" or not file.is_file():
            continue
        modified = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        # In a rehearsal the wall clock says nothing of when something came.
        found = list(source.read(file, now if home.world is World.REHEARSAL else modified))
        files.append(file)
        documents += found
        size += sum(len(document.text) for document in found)
        if size > BATCH_CHARACTERS:
            yield files, documents
            files, documents, size = [], [], 0
    if files:
        yield files, documents


def _set_aside(home: Home, source: Source, taken: Taken) -> None:
    """Keep what cannot be used, with the reason, where erasure and purge find it; the same once."""
    if not taken.bad:
        return
    lines = [
        json.dumps({"reason": reason, "record": record}, ensure_ascii=False) for reason, record in taken.bad
    ]
    content = "\n".join([*lines, ""]).encode()
    name = hashlib.sha256(content).hexdigest()[:12]
    write_atomically(home.quarantine / "feedback" / source.name / "files" / f"{name}.jsonl", content)


def in_words(found: Sequence[Collected]) -> str:
    """A line for each source; then what kept one from being read whole. No person in it."""
    columns = ("read", "new", "repeated", "foreign", "set aside", "no feedback", "resolved")
    lines = [f"  {'source':<12}" + "".join(f"{name:>13}" for name in columns)]
    for each in found:
        counts = (
            each.read, each.new, each.repeated, each.foreign, each.set_aside, each.ignored, each.resolved,
        )  # fmt: skip
        note = "" if each.is_configured else "  files only: no connection is configured"
        lines.append(f"  {each.source:<12}" + "".join(f"{count:>13,}" for count in counts) + note)
    lines += [f"  ! {each.problem}" for each in found if each.problem]
    in_doubt = next((each.in_doubt for each in reversed(found) if each.in_doubt is not None), None)
    if in_doubt:
        lines.append(f"  {in_doubt:,} people are in doubt still: `muster doubt` lists their requests")
    return "\n".join(lines)
