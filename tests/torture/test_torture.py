"""The short form of `make torture`: nobody is contacted twice or lost, and the harness catches what it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parent / "torture.py"


HALVES = [
    ["kills of", "SIGTERM", "faults of", "soak"],
    ["seeded bugs", "system call", "disk full", "damaged", "overlapping", "malformed"],
]


# In a process of its own: who forks must have no threads.
@pytest.mark.parametrize("scenarios", HALVES)
def test_nobody_is_contacted_twice_or_lost(scenarios: list[str]) -> None:
    command = [sys.executable, str(HARNESS), "--short", "--at-once", "1", "--only", *scenarios]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
