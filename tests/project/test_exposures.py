"""What a campaign's exposure may say of its destinations and of what to build."""

from __future__ import annotations

from pathlib import Path

import pytest

from activation.campaigns import Campaign, load_campaigns
from activation.errors import ConfigurationError

EXPOSURE = """\
exposures:
  - name: hello
    owner: {{name: Somebody, email: somebody@example.com}}
    description: "**Purpose.** Say hello. **Criteria.** Everybody."
    config:
      meta: {{schedule: Daily 02:00 UTC, approver: boss@example.com, {meta}}}
"""


def load(project: Path, meta: str) -> Campaign:
    (project / "macros").mkdir()
    (project / "macros" / "campaign_priority.sql").write_text("return(['hello'])")
    (project / "models" / "campaigns").mkdir(parents=True)
    (project / "models" / "campaigns" / "cmp_hello.yml").write_text(EXPOSURE.format(meta=meta))
    return load_campaigns(project)["hello"]


def test_one_destination_and_a_full_build_are_what_most_say(tmp_path: Path) -> None:
    campaign = load(tmp_path, "destination: sendgrid")
    assert (campaign.destinations, campaign.build) == (("sendgrid",), "full")


def test_a_campaign_may_go_to_several_destinations_and_build_little(tmp_path: Path) -> None:
    campaign = load(tmp_path, 'destination: "meta, google", build: micro_batch')
    assert (campaign.destinations, campaign.build) == (("meta", "google"), "micro_batch")


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ('destination: "meta, pigeon"', r"cmp_hello\.yml:2: .* names the destination pigeon"),
        ('destination: "meta, meta"', r"cmp_hello\.yml:2: .* be named once"),
        ('destination: "meta,"', r"cmp_hello\.yml:2: .* names the destination \(none\)"),
        ("destination: [meta]", r"cmp_hello\.yml:2: .* must say config\.meta\.destination, as a text"),
        ("destination: meta, build: fast", r"cmp_hello\.yml:2: config\.meta\.build .* full, micro_batch"),
        ("destination: meta, build: [full]", r"cmp_hello\.yml:2: config\.meta\.build"),
        ("destination: meta, colour: red", r"config\.meta\.colour, which nobody reads; known are .*build"),
    ],
)
def test_what_nobody_could_follow_is_refused_with_its_place(meta: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path, meta)
