"""What may be told of an error, and how a cancelled run ends."""

from __future__ import annotations

import os
import signal
import threading
import traceback

import duckdb
import pytest

from activation.errors import HeldError
from flows.discretion import discreet, orderly_stop


def test_an_unexpected_error_is_told_by_class_and_place_and_not_by_its_words() -> None:
    with (
        pytest.raises(
            RuntimeError, match=r"deliver: unexpected ConversionException in test_discretion\.py"
        ) as raised,
        discreet("deliver"),
    ):
        duckdb.sql("select cast('ada@example.com' as int)").fetchall()
    told = "".join(traceback.format_exception(raised.value))
    assert "ada@example.com'" not in told.replace("select cast('ada@example.com' as int)", "")
    assert "Could not convert" not in told


def test_our_own_errors_pass_as_they_are() -> None:
    with pytest.raises(HeldError, match=r"^a guard tripped$"), discreet("guard"):
        raise HeldError("a guard tripped")


def test_a_cancelled_delivery_is_asked_to_end_and_then_the_signal_goes_on() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    try:
        with orderly_stop() as should_stop:
            assert not should_stop()
            os.kill(os.getpid(), signal.SIGTERM)
            assert should_stop()
            assert not heard
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_outside_of_the_main_thread_nothing_is_changed() -> None:
    asked: list[bool] = []

    def deliver() -> None:
        with orderly_stop() as should_stop:
            asked.append(should_stop())

    thread = threading.Thread(target=deliver)
    thread.start()
    thread.join()
    assert asked == [False]
