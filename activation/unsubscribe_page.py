"""The unsubscribe link's page as a WSGI application, for whatever serves Python on the public host.

It answers one path; mount it where ``MUSTER_UNSUBSCRIBE_URL`` points. It shows no address, sets no cookie and loads
nothing, and its pages tell nobody more than whether the token is one of ours.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qs

from activation import settings
from activation.clock import clock_of
from activation.errors import MusterError
from activation.home import Home
from activation.unsubscribe import Outcome, handle_unsubscribe

Start = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Mapping[str, object], Start], Iterable[bytes]]

MAX_BODY_BYTES = 10_000
HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),  # the token is in the page's own address
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'"),
]
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Unsubscribe</title></head><body><main>{}</main></body></html>
"""
FORM = """<p>Do you want no more of these messages?</p>
<form method="post"><input type="hidden" name="token" value="{}"><button>Unsubscribe</button></form>"""
ANSWERS = {
    Outcome.ASKED: ("200 OK", FORM),
    Outcome.DONE: ("200 OK", "<p>Done: you will get no more of these messages.</p>"),
    Outcome.INVALID: ("400 Bad Request", "<p>This link is not whole. Copy all of it from the message.</p>"),
    Outcome.NOT_ALLOWED: ("405 Method Not Allowed", "<p>This page is read, or confirmed.</p>"),
}
FAILED = ("503 Service Unavailable", "<p>That did not work just now. Try again in a few minutes.</p>")


def application(home: Home) -> Application:
    """Make the application of a home. Settings are read once, so that a missing key is noticed at the start."""
    keys, clock = settings.unsubscribe_keys(home).all, clock_of(home)

    def answer(call: Mapping[str, object], start: Start) -> Iterable[bytes]:
        method, token = str(call.get("REQUEST_METHOD", "")), _token(call)
        try:
            outcome = handle_unsubscribe(method, token, home=home, keys=keys, now=clock.now())
            status, text = ANSWERS[outcome]
        except MusterError:
            status, text = FAILED
        body = PAGE.format(text.format(html.escape(token, quote=True))).encode()
        start(status, [*HEADERS, ("Content-Length", str(len(body)))])
        return [] if method == "HEAD" else [body]

    return answer


def _token(call: Mapping[str, object]) -> str:
    """The token of the link; or of the form, where a browser left the link's query out."""
    found = parse_qs(str(call.get("QUERY_STRING", ""))).get("token")
    if not found and call.get("REQUEST_METHOD") == "POST":
        size = str(call.get("CONTENT_LENGTH") or "0")
        length = min(int(size), MAX_BODY_BYTES) if size.isdigit() else 0
        body = call["wsgi.input"].read(length) if length else b""  # type: ignore[attr-defined]
        found = parse_qs(body.decode("ascii", "replace")).get("token")
    return found[0] if found else ""
