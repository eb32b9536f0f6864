"""The keys that sign unsubscribe links: several at once, so that a change of key breaks no link that was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from activation.errors import ConfigurationError

PEPPER_KEY_ID = "1"
MIN_KEY_CHARACTERS = 16


class Secret(bytes):
    """A key that shows itself to no log: as bytes it is itself, as text it is stars."""

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


@dataclass(frozen=True)
class UnsubscribeKeys:
    """The keys of unsubscribe links, by key id: ``key_id`` signs, and links of ``all`` are good."""

    key_id: str
    all: Mapping[str, Secret]

    @property
    def key(self) -> Secret:
        """The key that signs now."""
        return self.all[self.key_id]


def parse_keys(text: str, pepper: Secret) -> UnsubscribeKeys:
    """The keys in ``MUSTER_UNSUBSCRIBE_KEYS``, as ``2026b:<text>,2026a:<text>``; the first signs.

    A link is good for as long as its key is listed; keep each for 60 days after the last message that it signed.
    The pepper is the key ``1``, and signs where no other is named. Raises ``ConfigurationError``.
    """
    keys: dict[str, Secret] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key_id, _, key = entry.partition(":")
        if not re.fullmatch(r"[A-Za-z0-9]{1,16}", key_id) or key_id in {PEPPER_KEY_ID, *keys}:
            raise ConfigurationError(
                "MUSTER_UNSUBSCRIBE_KEYS lists keys as 2026b:<text>,2026a:<text>, the one that signs first; an id is "
                f"of letters and digits, stands once, and is not {PEPPER_KEY_ID}, which is the pepper's"
            )
        if len(key) < MIN_KEY_CHARACTERS:
            raise ConfigurationError(
                f"MUSTER_UNSUBSCRIBE_KEYS: the key {key_id} has under {MIN_KEY_CHARACTERS} characters"
            )
        keys[key_id] = Secret(key.encode())
    return UnsubscribeKeys(next(iter(keys), PEPPER_KEY_ID), {**keys, PEPPER_KEY_ID: pepper})
