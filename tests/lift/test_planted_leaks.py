"""A holdout that somebody reached after all is found in what was sent, every time; one that holds gives no alarm."""

from __future__ import annotations

from leak_world import WAYS, played


def test_every_planted_leak_of_2000_worlds_is_found_and_nothing_else() -> None:
    ledger, planted = played(range(2000))
    leaks, counted = ledger.audit()
    assert len(planted) > 1600
    assert {leak[2:] for leak in planted} == {way for way in WAYS.values() if way}
    assert leaks == planted
    assert counted == len(planted)
