"""The benchmark runs. Its figures are nobody's business here: a timed test fails on a busy machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from activation.settings import PROJECT

# Building everything differs from building the golden customers in what is selected, and in nothing else.
ONLY = ("--only", "golden", "identity", "decisions", "memberships", "delivery", "messages")


def test_the_small_form_measures(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("bench.py")), "--small", *ONLY, "--out", str(out)],
        env=os.environ | {"PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "by CPU" in ran.stdout
    measured = json.loads(out.read_text())
    assert measured["golden"]["rows"]["dim_customers"] > 0
    assert measured["identity"]["cpu_ratio"]["20000"] > 0
    assert measured["golden"]["growth"]["bare"] > 0
    for part in ("golden", "decisions", "memberships", "delivery", "messages"):
        assert measured[part]["cpu_ratio"] > 0
    assert measured["decisions"]["decisions"] > measured["decisions"]["sent"] > 0
    assert measured["memberships"]["changes"] > 0
    for part in ("golden", "delivery"):
        assert measured[part]["wall_ratio"] > 0
    assert list(tmp_path.iterdir()) == [out]
