"""What every destination that is a directory must do: whole or not at all, once, and in nobody else's sight."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from connector_cases import SENDER, memberships, messages, nobody_at

from activation.connectors.file_drop import FileDrop, Form, file_destination
from activation.connectors.registry import AS_FILES, REGISTRY
from activation.content import load_templates, render
from activation.home import Home
from activation.types import Answer, Capability, Content, Operation, Request, State

# One of each form beside those that are registered.
DROPS = {
    **AS_FILES,
    "message_drop": file_destination("message_drop", "push", Form.MESSAGES),
    "member_drop": file_destination("member_drop", "crm", Form.MEMBERSHIPS),
    "letter_drop": file_destination("letter_drop", "mail", Form.LETTERS),
}
every_file = pytest.mark.parametrize("name", sorted(DROPS))
FIELDS = json.dumps({"first_name": "Ann", "offer_text": "15 % off"})


def drop(name: str, folder: Path) -> FileDrop:
    return DROPS[name](folder, SENDER)


def ordinary(name: str) -> Request:
    """Three people whom any such file takes."""
    if DROPS[name].form is Form.MEMBERSHIPS:
        return memberships([f"person{number}@example.com" for number in range(3)], [None] * 3)
    return messages(DROPS[name].channel, [FIELDS] * 3)


def found(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def the_file(folder: Path) -> bytes:
    (content,) = (content for file, content in found(folder).items() if not file.endswith(".done"))
    return content


def other_people(request: Request) -> Request:
    ids = [f"{number:032x}" for number in range(100, 100 + request.people)]
    rows = request.rows.set_column(request.rows.column_names.index("message_id"), "message_id", [ids])
    return replace(request, rows=rows, request_id="request-2")


@every_file
def test_a_file_is_there_with_a_manifest_that_describes_it(name: str, home: Home) -> None:
    request = ordinary(name)
    answer = drop(name, home.drops).send(request)
    assert (answer.state, DROPS[name].capability) == (State.ACCEPTED, Capability.FILE)
    assert DROPS[name].max_rows == 10_000
    assert answer.provider_id is not None
    files = found(home.drops)
    assert set(files) == {f"{name}/{answer.provider_id}", f"{name}/{answer.provider_id}.done"}
    body = files[f"{name}/{answer.provider_id}"]
    manifest = json.loads(files[f"{name}/{answer.provider_id}.done"])
    assert answer.provider_id.startswith(f"{request.campaign}_{request.slot}_")
    assert manifest["sha256"] == hashlib.sha256(body).hexdigest()
    assert manifest["rows"] == request.people
    assert len(body.splitlines()) == request.people + (DROPS[name].form is Form.LETTERS)
    for key in ("request_id", "campaign", "slot", "step", "operation", "audience"):
        assert manifest[key] == getattr(request, key)
    assert manifest["content_version"] == (request.content.version if request.content else None)


@every_file
def test_nobody_else_may_read_it(name: str, tmp_path: Path) -> None:
    drop(name, tmp_path / "drops").send(ordinary(name))
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in (tmp_path / "drops").rglob("*")}
    assert modes == {True: 0o700, False: 0o600}
    assert (tmp_path / "drops").stat().st_mode & 0o777 == 0o700


@every_file
def test_the_same_request_twice_is_the_same_bytes_once(name: str, tmp_path: Path) -> None:
    first = drop(name, tmp_path).send(ordinary(name))
    files = found(tmp_path)
    assert drop(name, tmp_path).send(ordinary(name)) == first
    assert found(tmp_path) == files
    assert drop(name, tmp_path / "elsewhere").send(ordinary(name)) == first
    assert found(tmp_path / "elsewhere") == files


@every_file
def test_two_runs_never_overwrite_each_other(name: str, tmp_path: Path) -> None:
    """Neither with other people, nor with the same ones, as when members leave and return within a day."""
    request = ordinary(name)
    drop(name, tmp_path).send(request)
    before = found(tmp_path)
    names = {
        drop(name, tmp_path).send(again).provider_id
        for again in (other_people(request), replace(request, request_id="request-3"))
    }
    after = found(tmp_path)
    assert len(names) == 2
    assert len(after) == 6
    assert {file: after[file] for file in before} == before


Broken = Callable[..., Any]


def broken(function: Broken, at: Callable[..., bool], code: int = errno.ENOSPC) -> Broken:
    """The same function, but it fails for some arguments, as on a disk that is full."""

    def failing(*arguments: Any, **options: Any) -> Any:
        if at(*arguments):
            raise OSError(code, os.strerror(code), "drops")
        return function(*arguments, **options)

    return failing


def is_manifest(path: Any, *_: Any) -> bool:
    return str(path).endswith((".done.tmp", ".done"))


def is_a_file(descriptor: Any) -> bool:
    return not Path(f"/proc/self/fd/{descriptor}").readlink().is_dir()


@every_file
@pytest.mark.parametrize(
    "fault",
    [
        (os, "open", lambda path, *_: str(path).endswith(".tmp")),
        (os, "open", is_manifest),
        (os, "fsync", is_a_file),
        (Path, "replace", lambda *_: True),
        (Path, "replace", is_manifest),
    ],
)
def test_a_failure_leaves_nothing_and_may_be_tried_again(
    name: str, fault: tuple[Any, str, Broken], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, what, at = fault
    request = ordinary(name)
    with monkeypatch.context() as patched:
        patched.setattr(where, what, broken(getattr(where, what), at))
        answer = drop(name, tmp_path).send(request)
    assert (answer.state, answer.reason, answer.is_down) == (State.PLANNED, "file_enospc", True)
    assert found(tmp_path) == {}
    assert drop(name, tmp_path).send(request).state is State.ACCEPTED


@every_file
def test_a_file_without_its_manifest_is_replaced(name: str, tmp_path: Path) -> None:
    answer = drop(name, tmp_path).send(ordinary(name))
    files = found(tmp_path)
    (tmp_path / name / f"{answer.provider_id}.done").unlink()
    (tmp_path / name / str(answer.provider_id)).write_bytes(b"half a l")
    (tmp_path / name / f".{answer.provider_id}.tmp").write_bytes(b"of a killed process")
    assert drop(name, tmp_path).send(ordinary(name)) == answer
    assert found(tmp_path) == files


@every_file
def test_an_error_of_one_file_is_not_the_destinations(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", broken(os.fsync, lambda _: True, errno.EIO))
    answer = drop(name, tmp_path).send(ordinary(name))
    assert (answer.state, answer.reason, answer.is_down) == (State.PLANNED, "file_eio", False)


@every_file
def test_what_is_there_but_perhaps_not_on_disk_is_in_doubt(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last thing that can fail comes after the manifest, which a reader may have seen by then."""
    calls: list[int] = []
    last = 4  # the data, its directory, the manifest, its directory

    def is_last(descriptor: int) -> bool:
        calls.append(descriptor)
        return len(calls) == last

    monkeypatch.setattr(os, "fsync", broken(os.fsync, is_last, errno.EIO))
    answer = drop(name, tmp_path).send(ordinary(name))
    assert (answer.state, answer.reason) == (State.IN_DOUBT, "file_eio")
    assert f"{name}/{answer.provider_id}.done" in found(tmp_path)


