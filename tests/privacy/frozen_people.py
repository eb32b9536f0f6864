"""What a run left of Ann and Ben: a frozen run, receipts, a journal, and a file for a printer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
from people import ANN, BEN

from activation.freeze import describe, overall_digest
from activation.frozen import FrozenRun, Kind, read_frozen
from activation.home import Home
from activation.journal import open_journal
from activation.journal_tables import sequence
from activation.ledger import ensure_ledger
from activation.planning import plan
from activation.spans import single_out
from activation.types import State

RUN = "r1"
STAMPS = "'r1' as run_id, timestamp '2026-03-01' as as_of, timestamp '2026-03-01' as known_at"
IDS = {"ann-1": "a" * 32, "ann-2": "b" * 32, "ben-1": "c" * 32}
TABLES = {
    "decisions": f"""select *, null::varchar as reason from (values
        ('{IDS["ann-1"]}', 'spring', '{ANN}', 'send', 'bought on 2025-05-01', '{{"first_name": "Ann"}}'),
        ('{IDS["ann-2"]}', 'autumn', '{ANN}', 'send', 'bought on 2025-05-01', '{{"first_name": "Ann"}}'),
        ('{IDS["ben-1"]}', 'spring', '{BEN}', 'send', 'bought on 2025-06-01', '{{"first_name": "Ben"}}')
        ) as t (message_id, campaign, customer_id, verdict, qualified_by, fields)""",
    "outbox_messages": f"""select *, 'w1' as slot, 1 as step, 'sendgrid' as destination, 'hello' as template,
        'v1' as message_version, null::timestamp as send_not_before, null::timestamp as expires_at from (values
        (0::bigint, '{IDS["ann-1"]}', 'spring', '{ANN}', 'email', 'ann@example.com', '{{"first_name": "Ann"}}'),
        (1, '{IDS["ben-1"]}', 'spring', '{BEN}', 'email', 'ben@example.com', '{{"first_name": "Ben"}}'),
        (2, '{IDS["ann-2"]}', 'autumn', '{ANN}', 'sms', '+12025550123', '{{"first_name": "Ann"}}')
        ) as t (position, message_id, campaign, customer_id, channel, address, fields)""",
    "outbox_memberships": f"""select *, 'w1' as slot, 'ads' as channel, null::varchar as external_id from (values
        (0::bigint, 'x0', 'spring', '{ANN}', 'meta', 'fans', 'add', 'ann@example.com', '+12025550123'),
        (1, 'x1', 'spring', '{BEN}', 'meta', 'fans', 'add', 'ben@example.com', null),
        (2, 'x2', 'autumn', '{ANN}', 'meta', 'buyers', 'add', 'ann@example.com', '+12025550123')
        ) as t (position, change_id, campaign, customer_id, destination, audience, operation, email, phone)""",
    "reservations": f"""select * from (values
        ('{IDS["ann-1"]}', 'spring', '{ANN}'), ('{IDS["ben-1"]}', 'spring', '{BEN}')
        ) as t (message_id, campaign, customer_id)""",
    "volume_claims": f"""select * from (values ('welcome', 17, 'a1', '{ANN}'), ('welcome', 17, 'b1', '{BEN}'))
        as t (campaign, cut_number, signup_id, customer_id)""",
    "profile_customers": f"""select * from (values
        ('a1', '{ANN}', 'ann@example.com', '+12025550123'), ('a2', '{ANN}', null, null), ('b1', '{BEN}', null, null)
        ) as t (profile_id, customer_id, email_normalised, phone_e164)""",
    "audiences": f"""select * from (values ('fans', '{ANN}', 'likes it'), ('fans', '{BEN}', 'likes it'))
        as t (audience, customer_id, qualified_by)""",
}
RECEIPT = "t (change_id, campaign, audience, destination, customer_id, operation, email, phone, state, attempted_at)"
MARKS = ("ann@example.com", "+12025550123", ANN, "Ann", "'a1'", "provider-ann")


def write(engine: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    engine.execute(f"copy ({query}) to '{file}' (format parquet)")


def add_run(home: Home) -> FrozenRun:
    """Message 0 was sent and is a receipt; 2 is planned. Change 0 was accepted; 2 is planned."""
    ensure_ledger(home)
    open_journal(home).close()  # none may be made beside receipts
    directory = home.run_directory(RUN) / "frozen"
    with duckdb.connect() as engine:
        for name, query in TABLES.items():
            write(engine, f"select *, {STAMPS} from ({query})", directory / f"{name}.parquet")
        receipt = f"""select '{IDS["ann-1"]}' as message_id, 'spring' as campaign, '{ANN}' as customer_id,
            'accepted' as state, 'provider-ann' as provider_id, {STAMPS}"""
        write(engine, receipt, home.ledger / "receipts" / "one.parquet")
    receive(home, ANN, "add", "2026-03-01", "one")
    tables = describe(directory)
    manifest = {
        "run_id": RUN,
        "as_of": "2026-03-01T00:00:00+00:00",
        "digest": overall_digest(tables),
        "tables": tables,
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    run = read_frozen(home, RUN)
    journal = open_journal(home)
    for campaign in ("spring", "autumn"):
        plan(journal, run, campaign, b"a pepper for tests")
    with journal.write() as connection:
        for key in (sequence(1, kind, position) for kind in Kind for position in (0, 1)):
            single_out(connection, key, {"state": State.ACCEPTED, "provider_id": "provider-ann"})
    journal.close()
    add_drop(home)
    return run


def receive(home: Home, customer: str, operation: str, at: str, name: str) -> None:
    """A receipt of a change of the set `fans`, by the identifiers that were sent."""
    with duckdb.connect() as engine:
        query = f"""select *, null::varchar as external_id, '{name}' as run_id, timestamp '{at}' as known_at
            from (values
            ('{operation}', 'spring', 'fans', 'meta', '{customer}', '{operation}', 'ann@example.com', '+12025550123',
             'accepted', timestamp '{at}')) as {RECEIPT}"""
        write(engine, query, home.ledger / "membership_receipts" / f"{name}.parquet")


def add_drop(home: Home) -> None:
    lines = [
        {"operation": "add", "audience": "fans", "customer_id": ANN, "email": "ann@example.com"},
        {"operation": "remove", "audience": "old", "customer_id": ANN, "email": "ann@example.com"},
        {"operation": "add", "audience": "fans", "customer_id": BEN, "email": "ben@example.com"},
    ]
    put(home, "member_file/spring.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))
    letters = [
        f'"{IDS["ann-1"]}","Ann ""A"" B","1 Street,\r\nTown"\r\n',
        f'"{IDS["ben-1"]}","Ben","2 Street"\r\n',
    ]
    put(home, "mail_file/spring.csv", "message_id,name,address\r\n" + "".join(letters))


def put(home: Home, name: str, text: str) -> None:
    file = home.drops / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    told = {"request_id": "q1", "rows": 2, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    file.with_name(f"{file.name}.done").write_text(json.dumps(told))


def ledger_text(home: Home) -> str:
    """Everything that the ledger and the drops hold, as one text."""
    with duckdb.connect() as engine:
        parts = [
            str(engine.execute(f"select * from read_parquet('{file}')").fetchall())
            for file in sorted(home.ledger.rglob("*.parquet"))
            if file.parent.name != "erasures"
        ]
    return "\n".join([*parts, *(file.read_text() for file in sorted(home.drops.rglob("*.*")))])
