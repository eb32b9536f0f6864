"""The docs site of the small sample as people get it, and a browser that has no network."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NOBODY = "127.0.0.1:9"  # the discard port: a request through this proxy fails, and is told of
COMPLAINT = re.compile(r":(?:INFO|WARNING|ERROR):CONSOLE[:(]|net::ERR_|ERR_[A-Z]+_[A-Z_]+")


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page: its document at the end, and what the console said."""

    document: str
    complaints: list[str]


def look_at(page: Path, profile: Path, address: str = "") -> Seen:
    """Open a file in headless Chromium; ``address`` goes behind its name, as ``#!/overview``."""
    command = [
        *(
            str(CHROMIUM),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
        ),
        *("--disable-dev-shm-usage", f"--user-data-dir={profile}", f"--proxy-server={NOBODY}"),
        *("--enable-logging=stderr", "--virtual-time-budget=15000", "--dump-dom", f"file://{page}{address}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return Seen(done.stdout, [line for line in done.stderr.splitlines() if COMPLAINT.search(line)])
