"""Malformed configuration: each loader accepts it, or says with a ConfigurationError where the mistake is.

Files and settings are mutated at random: characters, lines, values of the wrong type, nonsense. No loader may end in
another exception, tell a planted secret, or fail to name the file or the setting; and nothing is sent by loading.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import rules
import yaml
from forked import asked
from kills import Tally
from place import RUN, Shape

from activation import settings
from activation.approvals import standing
from activation.campaigns import load_campaigns
from activation.clock import clock_of
from activation.connectors.registry import REGISTRY, connector
from activation.content import load_templates
from activation.digest import file_digest
from activation.errors import ConfigurationError, MusterError
from activation.freeze import DECISIVE, verify
from activation.frozen import read_frozen
from activation.guard import rule
from activation.home import Home, open_home
from activation.journal import open_journal
from activation.request import read_request

PROJECT = Path(__file__).resolve().parents[2]
SECRET = "planted-secret-4711"
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 1.5, "", " ", "nobody", [], {}, [1], {"a": 1}, "2017-02-30", "\x00", "é" * 300, "null",
    "{{ x }}", "../../etc", ["weekly_reactivation"], datetime(2020, 1, 1, tzinfo=UTC).isoformat(), "$(id)", "'; drop",
)  # fmt: skip
TEXTS = ("", ":", "- ", "{", "}", "\t", "\x00", "&a *a", "!!python/object:os.system", "{{", "}}", "{% if %}", "\ufeff",
         "é", "\n\n", "'", '"', "#", "%", "\\", "<<: *x", "[", "]", "\u2028")  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of configuration: the files that are mutated, and who reads them."""

    files: Callable[[Path], list[Path]]
    load: Callable[[Path], object]


def malformed(directory: Path, shape: Shape, template: Path, trials: int, seed: int) -> Tally:
    """Mutate and load so often."""
    del shape
    tally: Tally = asked(_malformed, directory, template, trials, seed)
    return tally


def _malformed(directory: Path, template: Path, trials: int, seed: int) -> Tally:
    dice = random.Random(seed)
    tally = Tally("malformed configurations")
    whole = _whole(directory / "whole", template)
    os.environ["MUSTER_DUMMY_FIRE_TOKEN"] = os.environ["MUSTER_PEPPER"] = SECRET
    for kind in KINDS.values():
        kind.load(whole)
    for number in range(trials):
        tally.trials += 1
        name = list(KINDS)[number % len(KINDS)]
        files = KINDS[name].files(whole)
        if files:
            file = dice.choice(files)
            content = file.read_bytes()
            _mutate_file(dice, file)
            problem = _problem(KINDS[name], whole, str(file))
            file.write_bytes(content)
        else:
            kept = dict(os.environ)
            problem = _problem(KINDS[name], whole, _mutate_setting(dice))
            os.environ.clear()
            os.environ.update(kept)
        tally.outcomes["accepted" if problem is None else "refused" if not problem else "broken"] += 1
        if problem:
            tally.broken.append(f"invariant 10: {name}: {problem}")
    return tally


def _problem(kind: Kind, home: Path, told: str) -> str | None:
    """What is wrong with how a loader takes it: none where it accepts, empty where it refuses as it should."""
    try:
        kind.load(home)
    except MusterError as error:
        text = str(error)
        if SECRET in text:
            return f"{told} told a secret"
        if not isinstance(error, ConfigurationError):
            return f"{told} ended in {type(error).__name__}: {text}"
        is_named = any(name in text for name in (Path(told).name, Path(told).parent.name, "MUSTER_"))
        return "" if is_named else f"{told} is not named in: {text}"
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        return f"{told} ended in {type(error).__name__}: {error}"[:600]
    return None


