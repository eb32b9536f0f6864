"""Canaries: a person and secrets that nothing else in the world has, looked for wherever they must not be.

Here: landing of good, malformed and damaged files, messages under every fault, an erasure, all by the command line.
What a whole run leaves, with dbt's artifacts and the journal, is looked through in
``tests/run/test_canary_of_a_run.py``.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from activation import sandbox
from activation.cli import invoke
from activation.home import Home, World, open_home

EMAIL, PHONE, NAME = "canary.qzx7@example.com", "+12025550147", "Canaryqzx"
PUSH, PROFILE = "ExponentPushToken[canary-qzx-push]", "canary-profile-qzx"
SECRETS = {"SENDGRID_TOKEN": "SG.canary-qzx-token", "TWILIO_PASSWORD": "canary-qzx-password",
           "TWILIO_USERNAME": "ACcanaryqzx", "PEPPER": "canary-qzx-pepper",
           "UNSUBSCRIBE_KEYS": "k:canary-qzx-unsubscribe-key"}  # fmt: skip
MARKS = (EMAIL, PHONE, PHONE[1:], NAME, PUSH, *SECRETS.values(), "canary-qzx", EMAIL.replace("@", "%40"))
FILES = {
    "crm/profiles": f"""profile_id,source_system,email,phone,first_name,created_at,updated_at
{PROFILE},crm,{EMAIL},{PHONE},{NAME},2025-01-01,2025-01-01
p2,crm,{EMAIL},{PHONE},{NAME},{NAME},{EMAIL}
p3,crm,"{EMAIL},{PHONE},{NAME}
""",
    "crm/devices": f"device_id,profile_id,push_token,platform,seen_at\nd1,{PROFILE},{PUSH},{NAME},{EMAIL}\n",
    "shop/orders": f"order_id,{EMAIL},{NAME}\no1,{PHONE},x\n",
    "consent/events": f"email,channel,purpose,state,occurred_at\n{EMAIL},email,{NAME},{EMAIL},{PHONE}\n",
}
FAULTS = (
    "status:500",
    "status:400",
    "status:401",
    "status:429",
    "drop",
    "accept_then_drop",
    "accept_then_500",
    "garbage",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name, value in SECRETS.items():
        monkeypatch.setenv(f"MUSTER_{name}", value)
    monkeypatch.setenv("MUSTER_TWILIO_USERNAME", "AC0123")  # an account's name, which Twilio wants in the URL
    monkeypatch.setenv("MUSTER_HOME", str(tmp_path / "home"))
    return open_home(tmp_path / "home", World.REHEARSAL)


def marks_in(text: str) -> list[str]:
    return [mark for mark in MARKS if mark.lower() in text.lower()]


def test_no_command_tells_a_person_or_a_secret_whatever_goes_wrong(
    home: Home, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for table, text in FILES.items():
        file = home.inbox / table / "extract.csv"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    (home.inbox / "crm/profiles/damaged.parquet").write_bytes(f"PAR1{EMAIL}{NAME}PAR1".encode())
    invoke(["land", "--as-of", "2026-03-01"])
    (home.path / "seed_lists").mkdir()
    (home.path / "seed_lists" / "own.csv").write_text(f"address\n{EMAIL}\n{PHONE}\n")
    home.sandbox.mkdir()
    script = [{"path_prefix": "/sendgrid", "fault": fault} for fault in FAULTS]
    script += [{"path_prefix": "/twilio", "fault": fault} for fault in FAULTS[1::2]]
    (home.sandbox / "faults.json").write_text(json.dumps(script))
    sandbox.start(home)
    try:
        codes = [invoke(["test-send", campaign, "--to", "own"]) for campaign in
                 (*["weekly_reactivation"] * 3, *["vip_offer"] * 4)]  # fmt: skip
        codes.append(invoke(["test-send", "vip_offer", "--to", "own", "--json"]))
    finally:
        sandbox.stop(home)
    assert {0, 4, 5} <= set(codes)  # some were accepted, some in doubt, some not taken
    accepted = (home.sandbox / "accepted.jsonl").read_text()
    assert EMAIL in accepted  # the outside world heard of them
    assert PHONE in accepted

    for arguments in ([EMAIL], [PROFILE]):
        invoke(["erase", *arguments])
    for arguments in (["export", PROFILE, "--to", str(home.path.parent / "out")], ["explain", PROFILE], ["status"],
                      ["purge"], ["preview", "vip_offer"], ["resume", EMAIL], ["doubt"]):  # fmt: skip
        invoke(arguments)
    told = capsys.readouterr()
    assert marks_in(caplog.text) == []
    # What was typed comes back in an answer to who typed it, and nowhere else.
    said = "\n".join(line for line in (told.out + told.err).splitlines() if "run id" not in line)
    assert marks_in(said) == []
    texts = [
        path for path in home.path.rglob("*") if path.suffix in {".json", ".log", ".jsonl", ".db", ".lock"}
    ]
    kept = [path for path in texts if path.name not in {"accepted.jsonl", "faults.json"}]
    assert {path.name for path in kept} >= {"tests.jsonl", "home.json", "sandbox.log"}
    assert {path.name: marks_in(path.read_bytes().decode("latin-1")) for path in kept if path.exists()} == {
        path.name: [] for path in kept
    }