@every_file
def test_a_file_that_is_there_can_be_looked_up(name: str, tmp_path: Path) -> None:
    """Also where an earlier request of the same rows delivered first, and where a row was refused."""
    request = ordinary(name)
    drop(name, tmp_path).send(request)
    second = replace(nobody_at(request, 0), request_id="request-2")
    answer = drop(name, tmp_path).send(second)
    before = found(tmp_path)
    assert drop(name, tmp_path).look_up(second) == answer
    assert drop(name, tmp_path).look_up(request).provider_id != answer.provider_id
    assert answer.rows[0].state is State.REFUSED
    assert found(tmp_path) == before


@every_file
def test_what_a_dead_process_left_never_comes_and_is_removed(name: str, tmp_path: Path) -> None:
    request = ordinary(name)
    answer = drop(name, tmp_path).send(request)
    (tmp_path / name / f"{answer.provider_id}.done").unlink()
    for left in (f".{answer.provider_id}.tmp", f".{answer.provider_id}.done.tmp"):
        (tmp_path / name / left).write_bytes(b"of a killed process")
    assert drop(name, tmp_path).look_up(request) == Answer(State.PLANNED, "not_found")
    assert found(tmp_path) == {}
    assert drop(name, tmp_path / "nowhere").look_up(request) == Answer(State.PLANNED, "not_found")
    assert drop(name, tmp_path).send(request) == answer