def _whole(path: Path, template: Path) -> Path:
    """A home with everything in it that is configured by files."""
    shutil.copytree(template, path)
    for name in ("models/campaigns", "macros", "templates"):
        shutil.copytree(
            PROJECT / ("activation/templates" if name == "templates" else name), path / "project" / name
        )
    run = path / "ledger" / "runs" / RUN
    request = {"run_id": RUN, "as_of": "2017-11-20T14:00:00+00:00", "known_until": "2017-11-20T14:00:00+00:00",
               "campaigns": ["weekly_reactivation"], "requested_by": "ann"}  # fmt: skip
    (run / "request.json").write_text(json.dumps(request, indent=2))
    manifest = json.loads((run / "frozen" / "manifest.json").read_text())
    for name in DECISIVE:
        if not (run / "frozen" / f"{name}.parquet").exists():
            pq.write_table(pa.table({"x": [1]}), run / "frozen" / f"{name}.parquet")
    rules.may_go(run / "frozen", "weekly_reactivation", rules.USUAL)
    tables = {name: {"file_sha256": file_digest(run / "frozen" / f"{name}.parquet")} for name in DECISIVE}
    manifest |= {
        "campaigns": ["weekly_reactivation"],
        "held": {},
        "tables": tables,
        "inputs": {"landing": []},
    }
    (run / "frozen" / "manifest.json").write_text(json.dumps(manifest, indent=2))
    approval = {"run_id": RUN, "campaign": "weekly_reactivation", "digest": "digest-1", "is_granted": True, "up_to": 9,
                "by": "bob", "authentication": "asserted", "reason": "", "at": "2017-11-20T15:00:00+00:00",
                "subject": "campaign", "system_user": ""}  # fmt: skip
    (run / "approvals").mkdir()
    (run / "approvals" / "weekly_reactivation.20171120T150000Z.campaign.json").write_text(
        json.dumps(approval)
    )
    (path / "sandbox" / "address.json").write_text(json.dumps({"url": "http://127.0.0.1:9", "pid": 1}))
    return path


def _mutate_file(dice: random.Random, file: Path) -> None:
    """Change one thing in a file: a value of its structure where it has one, else its text or bytes."""
    content = file.read_bytes()
    structured = file.suffix in {".json", ".yml"}
    if structured and dice.random() < 0.5:
        parsed = yaml.safe_load(content)
        holders = list(_holders(parsed))
        holder = dice.choice(holders)
        key = dice.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if dice.random() < 0.3:
            del holder[key]
        else:
            holder[key] = dice.choice(VALUES)
        file.write_text(
            json.dumps(parsed) if file.suffix == ".json" else yaml.safe_dump(parsed, allow_unicode=True)
        )
        return
    way = dice.randrange(6)
    start = dice.randrange(len(content) + 1)
    if way == 0:
        content = content[:start]
    elif way == 1:
        content = content[:start] + dice.choice(TEXTS).encode() + content[start:]
    elif way == 2:
        content = content[:start] + dice.randbytes(3) + content[start + 3 :]
    elif way == 3:
        lines = content.splitlines(keepends=True)
        del lines[dice.randrange(len(lines))]
        content = b"".join(lines)
    elif way == 4:
        content = b""
    else:
        content = re.sub(rb"[ \t]+", lambda found: found[0] * dice.choice((1, 1, 1, 2)), content)
    file.write_bytes(content)


def _holders(parsed: Any) -> list[Any]:
    """Every mapping and list in it that holds something."""
    found = [parsed] if isinstance(parsed, dict | list) and parsed else []
    for value in parsed.values() if isinstance(parsed, dict) else parsed if isinstance(parsed, list) else ():
        found += _holders(value)
    return found


def _mutate_setting(dice: random.Random) -> str:
    name = dice.choice(SETTINGS)
    is_file = name.endswith("_FILE")
    os.environ.pop(name.removesuffix("_FILE"), None) if is_file else None
    os.environ[name] = str(dice.choice(SETTING_VALUES)).replace("\x00", "")
    return name.removesuffix("_FILE")


