"""How HubSpot's CRM answers a batch, v3: what became of each input, by our own trace id and never by position.

Source: HubSpot's OpenAPI documents of the CRM objects. Where every input carries an ``objectWriteTraceId``, a batch
that HubSpot takes in part answers 207, and each error names its inputs' traces in its context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from activation.connectors.reply import Reply
from activation.types import Answer, RowVerdict, State

# HubSpot's batches; the limit is in its guides, not in its schema.
MAX_INPUTS = 100
TRACE = "objectWriteTraceId"
CORRELATION_HEADER = "X-HubSpot-Correlation-Id"
CATEGORY = re.compile(r"[A-Z][A-Z0-9_]{0,59}")
RECORD_ID = re.compile(r"[0-9]{1,20}")
CONFLICT = "CONFLICT"


def read_batch(reply: Reply, rows_of: Mapping[str, Iterable[int]]) -> Answer:
    """Judge an answer that was read. ``rows_of`` are the rows that each trace sent stands for.

    Texts can hold addresses: only categories leave. A conflict means that something of ours may be there already, so
    that its rows are in doubt until somebody looks.
    """
    answer = reply.json() or {}
    if not reply.is_success:
        return _refusal(reply, answer)
    results, errors = answer.get("results"), answer.get("errors", [])
    if not isinstance(results, list) or not isinstance(errors, list):
        return reply.unreadable()
    refused: dict[str, str] = {}
    is_each_error_traced = True
    for error in errors:
        traced = [trace for trace in traces(error) if trace in rows_of]
        is_each_error_traced &= bool(traced)
        refused |= dict.fromkeys(traced, category(error))
    ids = {str(each.get(TRACE)): record_id(each) for each in results if isinstance(each, dict)}
    is_complete = is_each_error_traced and len(results) == len(rows_of) - len(refused)
    verdicts: dict[int, RowVerdict] = {}
    for trace, rows in rows_of.items():
        if trace in refused:
            state = State.IN_DOUBT if refused[trace] == CONFLICT else State.REFUSED
            verdicts |= dict.fromkeys(rows, RowVerdict(state, f"hubspot_{refused[trace] or 'error'}"))
        elif trace in ids:
            verdicts |= dict.fromkeys(rows, RowVerdict(State.ACCEPTED, "", ids[trace]))
        elif not is_complete:
            verdicts |= dict.fromkeys(rows, RowVerdict(State.IN_DOUBT, f"{reply.reason}_not_named"))
    return Answer(State.ACCEPTED, provider_id=reply.headers.get(CORRELATION_HEADER), rows=verdicts)


def record_id(result: dict[str, Any]) -> str | None:
    """Pass on a record's id where it looks like one."""
    found = str(result.get("id"))
    return found if RECORD_ID.fullmatch(found) else None


def traces(error: Any) -> list[str]:
    """Read which inputs an error of a 207 is about."""
    context = error.get("context") if isinstance(error, dict) else None
    found = context.get(TRACE) if isinstance(context, dict) else None
    return [str(trace) for trace in found] if isinstance(found, list) else []


def category(error: Any) -> str:
    """Pass on an error's category where it looks like one; anything else may hold an address."""
    found = error.get("category") if isinstance(error, dict) else None
    return found if isinstance(found, str) and CATEGORY.fullmatch(found) else ""


def _refusal(reply: Reply, answer: dict[str, Any]) -> Answer:
    """Judge a refusal of the whole batch: nobody in it was acted on."""
    kind = category(answer)
    if reply.status in {401, 403, 404}:
        return Answer(State.PLANNED, f"hubspot_{kind or reply.status}", is_down=True)
    if not kind:
        return reply.unreadable()
    if kind == CONFLICT:
        return Answer(State.IN_DOUBT, "hubspot_CONFLICT")
    if kind == "RATE_LIMITS":
        return Answer(State.PLANNED, "hubspot_RATE_LIMITS", retry_after=reply.retry_after)
    return Answer(State.REFUSED, f"hubspot_{kind}", is_divisible=True)
