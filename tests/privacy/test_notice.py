"""The privacy notice: from what the project says of its data, and complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from activation.campaigns import load_campaigns
from activation.cli import invoke
from activation.home import World, open_home
from activation.landing.contract import contract
from activation.privacy.identifiers import identifiers
from activation.privacy.notice import as_html, as_markdown, notice
from activation.settings import Sender

SENDER = Sender(
    "hello@shop.example.com", "Shop & <Sons>", "1 Example Street", "https://x.example.com", "+1", None
)


def test_every_table_that_names_people_is_there_with_its_limit_and_reason() -> None:
    text = as_markdown(notice(SENDER))
    for table in contract().values():
        if identifiers(table) and table.source != "muster":
            assert table.retention.because in text, table.name
    assert "| Prove every permission | legal obligation |" in text


def test_every_purpose_destination_and_refusal_is_there() -> None:
    text = as_markdown(notice(SENDER))
    for word in ("| audience matching | what identifies you | ", "| marketing | what we conclude from it | "):
        assert word in text
    for campaign in load_campaigns().values():
        assert all(f"| {destination.replace('_', ' ')} | " in text for destination in campaign.destinations)
    assert "| sms | marketing | recent what you did with us | a text lies open" in text
    assert "have all of it erased" in text


def test_as_a_page_it_is_escaped_and_loads_nothing() -> None:
    page = as_html(notice(SENDER))
    assert "Shop &amp; &lt;Sons&gt;" in page
    assert not [word for word in ("<script", "src=", "href=", "@import", "<Sons>") if word in page]
    assert page.count("<h2>") == as_markdown(notice(SENDER)).count("\n## ")


def test_the_command_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_home(tmp_path / "home", World.REHEARSAL)
    monkeypatch.setenv("MUSTER_HOME", str(tmp_path / "home"))
    assert invoke(["privacy-notice"]) == 0
    assert capsys.readouterr().out.startswith("# Privacy notice\n")
    assert invoke(["privacy-notice", "--html", "--to", str(tmp_path / "notice.html")]) == 0
    assert (tmp_path / "notice.html").read_text().startswith("<!doctype html>")
