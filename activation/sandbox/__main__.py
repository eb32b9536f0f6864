"""Serve one home's sandbox: ``python -m activation.sandbox <home>``."""

from __future__ import annotations

import sys
from pathlib import Path

from activation.errors import MusterError
from activation.home import open_home
from activation.sandbox import serve

if __name__ == "__main__":
    try:
        serve(open_home(Path(sys.argv[1])))
    except MusterError as error:
        sys.exit(f"muster sandbox: {error}")
