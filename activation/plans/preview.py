"""A preview of what would leave: a few messages of each campaign, rendered, with everything personal masked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from activation.frozen import connect
from activation.plans.masking import is_plain, masked_address, masked_field
from activation.segments import segments
from activation.types import Content

_SHOWN_PARTS = ("subject", "text")  # the html says the same again


@dataclass(frozen=True)
class Preview:
    """One message or change of a set. ``filled`` are the fields that have a value; ``parts`` the masked text."""

    campaign: str
    what: str
    address: str
    filled: tuple[str, ...]
    empty: tuple[str, ...]
    parts: Mapping[str, str]


def previews(
    directory: Path, contents: Mapping[str, Content], run_id: str, count: int
) -> dict[str, list[Preview]]:
    """At most ``count`` of each campaign, drawn by a digest of run and customer: the same for the same run."""
    found: dict[str, list[Preview]] = {}
    order = "md5($run || '|' || customer_id), position"
    draw = f"qualify row_number() over (partition by campaign order by {order}) <= $count order by campaign, {order}"
    with connect(directory) as engine:
        messages = engine.execute(
            "select campaign, template, variant, offer, address, fields from read_parquet($file) " + draw,
            {"file": str(directory / "outbox_messages.parquet"), "run": run_id, "count": count},
        ).fetchall()
        changes = engine.execute(
            "select campaign, operation, audience, email, phone from read_parquet($file) " + draw,
            {"file": str(directory / "outbox_memberships.parquet"), "run": run_id, "count": count},
        ).fetchall()
    for campaign, template, variant, offer, address, fields in messages:
        values: dict[str, str] = {
            name: "" if value is None else str(value) for name, value in json.loads(fields or "{}").items()
        }
        found.setdefault(campaign, []).append(
            Preview(
                campaign=campaign,
                what=f"{template}, variant {variant or 'none'}, offer {offer or 'none'}"
                + _size(contents.get(template), values),
                address=masked_address(address),
                filled=tuple(sorted(name for name, value in values.items() if value)),
                empty=tuple(sorted(name for name, value in values.items() if not value)),
                parts=_masked_parts(contents.get(template), values),
            )
        )
    for campaign, operation, audience, email, phone in changes:
        shown = ", ".join(filter(None, [masked_address(email), masked_address(phone)]))
        found.setdefault(campaign, []).append(
            Preview(campaign, f"{operation}: {audience}", shown, (), (), {})
        )
    return found


def preview_lines(preview: Preview) -> list[str]:
    """A preview for people."""
    lines = [f"{preview.what}, to {preview.address or 'an id of the destination'}"]
    if preview.filled or preview.empty:
        empty = f"; empty: {', '.join(preview.empty)}" if preview.empty else ""
        lines.append(f"  fields: {', '.join(preview.filled)}{empty}")
    for part, text in preview.parts.items():
        lines += [f"  {part}: {line}" for line in text.splitlines() if line.strip()]
    return lines


def _size(content: Content | None, values: Mapping[str, str]) -> str:
    """How many segments an SMS takes as this person would get it."""
    if content is None or content.channel != "sms" or not content.placeholders <= set(values):
        return ""
    taken = segments(content.fill("text", values))
    return f", {taken.count} of at most {content.max_segments} segments ({taken.encoding})"


def _masked_parts(content: Content | None, values: Mapping[str, str]) -> dict[str, str]:
    if content is None:
        return {}
    masked = {name: masked_field(name, values.get(name, "")) for name in content.placeholders}
    # What the delivery fills in, a link and the sender's own address, is no field of the person.
    masked |= {
        name: f"[{name}]" for name in content.placeholders if name not in values and not is_plain(name)
    }
    return {part: content.fill(part, masked) for part in _SHOWN_PARTS if part in content.parts}
