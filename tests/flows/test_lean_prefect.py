"""Prefect's processes keep their size."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Iterator

import pytest

from flows.operate.lean_prefect import collect_regularly


class Cycle:
    """Refers to itself, as a client with its TLS context does."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def python_collects_nothing() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("python_collects_nothing")
def test_cycles_are_collected_before_python_would() -> None:
    known = weakref.ref(Cycle())
    assert known() is not None
    ended = collect_regularly(0.01)
    try:
        until = time.monotonic() + 30
        while known() is not None:
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        ended.set()
