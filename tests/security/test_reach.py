"""What can be reached: hosts by connection, files by query, and nothing of a secret by a log."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from activation import settings
from activation.errors import ConfigurationError
from activation.frozen import connect
from activation.home import Home, World, open_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("MUSTER_SENDGRID_TOKEN", "SG.a-secret-token")
    monkeypatch.setenv("MUSTER_WEBHOOK_TOKEN", "a-secret-token")
    monkeypatch.setenv("MUSTER_PEPPER", "a-secret-pepper")
    return open_home(tmp_path / "home", World.LIVE)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.sendgrid.com.example.com",
        "https://api.sendgrid.com@evil.example.com",
        "https://user:pw@api.sendgrid.com",
        "https://api.sendgrid.com/?to=x",
        "https://api.sendgrid.com#x",
        "http://api.sendgrid.com",
        "https://api.twilio.com",
        "https://127.0.0.1.example.com",
        "https://[::2]/",
        "ftp://127.0.0.1/",
        "https://",
        "//api.sendgrid.com",
    ],
)
def test_a_connection_goes_to_its_vendor_and_nowhere_else(
    url: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_SENDGRID_BASE_URL", url)
    with pytest.raises(ConfigurationError, match="MUSTER_SENDGRID_BASE_URL") as caught:
        settings.connection(home, "SENDGRID")
    assert "pw" not in str(caught.value)


def test_another_host_is_named_once_and_then_allowed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (
        "https://api.sendgrid.com",
        "https://api.eu.sendgrid.com",
        "http://127.0.0.1:9",
        "http://[::1]:9",
    ):
        monkeypatch.setenv("MUSTER_SENDGRID_BASE_URL", url)
        assert settings.connection(home, "SENDGRID").base_url == url
    monkeypatch.setenv("MUSTER_WEBHOOK_BASE_URL", "https://hooks.shop.example.com/in")
    with pytest.raises(ConfigurationError, match="MUSTER_ALLOWED_HOSTS"):
        settings.connection(home, "WEBHOOK")
    monkeypatch.setenv("MUSTER_ALLOWED_HOSTS", "x.example.com, Hooks.Shop.Example.com")
    assert settings.connection(home, "WEBHOOK").host == "hooks.shop.example.com"


def test_a_rehearsal_reaches_loopback_whatever_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_SENDGRID_BASE_URL", "https://api.sendgrid.com")
    monkeypatch.setenv("MUSTER_ALLOWED_HOSTS", "api.sendgrid.com")
    with pytest.raises(ConfigurationError, match="loopback only"):
        settings.connection(open_home(tmp_path / "rehearsal", World.REHEARSAL), "SENDGRID")


def test_no_representation_shows_a_secret(home: Home) -> None:
    connection, pepper = settings.connection(home, "SENDGRID"), settings.pepper(home)
    shown = [repr(connection), str(connection), f"{connection}", repr(pepper), str(pepper), f"{pepper}"]
    shown += [repr({"pepper": pepper}), repr((connection,)), "%s %r" % (pepper, pepper)]  # noqa: UP031
    assert [text for text in shown if "secret" in text] == []
    assert bytes(pepper) == b"a-secret-pepper"


def test_a_query_over_a_frozen_run_reads_its_files_alone(tmp_path: Path) -> None:
    inside, outside = tmp_path / "run", tmp_path / "run2"
    for folder in (inside, outside):
        folder.mkdir()
        duckdb.sql(f"copy (select 1 as x) to '{folder}/t.parquet' (format parquet)")
    with connect(inside) as engine:
        assert engine.execute("select x from read_parquet(?)", [f"{inside}/t.parquet"]).fetchall() == [(1,)]
        for query in (
            f"select * from '{outside}/t.parquet'",
            f"select * from read_parquet('{inside}/../run2/t.parquet')",
            "select * from read_text('/etc/hostname')",
            f"copy (select 1) to '{outside}/new.csv'",
            f"attach '{outside}/x.db'",
            "install httpfs",
            "set enable_external_access = true",
            "set allowed_directories = ['/']",
        ):
            with pytest.raises(duckdb.Error):
                engine.execute(query)
    assert sorted(file.name for file in outside.iterdir()) == ["t.parquet"]
