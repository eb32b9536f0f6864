"""Whether there is room on disk for what a delivery will write, asked before its first request."""

from __future__ import annotations

import shutil

from activation.errors import HeldError
from activation.home import Home

# A journal's log before it moves, and the receipts of a page.
LEAST_BYTES = 64_000_000
# A message's share of journal and receipt; measured at about 400.
BYTES_PER_ROW = 1_000


def refuse_if_full(home: Home, rows: int) -> None:
    """Raise ``HeldError`` where the home's disk may run full while so many rows are delivered."""
    free = shutil.disk_usage(home.path).free
    needed = LEAST_BYTES + rows * BYTES_PER_ROW
    if free < needed:
        raise HeldError(
            f"{home.path} has {free // 1_000_000} MB of free disk, and delivering {rows:,} rows may need "
            f"{needed // 1_000_000} MB: nothing was sent; make room and resume"
        )