SETTINGS = ("MUSTER_DUMMY_FIRE_BASE_URL", "MUSTER_DUMMY_FIRE_TOKEN", "MUSTER_DUMMY_FIRE_TOKEN_FILE",
            "MUSTER_PEPPER_FILE", "MUSTER_JOURNAL_URL", "MUSTER_UNSUBSCRIBE_URL", "MUSTER_PRIVACY_URL",
            "MUSTER_EMAIL_FROM", "MUSTER_SENDGRID_BASE_URL", "MUSTER_ALLOWED_HOSTS", "MUSTER_TWILIO_ACCOUNT",
            "MUSTER_GOOGLE_KEY", "MUSTER_META_BASE_URL", "MUSTER_JOURNAL_URL",
            "MUSTER_CALLBACK_URL", "MUSTER_POSTAL_ADDRESS")  # fmt: skip
SETTING_VALUES = (
    "", " ", "x", "http://127.0.0.1:99999", "http://127.0.0.1:port", "http://[::1", "https://api.sendgrid.com",
    "http://example.com", f"https://user:{SECRET}@127.0.0.1/", f"http://127.0.0.1/?key={SECRET}", "ftp://127.0.0.1",
    "http://localhost.example.com", "/nonexistent", "/", "é", "a\nb", "\r\nX-Evil: 1", "postgresql:///nowhere?host=/x",
    f"postgresql://u:{SECRET}@127.0.0.1:1/db", "mysql://x", "postgresql", "sqlite:///x", "://", "-1", "{}", "[]",
    "http://127.0.0.1:0", "https://", "http://", "127.0.0.1:80", "javascript:alert(1)", "http:///path", "::",
)  # fmt: skip


def _home(path: Path) -> Home:
    return open_home(path)


def _everything_set(path: Path) -> None:
    home = _home(path)
    settings.pepper(home)
    settings.sender(home)
    for name in REGISTRY:
        if name.startswith("dummy") or name in {"sendgrid", "twilio", "meta"}:
            connector(home, name)
    url = settings.journal_url()
    if url is not None and not url.startswith("postgresql"):
        with closing(open_journal(home)):
            pass


def _a_run(path: Path) -> None:
    home = _home(path)
    run = read_frozen(home, RUN)
    verify(run)
    rule(home, run)


def _json(*parts: str) -> Callable[[Path], list[Path]]:
    return lambda path: [path.joinpath(*parts)]


def _approval(path: Path) -> object:
    home = _home(path)
    return standing(home, read_frozen(home, RUN), "weekly_reactivation")


def _below(folder: str, pattern: str) -> Callable[[Path], list[Path]]:
    return lambda path: sorted(file for file in (path / "project" / folder).glob(pattern) if file.is_file())


KINDS: Mapping[str, Kind] = {
    "campaign": Kind(_below("models/campaigns", "*.yml"), lambda path: load_campaigns(path / "project")),
    "priority": Kind(
        _below("macros", "campaign_priority.sql"), lambda path: load_campaigns(path / "project")
    ),
    "template": Kind(_below("templates", "*/*"), lambda path: load_templates(path / "project" / "templates")),
    "settings": Kind(lambda _: [], _everything_set),
    "home": Kind(_json("home.json"), _home),
    "clock": Kind(_json("clock.json"), lambda path: clock_of(_home(path)).now()),
    "request": Kind(
        _json("ledger", "runs", RUN, "request.json"), lambda path: read_request(_home(path), RUN)
    ),
    "manifest": Kind(_json("ledger", "runs", RUN, "frozen", "manifest.json"), _a_run),
    "approval": Kind(
        _json(
            "ledger", "runs", RUN, "approvals", "weekly_reactivation.20171120T150000Z.campaign.json"
        ), _approval,
    ),
    "sandbox": Kind(_json("sandbox", "address.json"), lambda path: connector(_home(path), "dummy_fire")),
}  # fmt: skip
