"""Unsubscribe links: signed, good under every listed key, acted on by POST alone, and no wish lost."""

from __future__ import annotations

import base64
import hmac
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import duckdb
import pyarrow as pa
import pytest

from activation.content import unsubscribe_url, unsubscribe_urls
from activation.errors import ConfigurationError
from activation.home import Home, World, open_home
from activation.landing.load import land
from activation.settings import unsubscribe_keys
from activation.unsubscribe import Outcome, handle_unsubscribe, verify_token
from activation.unsubscribe_page import application

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE = "https://shop.example.com/unsubscribe"
MAIL, TEXT, LOST = "0" * 31 + "1", "0" * 31 + "2", "0" * 31 + "3"
OLD, NEW = b"an old key of some length", b"a new key of some length"


def token(message_id: str, key: bytes = OLD, key_id: str = "a") -> str:
    return unsubscribe_url(BASE, message_id, key, key_id).partition("?token=")[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("MUSTER_PEPPER", "a pepper for tests")
    monkeypatch.setenv("MUSTER_UNSUBSCRIBE_KEYS", f"b:{NEW.decode()},a:{OLD.decode()}")
    home = open_home(tmp_path / "home", World.LIVE)
    frozen = home.run_directory("r1") / "frozen"
    frozen.mkdir(parents=True)
    duckdb.sql(
        f"copy (select * from (values ('{MAIL}', 'email', 'ann@example.com'), ('{TEXT}', 'sms', '+12025550123')) "
        f"as t (message_id, channel, address)) to '{frozen}/outbox_messages.parquet' (format parquet)"
    )
    return home


def landed(home: Home, table: str) -> list[tuple[object, ...]]:
    land(home, NOW)
    columns = "email, phone, channel, purpose, state" if table == "consent/events" else "message_id, event"
    return duckdb.sql(f"select {columns} from '{home.landing}/{table}/*.parquet'").fetchall()


def test_a_link_is_signed_and_names_nobody() -> None:
    base, _, text = unsubscribe_url(BASE, "m1", b"pepper", "2026").partition("?token=")
    signed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert base == BASE
    assert signed[32:] == b"2026:m1"
    assert hmac.compare_digest(signed[:32], hmac.digest(b"pepper", b"2026:m1", "sha256"))


def test_a_link_depends_on_message_and_key() -> None:
    base = f"{BASE}?lang=en"
    urls = {
        unsubscribe_url(base, message_id, key, key_id)
        for message_id in ("m1", "m2")
        for key in (b"a", b"b")
        for key_id in ("1", "2")
    }
    assert len(urls) == 8
    assert all(url.startswith(f"{base}&token=") for url in urls)


def test_links_for_a_column_keep_its_order() -> None:
    ids = pa.chunked_array([["m1"], ["m2", "m3"]])
    links = unsubscribe_urls(BASE, ids, b"pepper", "1")
    assert links.to_pylist() == [unsubscribe_url(BASE, each, b"pepper", "1") for each in ("m1", "m2", "m3")]


def test_a_link_is_good_as_long_as_its_key_is_listed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = unsubscribe_keys(home)
    assert (keys.key_id, keys.key) == ("b", NEW)
    assert verify_token(token(MAIL), keys.all) == verify_token(token(MAIL, NEW, "b"), keys.all) == MAIL
    assert verify_token(token(MAIL, b"a pepper for tests", "1"), keys.all) == MAIL
    monkeypatch.setenv("MUSTER_UNSUBSCRIBE_KEYS", f"b:{NEW.decode()}")
    assert verify_token(token(MAIL), unsubscribe_keys(home).all) is None
    monkeypatch.delenv("MUSTER_UNSUBSCRIBE_KEYS")
    assert unsubscribe_keys(home).key_id == "1"
    assert "pepper" not in repr(unsubscribe_keys(home)) + str(unsubscribe_keys(home).key)


@pytest.mark.parametrize(
    "keys", ["a:short", "1:a long enough key text", f"a:{'x' * 16},a:{'y' * 16}", "nothing"]
)
def test_keys_that_mean_nothing_are_refused_and_not_told(
    keys: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_UNSUBSCRIBE_KEYS", keys)
    with pytest.raises(ConfigurationError, match="MUSTER_UNSUBSCRIBE_KEYS") as caught:
        unsubscribe_keys(home)
    assert "enough" not in str(caught.value)


def test_no_forged_or_broken_token_is_taken() -> None:
    good = token(MAIL)
    keys = {"a": OLD}
    assert verify_token(good, keys) == MAIL
    bad = [
        good[:-1],
        good[1:],
        good + "A",
        good.swapcase(),
        "",
        "=",
        "a" * 5000,
        token(MAIL, NEW),
        "%00",
        "ä",
    ]
    bad += [
        good[:5] + ("A" if good[5] != "A" else "B") + good[6:],
        token("../../etc", OLD),
        token(MAIL, b"", "c"),
    ]
    assert [text for text in bad if verify_token(text, keys)] == []


def test_only_a_post_acts(home: Home) -> None:
    for method, outcome in (("GET", Outcome.ASKED), ("HEAD", Outcome.ASKED), ("PUT", Outcome.NOT_ALLOWED)):
        assert handle_unsubscribe(method, token(MAIL), home=home, keys={"a": OLD}, now=NOW) is outcome
    assert handle_unsubscribe("POST", "x", home=home, keys={"a": OLD}, now=NOW) is Outcome.INVALID
    assert not list(home.inbox.rglob("*.csv"))


def test_a_post_withdraws_for_the_address_and_channel_of_the_message(home: Home) -> None:
    for message_id in (MAIL, TEXT, MAIL):
        assert (
            handle_unsubscribe("POST", token(message_id), home=home, keys={"a": OLD}, now=NOW) is Outcome.DONE
        )
    assert sorted(landed(home, "consent/events"), key=str) == [
        ("ann@example.com", None, "email", "marketing", "withdrawn"),
        (None, "+12025550123", "sms", "marketing", "withdrawn"),
    ]


def test_the_wish_about_a_message_that_no_run_has_is_kept_by_its_id(home: Home) -> None:
    assert handle_unsubscribe("POST", token(LOST), home=home, keys={"a": OLD}, now=NOW) is Outcome.DONE
    assert landed(home, "provider/email_events") == [(LOST, "unsubscribe")]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url(home: Home) -> Iterator[str]:
    with make_server("127.0.0.1", 0, application(home), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/unsubscribe"
        server.shutdown()
        thread.join()


def ask(url: str, data: bytes | None = None, method: str | None = None) -> tuple[int, str, dict[str, str]]:
    call = urllib.request.Request(url, data, method=method)
    try:
        with urllib.request.urlopen(call, timeout=5) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


def test_served_over_http_one_click_and_the_form_both_act(home: Home, url: str) -> None:
    link = f"{url}?token={token(MAIL)}"
    status, page, headers = ask(link)
    assert (status, headers["Cache-Control"], headers["Referrer-Policy"]) == (200, "no-store", "no-referrer")
    assert "<form" in page
    assert "@" not in page
    assert ask(link, method="HEAD")[:2] == (200, "")
    assert not list(home.inbox.rglob("*.csv"))
    assert ask(link, b"List-Unsubscribe=One-Click")[0] == 200  # RFC 8058
    assert ask(url, f"token={token(TEXT)}".encode())[0] == 200
    assert len(landed(home, "consent/events")) == 2
    assert ask(f"{url}?token=%3Cscript%3E")[0] == 400
    assert "<script" not in ask(f"{url}?token=%3Cscript%3E")[1]
    assert ask(link, b"x", "DELETE")[0] == 405


def test_a_frozen_run_that_cannot_be_read_is_an_error_to_try_again(home: Home, url: str) -> None:
    (home.run_directory("r1") / "frozen" / "outbox_messages.parquet").write_bytes(b"damaged")
    status, page, _ = ask(f"{url}?token={token(MAIL)}", b"List-Unsubscribe=One-Click")
    assert status == 503
    assert str(home.path) not in page
