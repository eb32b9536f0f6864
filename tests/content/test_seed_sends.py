"""Test sends and previews, against the sandbox as a process: marked, noted, and beside everything a run keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from activation import sandbox
from activation.cli import invoke
from activation.content import load_templates
from activation.content.samples import sample, templates_of
from activation.errors import ConfigurationError
from activation.home import Home, World, open_home
from activation.seed_sends import read_seed_list

OURS = ("ours@example.com", "also.ours@example.com", "+15550100001")
FIXED = {"postal_address": "1 Example Street", "privacy_url": "https://shop.example.com/privacy"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = open_home(tmp_path_factory.mktemp("seeds") / "home", World.REHEARSAL)
    (home.path / "seed_lists").mkdir()
    (home.path / "seed_lists" / "own.csv").write_text("\n".join(["address", *OURS, OURS[0], ""]))
    sandbox.start(home)
    yield home
    sandbox.stop(home)


@pytest.fixture(autouse=True)
def here(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_HOME", str(home.path))


def accepted(home: Home) -> list[dict[str, str]]:
    file = home.sandbox / "accepted.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_all_messages_of_a_campaign_go_to_our_own_addresses_and_are_noted(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path for path in home.path.rglob("*") if path.is_file()}
    assert invoke(["test-send", "weekly_reactivation", "--to", "own"]) == 0
    assert invoke(["test-send", "vip_offer", "--to", "own"]) == 0
    assert sorted(row["address"] for row in accepted(home)) == sorted([*OURS[:2] * 3, OURS[2]])
    lines = [json.loads(line) for line in (home.path / "tests.jsonl").read_text().splitlines()]
    contents = load_templates()
    assert [(line["template"], line["version"], line["states"]) for line in lines] == [
        *((name, contents[name].version, {"accepted": 2}) for name in
          ("weekly_reactivation", "weekly_reactivation_2", "weekly_reactivation_3")),
        ("vip_offer", contents["vip_offer"].version, {"accepted": 1}),
    ]  # fmt: skip
    told = capsys.readouterr()
    kept = (home.path / "tests.jsonl").read_text() + told.out + told.err
    assert [mark for mark in OURS if mark in kept] == []
    made = {path for path in home.path.rglob("*") if path.is_file()} - before
    assert {path.name for path in made} <= {"tests.jsonl", "accepted.jsonl", "accepted.bin"}
    assert not home.journal.exists()


def test_a_preview_says_what_it_takes_and_whether_this_version_was_tested(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert invoke(["test-send", "vip_offer", "--to", "own"]) == 0
    capsys.readouterr()
    assert invoke(["preview", "vip_offer", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["tested_at"]
    assert invoke(["preview", "signup_welcome", "--html", str(tmp_path / "page.html")]) == 0
    assert "https://shop.example.com/privacy" in (tmp_path / "page.html").read_text()
    assert "tested: this version was not" in capsys.readouterr().out
    assert invoke(["preview", "weekly_reactivation", "--html", str(tmp_path / "three.html")]) == 2
    assert invoke(["preview", "nothing_like_it"]) == 2


def test_a_campaign_s_templates_are_those_its_sql_and_its_steps_name() -> None:
    contents = load_templates()
    names = {name: {each.template for each in templates_of(name, contents)} for name in (
        "weekly_reactivation", "cart_abandonment", "tuesday_newsletter", "social_calendar")}  # fmt: skip
    assert names["weekly_reactivation"] == {f"weekly_reactivation{step}" for step in ("", "_2", "_3")}
    assert names["cart_abandonment"] == {"cart_abandonment", "cart_abandonment_offer"}
    assert names["tuesday_newsletter"] == {name for name in contents if name.startswith("tuesday_newsletter")}
    assert names["social_calendar"] == {"social_post"}
    german = templates_of("tuesday_newsletter", contents, "de")
    assert {each.template for each in german} >= {"tuesday_newsletter.de", "tuesday_newsletter_meat"}
    assert len({each.name for each in german}) == len(german)


def test_a_sample_shows_names_of_placeholders_and_what_mailboxes_cut_off() -> None:
    contents = load_templates()
    shown = sample(contents["vip_offer"], FIXED)
    assert "[first_name]" in shown.parts["text"]
    assert shown.facts == ("sms: 1 of at most 3 segments, 128 units of GSM-7",)
    assert "1 Example Street" in sample(contents["signup_welcome"], FIXED).parts["html"]


@pytest.mark.parametrize(
    "arguments", [["win_back_postcard", "--to", "own"], ["nightly_ads_suppression", "--to", "own"]]
)
def test_what_leaves_in_files_or_has_no_message_cannot_be_tested_so(arguments: list[str]) -> None:
    assert invoke(["test-send", *arguments]) == 2


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("../own", None, "is of a-z"),
        ("missing", None, "cannot be read"),
        ("empty", "address\n", "has 0 addresses"),
        ("other", "email\na@example.com\n", "has 0 addresses"),
        ("long", "address\n" + "\n".join(f"p{n}@example.com" for n in range(51)), "has 51 addresses"),
    ],
)
def test_a_list_that_is_none_is_refused(name: str, text: str | None, message: str, home: Home) -> None:
    if text is not None:
        (home.path / "seed_lists" / f"{name}.csv").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_seed_list(home, name)