def test_a_look_up_that_fails_leaves_the_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = ordinary("letter_drop")
    answer = drop("letter_drop", tmp_path).send(request)
    manifest = tmp_path / "letter_drop" / f"{answer.provider_id}.done"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", broken(Path.read_bytes, lambda *_: True, errno.EIO))
        assert drop("letter_drop", tmp_path).look_up(request) == Answer(State.IN_DOUBT, "file_eio")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken(os.fsync, lambda _: True, errno.EIO))
        assert drop("letter_drop", tmp_path).look_up(request).state is State.IN_DOUBT
    manifest.write_bytes(b"flipped bits")
    assert drop("letter_drop", tmp_path).look_up(request) == Answer(
        State.IN_DOUBT, "file_manifest_unreadable"
    )


def test_a_file_with_nobody_in_it_is_looked_up_as_it_was_refused(tmp_path: Path) -> None:
    request = memberships([None], [None])
    assert drop("member_drop", tmp_path).look_up(request) == drop("member_drop", tmp_path).send(request)


def test_a_directory_that_cannot_be_made_is_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "mkdir", broken(Path.mkdir, lambda *_: True, errno.EACCES))
    answer = drop("letter_drop", tmp_path / "drops").send(ordinary("letter_drop"))
    assert (answer.state, answer.reason, answer.is_down) == (State.PLANNED, "file_eacces", True)


def test_a_slot_cannot_lead_out_of_the_directory(tmp_path: Path) -> None:
    request = replace(ordinary("member_drop"), slot="../../cut 17/ü" + "x" * 300)
    answer = drop("member_drop", tmp_path).send(request)
    assert answer.state is State.ACCEPTED
    assert {Path(file).parent for file in found(tmp_path)} == {Path("member_drop")}


def test_a_message_carries_its_fields_and_the_template_as_this_person_gets_it(tmp_path: Path) -> None:
    parts = {
        "subject": "It's {{ first_name }}",
        "html": "<b>{{ first_name }}</b> {{ postal_address }}",
        "text": "{{ offer }}",
    }
    content = Content("hello", "v", "push", parts, frozenset({"first_name", "offer", "postal_address"}))
    fields = {"first_name": "Ann\r\nBcc: <all> & 'Co' \"x\"", "offer": "{{ first_name }} ü\n€"}
    request = replace(messages("push", [json.dumps(fields)]), content=content)
    assert drop("message_drop", tmp_path).send(request).state is State.ACCEPTED
    (line,) = the_file(tmp_path).decode().split("\n")[:-1]
    row = json.loads(line)
    expected = fields | {"postal_address": SENDER.postal_address}
    assert row.pop("fields") == fields
    assert row == {
        "message_id": f"{0:032x}",
        "customer_id": "c0",
        "address": "ExponentPushToken[phone-0]",
        **{part: render(content, part, expected) for part in ("subject", "html", "text")},
    }


def test_a_message_without_a_template_is_its_fields(tmp_path: Path) -> None:
    request = replace(messages("social", ['{"text": "Hi"}', None, "no json"]), content=None)
    drop("message_drop", tmp_path).send(request)
    rows = [json.loads(line) for line in the_file(tmp_path).splitlines()]
    assert [row["fields"] for row in rows] == [{"text": "Hi"}, None, None]
    assert set(rows[0]) == {"message_id", "customer_id", "address", "fields"}


