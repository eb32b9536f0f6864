"""Files for whom no API reaches: a printer, a tool that imports, a team with a queue of tasks.

One request is one file, ``<destination>/<campaign>_<slot>_<digest>.jsonl`` (letters: ``.csv``), and then, last, its
manifest ``<file>.done``. Each is written under another name, brought to disk and renamed, and a file counts only with
its manifest: it is there whole or not at all. The name follows from the rows, so a request that failed half-way leaves
nothing that its repetition would not replace; a delivered file is never written again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from activation.connectors import Throughput
from activation.connectors.lines import LETTERS_HEAD, letters_sql, members_sql, messages_sql
from activation.connectors.rows import RowSql, check_rows
from activation.errors import ConfigurationError
from activation.settings import Sender
from activation.types import Answer, Capability, Operation, Request, RowVerdict, State

# What the next file would meet as well: no room, no right to write, no directory.
EVERY_FILE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR}
)
NAME_BYTES = 80


class Form(StrEnum):
    """What a file is made of: lines of JSON about messages or members, or a CSV of letters for a printer."""

    MESSAGES = "messages"
    MEMBERSHIPS = "memberships"
    LETTERS = "letters"


@dataclass(frozen=True)
class _Place:
    """Where a request's file is or belongs; uncertain where another's manifest may be its own."""

    file: Path
    is_delivered: bool
    is_uncertain: bool


class FileDrop:
    """A destination that is a directory; made by :func:`file_destination`. Not safe for several threads at once."""

    name: ClassVar[str]
    channel: ClassVar[str]
    form: ClassVar[Form]
    operations: ClassVar[frozenset[Operation]]
    capability: ClassVar[Capability] = Capability.FILE
    max_rows: ClassVar[int] = 10_000
    throughput: ClassVar[Throughput] = Throughput()

    def __init__(self, drops: Path, sender: Sender) -> None:
        """``drops`` is the directory above those of all such destinations; it is made where there is none."""
        self._folder = drops / self.name
        self._sender = sender
        self._sql = RowSql()

    def send(self, request: Request) -> Answer:
        """Write everybody in ``request`` into one file; see :class:`activation.connectors.Connector`.

        The answer's ``provider_id`` is the file's name.
        """
        if request.operation not in self.operations or (
            self.form is Form.MEMBERSHIPS and not request.audience
        ):
            asked = "names an audience, and adds or removes" if self.form is Form.MEMBERSHIPS else "sends"
            raise ConfigurationError(f"{self.name}: a request {asked}")
        check_rows(self.name, request.rows, self.max_rows)
        body, people, rows = self._encode(request)
        if not people:
            return Answer(State.REFUSED, "nobody_can_be_sent_to", rows=rows)
        return self._deliver(request, body, people, rows)

    def look_up(self, request: Request) -> Answer:
        """Say whether the file of ``request`` is there; see :class:`activation.connectors.LooksUp`.

        What a process left half-way when it ended is removed: without its manifest it means nothing.
        """
        _, people, rows = self._encode(request)
        if not people:
            return Answer(State.REFUSED, "nobody_can_be_sent_to", rows=rows)
        try:
            place = self._place(request)
            if place.is_delivered:
                _fsync(self._folder)
                return Answer(State.ACCEPTED, provider_id=place.file.name, rows=rows)
            if place.is_uncertain:
                return Answer(State.IN_DOUBT, "file_manifest_unreadable", rows=rows)
            for left in (_temporary(_manifest_of(place.file)), _temporary(place.file), place.file):
                left.unlink(missing_ok=True)
        except OSError as error:
            return Answer(State.IN_DOUBT, _reason(error), rows=rows)
        return Answer(State.PLANNED, "not_found", rows=rows)

    def _encode(self, request: Request) -> tuple[bytes, int, dict[int, RowVerdict]]:
        """Build the file, how many people it holds, and who is refused and why."""
        text, people, refused = self._sql.one(request.rows, self._query(request))
        rows = {item["row"]: RowVerdict(State.REFUSED, item["reason"]) for item in refused or ()}
        head = LETTERS_HEAD if self.form is Form.LETTERS else ""
        return f"{head}{text or ''}".encode(), people, rows

    def _query(self, request: Request) -> str:
        if self.form is Form.MEMBERSHIPS:
            return members_sql(request.operation, request.audience or "")
        write = letters_sql if self.form is Form.LETTERS else messages_sql
        return write(request.content, self._sender.fixed)

    def _deliver(self, request: Request, body: bytes, people: int, rows: Mapping[int, RowVerdict]) -> Answer:
        manifest = {
            "request_id": request.request_id,
            "rows": people,
            "sha256": hashlib.sha256(body).hexdigest(),
            "campaign": request.campaign,
            "slot": request.slot,
            "step": request.step,
            "operation": request.operation,
            "audience": request.audience,
            "template": request.content and request.content.template,
            "content_version": request.content and request.content.version,
        }
        try:
            for folder in (self._folder.parent, self._folder):
                folder.mkdir(mode=0o700, exist_ok=True)
            place = self._place(request)
            if not place.is_delivered:
                self._write(place.file, body, manifest)
        except OSError as error:
            return Answer(State.PLANNED, _reason(error), rows=rows, is_down=error.errno in EVERY_FILE)
        try:
            _fsync(self._folder)
        except OSError as error:  # the file is there, but a loss of power may still undo it
            return Answer(State.IN_DOUBT, _reason(error), provider_id=place.file.name, rows=rows)
        return Answer(State.ACCEPTED, provider_id=place.file.name, rows=rows)

    def _place(self, request: Request) -> _Place:
        """Find where the request's file is or belongs.

        The same rows can rightly come twice, as when a member was added, removed and added on one day: what an
        earlier request delivered keeps its name, and this one gets the next.
        """
        ids = request.rows["message_id"].to_pylist()
        what = [request.campaign, request.slot, request.step, request.operation, request.audience, ids]
        digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:8]
        stem = f"{_plain(request.campaign)}_{_plain(request.slot)}_{digest}"
        kind = "csv" if self.form is Form.LETTERS else "jsonl"
        is_uncertain = False
        number = 0
        while True:
            number += 1
            file = self._folder / f"{stem}{f'_{number}' if number > 1 else ''}.{kind}"
            delivered_by = _delivered_by(_manifest_of(file))
            if delivered_by in {None, request.request_id}:
                return _Place(file, delivered_by is not None, is_uncertain)
            is_uncertain |= not delivered_by

    def _write(self, file: Path, body: bytes, manifest: Mapping[str, Any]) -> None:
        try:
            _publish(file, body)
            _fsync(self._folder)
            _publish(_manifest_of(file), json.dumps(manifest, indent=2).encode())
        except OSError:
            with suppress(OSError):  # without its manifest it means nothing, and it holds people's data
                file.unlink(missing_ok=True)
            raise


def file_destination(called: str, by: str, made_of: Form) -> type[FileDrop]:
    """Make the connector of one directory: its name in the outbox, its channel, and the form of its files."""
    is_set = made_of is Form.MEMBERSHIPS

    class Destination(FileDrop):
        name: ClassVar[str] = called
        channel: ClassVar[str] = by
        form: ClassVar[Form] = made_of
        operations: ClassVar[frozenset[Operation]] = frozenset(
            {Operation.ADD, Operation.REMOVE} if is_set else {Operation.SEND}
        )

    return Destination


def _plain(text: str) -> str:
    """What of a name may stand in the name of a file anywhere."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:NAME_BYTES]


def _manifest_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.done")


def _delivered_by(manifest: Path) -> str | None:
    """Give the request whose file this is; empty where it cannot be told, ``None`` where there is no manifest."""
    try:
        return str(json.loads(manifest.read_bytes())["request_id"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return ""


def _temporary(file: Path) -> Path:
    return file.with_name(f".{file.name}.tmp")


def _publish(file: Path, content: bytes) -> None:
    """Bring a file to disk under another name, mode 0600, and give it its own at once."""
    temporary = _temporary(file)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        temporary.replace(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _fsync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    """Name a failure by its code alone: its text holds the path."""
    return f"file_{errno.errorcode.get(error.errno or 0, 'error').lower()}"
