"""Masks: what may be shown of an address or a personalisation field outside of the message itself."""

from __future__ import annotations

HIDDEN = "***"
# Fields that say what is offered and nothing of whom: only these show their values.
PLAIN_PREFIXES = ("offer",)
_SHOWN_DIGITS = 4


def masked_address(address: str | None) -> str:
    """An address that nobody can write to: ``a***@e***.com``, ``+1555***0123``; of any other kind nothing is shown."""
    if not address:
        return ""
    local, at, domain = address.rpartition("@")
    if at:
        name, dot, ending = domain.rpartition(".")
        return f"{local[:1]}{HIDDEN}@{name[:1]}{HIDDEN}{dot}{ending}"
    if address.startswith("+") and address[1:].isdigit() and len(address) > 2 * _SHOWN_DIGITS + 1:
        return f"{address[: _SHOWN_DIGITS + 1]}{HIDDEN}{address[-_SHOWN_DIGITS:]}"
    return HIDDEN


def is_plain(field: str) -> bool:
    """Whether a field's value may be shown as it is."""
    return field.startswith(PLAIN_PREFIXES)


def masked_field(field: str, value: str) -> str:
    """What stands for a field's value in a preview."""
    if is_plain(field):
        return value
    return f"[{field}]" if value else f"[{field}: empty]"