@pytest.mark.parametrize("name", ["message_drop", "letter_drop"])
def test_who_lacks_a_value_is_refused_alone(name: str, tmp_path: Path) -> None:
    request = messages(DROPS[name].channel, [FIELDS, '{"first_name": "Bo"}', None, FIELDS])
    addresses = [*request.rows["address"].to_pylist()[:3], None]
    at = request.rows.column_names.index("address")
    request = replace(request, rows=request.rows.set_column(at, "address", [addresses]))
    answer = drop(name, tmp_path).send(request)
    assert answer.state is State.ACCEPTED
    assert {row: verdict.reason for row, verdict in answer.rows.items()} == {
        1: "missing_field_offer_text",
        2: "missing_field_first_name",
        3: "missing_address",
    }
    assert the_file(tmp_path).count(b"0" * 32) == 1


def test_a_file_with_nobody_in_it_is_not_written(tmp_path: Path) -> None:
    answer = drop("member_drop", tmp_path).send(memberships([None, None], [None, None]))
    assert answer.state is State.REFUSED
    assert {verdict.reason for verdict in answer.rows.values()} == {"no_identifier"}
    assert found(tmp_path) == {}


def test_a_change_of_a_set_says_what_to_do_and_with_whom(tmp_path: Path) -> None:
    request = memberships(["ann@example.com", None], [None, None], Operation.REMOVE)
    at = request.rows.column_names.index("external_id")
    request = replace(request, rows=request.rows.set_column(at, "external_id", [[None, "profile-7"]]))
    drop("member_drop", tmp_path).send(request)
    shared = {"operation": "remove", "audience": "120330", "phone": None}
    assert [json.loads(line) for line in the_file(tmp_path).splitlines()] == [
        shared | {"customer_id": "c0", "email": "ann@example.com", "external_id": None},
        shared | {"customer_id": "c1", "email": None, "external_id": "profile-7"},
    ]


def letters(
    fields: list[dict[str, str]], addresses: list[str], text: str = "Dear {{ first_name }}"
) -> Request:
    names = frozenset({"first_name"})
    content = Content("letter", "v", "mail", {"text": text}, names)
    return replace(messages("mail", [json.dumps(each) for each in fields], addresses), content=content)


def test_a_letter_is_a_row_that_any_reader_of_csv_reads(tmp_path: Path) -> None:
    person = {"first_name": "Zoë", "last_name": 'O"Neill', "offer_text": "10 % off, now"}
    addresses = ["1 Main St\n01234 Springfield, US", "007"]
    drop("letter_drop", tmp_path).send(
        letters([person, {"first_name": "Bo"}], addresses, "Dear {{ first_name }},\nyours")
    )
    body = the_file(tmp_path)
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    assert list(rows[0]) == ["message_id", "name", "address", "offer_text", "text"]
    assert [row["name"] for row in rows] == ['Zoë O"Neill', "Bo"]
    assert [row["address"] for row in rows] == addresses
    assert [row["offer_text"] for row in rows] == ["10 % off, now", ""]
    assert rows[0]["text"] == "Dear Zoë,\nyours"
    assert b'"007"' in body


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_spreadsheet_takes_a_value_for_a_formula(start: str, tmp_path: Path) -> None:
    value = f'{start}HYPERLINK("https://example.com")'
    drop("letter_drop", tmp_path).send(
        letters([{"first_name": value, "name": value, "offer_text": value}], [value], "{{ first_name }}")
    )
    (row,) = csv.DictReader(io.StringIO(the_file(tmp_path).decode(), newline=""))
    assert {row[column] for column in ("name", "address", "offer_text", "text")} == {f"'{value}"}


def test_the_shipped_templates_are_for_channels_that_a_destination_has() -> None:
    channels = {kind.channel for kind in REGISTRY.values()}
    assert {content.channel for content in load_templates().values()} <= channels
