"""The commands that the law asks for: purge, erase, export."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from activation import console, settings
from activation.cli.app import AsJson, AsOf, app
from activation.clock import clock_of, parse_moment, refuse_future
from activation.errors import ConfigurationError
from activation.home import Home, open_home
from activation.privacy.erase import Erasure
from activation.privacy.erase import erase as erase_person
from activation.privacy.erase import finish as finish_erasures
from activation.privacy.export import export as export_person
from activation.privacy.purge import purge as purge_home

Who = Annotated[str | None, typer.Argument(help="A customer id, or the id of one of the person's profiles.")]
AddressFile = Annotated[
    Path | None,
    typer.Option(
        "--address-file", "--email-file",
        help="Instead: a file with an e-mail address or telephone number; - is standard input. "
        "An argument would stay in the shell's history.",
    ),
]  # fmt: skip
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")]


@app.command()
def purge(as_of: AsOf = None, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Remove what is older than its table's retention limit from the landing zone and quarantine."""
    home = open_home(settings.home_path())
    moment = parse_moment(as_of) if as_of else _now(home)
    refuse_future(home, moment)
    found = purge_home(home, moment, dry_run=dry_run)
    if as_json:
        tables = [asdict(table) | {"kept": table.kept} for table in found]
        console.say_json({"as_of": moment.isoformat(), "dry_run": dry_run, "tables": tables})
        return
    lines = [f"  {'':<28}{'limit':>12}{'looked at':>12}{'removed':>12}{'kept':>12}"]
    for table in found:
        limit = f"{table.keep_days:,} days" if table.keep_days else "none"
        lines.append(
            f"  {table.table:<28}{limit:>12}{table.looked_at:>12,}{table.removed:>12,}{table.kept:>12,}"
        )
    console.say("\n".join(lines) + ("\n\nNothing was changed." if dry_run else ""))


@app.command()
def erase(
    who: Who = None,
    address_file: AddressFile = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept, so name nobody.")] = "the person asked for it",
    by: Annotated[str | None, typer.Option(help="Who decided it, if not you.")] = None,
    dry_run: DryRun = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Instead: end the erasures that wait for sets to let people go.")
    ] = False,
    anyway: Annotated[
        str | None,
        typer.Option(help="With --finish: end them although a set may hold the person, for this reason."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person from everything that is held, for good: no later load brings them back.

    Who is in a set at some destination leaves it with the next run; --finish then takes the last identifiers.
    """
    home = open_home(settings.home_path())
    if finish:
        if who or address_file or dry_run:
            raise ConfigurationError("--finish goes on with all erasures that wait: name nobody")
        _tell_finished(finish_erasures(home, anyway=anyway), as_json=as_json)
        return
    if anyway:
        raise ConfigurationError("--anyway goes with --finish")
    address = _address(who, address_file)
    done = erase_person(
        home, who=who, address=address, reason=reason, by=by or getpass.getuser(), now=_now(home), dry_run=dry_run
    )  # fmt: skip
    entry = done.entry
    if as_json:
        told = asdict(entry) | {"shared": done.person.shared, "dry_run": dry_run, "sets": _sets(done)}
        console.say_json(
            {name: value for name, value in told.items() if not (dry_run and name == "erasure_id")}
        )
        return
    lines = [f"  {rows:>9,} {name}" for name, rows in entry.counts.items()]
    if done.person.shared:
        lines.append(
            f"  {done.person.shared} addresses or devices are other people's too: what names only them stays"
        )
    if done.sets:
        lines += ["", f"In {len(done.sets)} sets: {', '.join(_sets(done))}."]
    if dry_run:
        lines += ["", "Nothing was changed."]
    else:
        lines += [
            "",
            f"Erasure {entry.erasure_id}. The warehouse and its builds are gone: `muster build` makes a new one.",
        ]
    if done.sets and not dry_run:
        lines += [
            "All else is gone; what was sent to these sets stays until the next run has taken the person out.",
            "Then: muster erase --finish",
        ]
    console.say("\n".join(lines))


@app.command()
def export(
    to: Annotated[Path, typer.Option(help="A folder that is new or empty.")],
    who: Who = None,
    address_file: AddressFile = None,
    as_json: AsJson = False,
) -> None:
    """Write everything that is held on a person into a folder: JSON lines, and an index of what it is held for."""
    home = open_home(settings.home_path())
    written = export_person(home, who=who, address=_address(who, address_file), to=to, now=_now(home))
    if as_json:
        console.say_json([asdict(each) for each in written])
        return
    lines = [f"  {each.name:<40}{each.rows:>10,} rows" for each in written]
    console.say("\n".join([*lines, "", f"{to / 'README.md'} says what each file is."]))


def _tell_finished(done: list[Erasure], *, as_json: bool) -> None:
    if as_json:
        console.say_json([{"erasure_id": each.entry.erasure_id, "sets": _sets(each)} for each in done])
        return
    for each in done:
        waits = f"waits for {', '.join(_sets(each))}" if each.sets else "is at its end"
        console.say(f"Erasure {each.entry.erasure_id} {waits}.")
    if not done:
        console.say("No erasure waits.")


def _sets(erasure: Erasure) -> list[str]:
    return [f"{held.destination} {held.audience}" for held in erasure.sets]


def _now(home: Home) -> datetime:
    clock = clock_of(home)
    return clock.now() if clock.is_set else datetime.now(UTC)


def _address(who: str | None, file: Path | None) -> str | None:
    if (who is None) == (file is None):
        raise ConfigurationError(
            "say whom: a customer or profile id, or --address-file with a file, or - to type it"
        )
    if file is None:
        return None
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise ConfigurationError("the address file cannot be read") from None
    return text.strip()
