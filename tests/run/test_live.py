"""A live home on the wall clock: own data by files, a provider on loopback, two runs in a row."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from batch_home import PROJECT, Home

PEOPLE = 40
ZONES = ("America/Los_Angeles", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland", "Asia/Kolkata")


class Provider(ThreadingHTTPServer):
    """Takes mail as SendGrid does, without the sandbox's mark."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Mail)
        self.received: list[dict[str, Any]] = []


class Mail(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        self.send_response(202)
        self.send_header("X-Message-Id", f"mail-{len(self.server.received)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def drop_own_data(home: Home) -> None:
    now = datetime.now(UTC)
    zone = next(zone for zone in ZONES if 9 <= now.astimezone(ZoneInfo(zone)).hour < 20)
    day = {days: f"{now - timedelta(days=days):%Y-%m-%dT%H:%M:%S}" for days in (0.1, 1, 70, 300)}
    people = range(PEOPLE)
    tables = {
        "crm.profiles": (
            "profile_id,source_system,email,timezone,created_at,updated_at",
            [f"p{n},crm,Person{n}@Example.com,{zone},{day[300]},{day[300]}" for n in people],
        ),
        "consent.events": (
            "profile_id,channel,purpose,state,basis,occurred_at",
            [f"p{n},email,marketing,granted,consent,{day[300]}" for n in people],
        ),
        "shop.orders": (
            "order_id,profile_id,ordered_at,status,currency,gross_amount,discount_amount",
            [f"o{n},p{n},{day[70]},completed,EUR,{20 + n}.50,0" for n in people],
        ),
        "web.events": (
            "event_id,profile_id,event_type,occurred_at",
            [f"e{n},p{n},add_to_cart,{day[0.1]}" for n in people],
        ),
        "shop.refunds": ("refund_id,order_id,refunded_at,amount,currency", [f"r1,o1,{day[1]},5,EUR"]),
        "support.tickets": ("ticket_id,profile_id,opened_at,topic", [f"t1,p2,{day[1]},delivery"]),
        "provider.email_events": (
            "email,event,detail,occurred_at",
            [f"person3@example.com,bounce,hard,{day[1]}"],
        ),
    }
    for table, (head, rows) in tables.items():
        home.drop(table, "extract.csv", "\n".join([head, *rows, ""]))


def test_two_live_runs_in_a_row_contact_everybody_once(tmp_path: Path, provider: Provider) -> None:
    home = Home(tmp_path / "var", PROJECT)
    settings = {
        "MUSTER_PEPPER": "a-long-invented-text-for-this-test",
        "MUSTER_SENDGRID_BASE_URL": f"http://127.0.0.1:{provider.server_port}",
        "MUSTER_SENDGRID_TOKEN": "an-invented-token",
        "MUSTER_EMAIL_FROM": "hello@shop.example.com",
        "MUSTER_EMAIL_FROM_NAME": "Example Shop",
        "MUSTER_POSTAL_ADDRESS": "1 Example Street, Springfield",
        "MUSTER_UNSUBSCRIBE_URL": "https://shop.example.com/unsubscribe",
        "MUSTER_PRIVACY_URL": "https://shop.example.com/privacy",
        "MUSTER_SMS_FROM": "+15550100000",
    }
    home.muster("land")  # makes the live home
    drop_own_data(home)

    # A campaign of every day of the week, whose second run is a micro-batch on the first.
    first = home.muster("run", "cart_abandonment", "--run-id", "first", **settings)
    decided = dict(home.rows("select reason, count(*) from {decisions} group by 1", "first"))
    assert decided["recent_support_issue"] == 1
    assert decided["suppressed_hard_bounce"] == 1
    people = [person for mail in provider.received for person in mail["personalizations"]]
    addresses = [person["to"][0]["email"] for person in people]
    assert len(addresses) == len(set(addresses)) == decided[None] > PEOPLE // 2
    assert all("List-Unsubscribe" in person["headers"] for person in people)
    assert "an-invented-token" not in first

    home.muster("run", "cart_abandonment", "--run-id", "second", **settings)
    again = dict(home.rows("select reason, count(*) from {decisions} group by 1", "second"))
    # After midnight it is another slot.
    assert again.get("already_in_slot", 0) + again.get("re_entry_too_soon", 0) == decided[None]
    assert None not in again
    assert len([person for mail in provider.received for person in mail["personalizations"]]) == len(
        addresses
    )
