"""The commands about what messages say: preview, test-send, privacy-notice."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from activation import console, settings
from activation.campaigns import choose, load_campaigns
from activation.cli.app import AsJson, app
from activation.clock import clock_of
from activation.content import load_templates
from activation.content.samples import sample, templates_of
from activation.errors import ConfigurationError, DestinationDownError, InDoubtError
from activation.home import open_home, write_atomically
from activation.privacy.notice import as_html, as_markdown, notice
from activation.seed_sends import last_tests, send_tests
from activation.types import State

Language = Annotated[
    str | None, typer.Option(help="Only this language, as de; where there is none, the default one.")
]


@app.command()
def preview(
    name: Annotated[str, typer.Argument(help="A template, or a campaign: all that it uses.")],
    language: Language = None,
    html: Annotated[Path | None, typer.Option(help="Write the HTML of the one e-mail to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show messages with example values, what they take, and when they were tested last."""
    home = open_home(settings.home_path())
    fixed = settings.sender(home).fixed
    found = [sample(each, fixed) for each in templates_of(name, load_templates(), language)]
    tested = {each.version: each.at for one in found for each in last_tests(home, one.template)}
    if html is not None:
        pages = [each.parts["html"] for each in found if "html" in each.parts]
        if len(pages) != 1:
            raise ConfigurationError(f"{len(pages)} of these have HTML: name one template, or --language")
        write_atomically(html, pages[0].encode())
    if as_json:
        console.say_json([asdict(each) | {"tested_at": tested.get(each.version)} for each in found])
    for each in [] if as_json else found:
        until = f", valid until {each.valid_until}" if each.valid_until else ""
        lines = [f"{each.template}  {each.channel}, {each.purpose}, version {each.version}{until}"]
        lines += [f"  {fact}" for fact in each.facts]
        lines.append(f"  tested: {tested.get(each.version, 'this version was not')}")
        for part in ("subject", "text"):
            lines += [f"  {part}: {line}" for line in each.parts.get(part, "").splitlines() if line.strip()]
        console.say("\n".join(lines) + "\n")


@app.command(name="test-send")
def send_test(
    campaign: Annotated[str, typer.Argument(help="The campaign.")],
    to: Annotated[
        str, typer.Option(help="A seed list: seed_lists/<name>.csv in the home, of our own addresses.")
    ],
    language: Language = None,
    as_json: AsJson = False,
) -> None:
    """Send a campaign's messages to our own addresses, marked as tests. No slot is taken, and no cap counts them."""
    home = open_home(settings.home_path())
    known = load_campaigns()
    choose(known, [campaign])
    clock = clock_of(home)
    now = clock.now() if clock.is_set else datetime.now(UTC)
    sent = send_tests(home, known[campaign], to, by=getpass.getuser(), now=now, language=language)
    if as_json:
        console.say_json([asdict(each) for each in sent])
    for each in [] if as_json else sent:
        states = ", ".join(f"{count} {state}" for state, count in each.states.items())
        why = f" ({', '.join(each.reasons)})" if each.reasons else ""
        console.say(f"  {each.template:<32}{each.version:<14}{each.destination:<12}{states}{why}")
    if any(State.IN_DOUBT.value in each.states for each in sent):
        raise typer.Exit(InDoubtError.exit_code)
    if any(State.PLANNED.value in each.states for each in sent):
        raise typer.Exit(DestinationDownError.exit_code)


@app.command(name="privacy-notice")
def privacy_notice(
    html: Annotated[bool, typer.Option("--html", help="HTML; else Markdown.")] = False,
    to: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
) -> None:
    """Write the privacy notice that messages link: what is held, what for, how long, and what people can ask."""
    sections = notice(settings.sender(open_home(settings.home_path())))
    text = as_html(sections) if html else as_markdown(sections)
    if to is None:
        console.say(text)
    else:
        write_atomically(to, text.encode())
