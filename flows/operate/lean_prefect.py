"""Prefect's command line in a process that keeps its size: ``python -m flows.operate.lean_prefect worker start …``.

Each flow run leaves its worker some clients whose TLS contexts hang in reference cycles. They are a few Python objects
and hundreds of kilobytes outside of Python, and it counts objects before it looks for cycles: a worker of 99 MB had
129 MB after fifty flow runs and 153 MB after six hundred. Looked for every minute, it stays at 108 MB.
"""

from __future__ import annotations

import gc
import threading

COLLECT_SECONDS = 60.0


def collect_regularly(seconds: float = COLLECT_SECONDS) -> threading.Event:
    """Collect garbage that often, beside whatever this process does, until what is given back is set."""
    ended = threading.Event()

    def collect() -> None:
        while not ended.wait(seconds):
            gc.collect()

    threading.Thread(target=collect, name="collects-garbage", daemon=True).start()
    return ended


def main() -> None:
    """Do what Prefect's command line is asked."""
    from prefect.cli import app  # noqa: PLC0415 - it takes seconds

    collect_regularly()
    app()


if __name__ == "__main__":
    main()
