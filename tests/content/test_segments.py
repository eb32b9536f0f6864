"""Segments of an SMS, at each edge of both alphabets."""

from __future__ import annotations

import pytest

from activation.content.loading import load_templates
from activation.segments import segments


@pytest.mark.parametrize(
    ("text", "count", "encoding"),
    [
        ("", 1, "GSM-7"),
        ("a" * 160, 1, "GSM-7"),
        ("a" * 161, 2, "GSM-7"),
        ("a" * 306, 2, "GSM-7"),
        ("a" * 307, 3, "GSM-7"),
        ("€" * 80, 1, "GSM-7"),
        ("€" * 81, 2, "GSM-7"),
        ("a" * 152 + "€" + "a" * 152, 3, "GSM-7"),  # the escape does not fit, so a septet stays empty
        ("\u2019" + "a" * 69, 1, "UCS-2"),
        ("\u2019" + "a" * 70, 2, "UCS-2"),
        ("\u2019" * 134, 2, "UCS-2"),
        ("\u2019" * 135, 3, "UCS-2"),
        ("😀" * 35, 1, "UCS-2"),
        ("😀" * 66, 2, "UCS-2"),  # 33 pairs in each: the 67th unit stays empty
        ("😀" * 67, 3, "UCS-2"),
        ("ç", 1, "UCS-2"),  # only the capital is in the alphabet
    ],
)
def test_segments_are_counted_as_handsets_join_them(text: str, count: int, encoding: str) -> None:
    found = segments(text)
    assert (found.count, found.encoding) == (count, encoding)


def test_a_value_can_make_a_text_too_long() -> None:
    content = load_templates()["vip_offer"]
    short = content.fill("text", {"first_name": "Ann", "offer_text": "20 % off"})
    long = content.fill("text", {"first_name": "Ann", "offer_text": "20 % off " * 60})
    assert not content.has_too_many_segments(short)
    assert content.has_too_many_segments(long)
