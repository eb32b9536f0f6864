"""How many segments an SMS takes: what is paid for, and what a handset joins again.

3GPP TS 23.038 defines the alphabet; a segment is 140 octets (TS 23.040): 160 characters of seven bits or 70 of
sixteen. In a joined message six octets of each go to its header, which leaves 153 or 67. One character outside of the
alphabet, such as a curly quote, makes all of them sixteen bits wide.
"""

from __future__ import annotations

from dataclasses import dataclass

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_ESCAPED = frozenset("^{}\\[~]|€\f")  # two characters of seven bits each
GSM_7_ALONE, GSM_7_JOINED = 160, 153
UCS_2_ALONE, UCS_2_JOINED = 70, 67


@dataclass(frozen=True)
class Segments:
    """What a text takes: its segments, its units (a septet, or sixteen bits), and whether it is in GSM-7."""

    count: int
    units: int
    is_gsm_7: bool

    @property
    def encoding(self) -> str:
        """The encoding's name, as carriers bill it."""
        return "GSM-7" if self.is_gsm_7 else "UCS-2"


def segments(text: str) -> Segments:
    """Count the segments of a text. No unit that belongs together (an escape, a surrogate pair) is parted."""
    is_gsm_7 = all(letter in GSM_7 or letter in GSM_7_ESCAPED for letter in text)
    if is_gsm_7:
        widths = [2 if letter in GSM_7_ESCAPED else 1 for letter in text]
        alone, joined = GSM_7_ALONE, GSM_7_JOINED
    else:
        widths = [len(letter.encode("utf-16-be", "surrogatepass")) // 2 for letter in text]
        alone, joined = UCS_2_ALONE, UCS_2_JOINED
    units = sum(widths)
    if units <= alone:
        return Segments(1, units, is_gsm_7)
    count, room = 1, joined
    for width in widths:
        if width > room:
            count, room = count + 1, joined
        room -= width
    return Segments(count, units, is_gsm_7)
