"""Ann, with two profiles, and Ben, who shares a tablet and an old address with her. All of it invented."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from activation.home import Home, open_home
from activation.landing.contract import contract
from activation.landing.load import land
from activation.landing.report import LoadReport
from activation.settings import PROJECT

PEPPER = "a pepper for tests"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANN, BEN = "customer-ann", "customer-ben"
ANNS = ("ann@example.com", "ann.before@example.com", "+12025550123", "a1", "a2", "device-ann", "token-ann")
FILES = {
    "crm.profiles": """profile_id,source_system,email,phone,first_name,country,created_at,updated_at
a1,crm,Ann.Before@example.com,,Ann,US,2025-01-01,2025-01-01
a1,crm,ANN@example.com,(202) 555-0123,Ann,US,2025-01-01,2025-02-01
a2,shop,family@example.com,,Ann,US,2025-01-01,2025-01-01
b1,crm,ben@example.com,+12025550199,Ben,US,2025-01-01,2025-01-01
b1,crm,family@example.com,+12025550199,Ben,US,2025-01-01,2024-01-01
a12,crm,cleo@example.com,,Cleo,US,2025-01-01,2025-01-01
,crm,ann@example.com,,Ann,US,2025-01-01,2025-01-01
b1,crm,ben@example.com,,Ben,US,never,2025-01-01
""",
    "crm.preferences": """profile_id,preference,value,changed_at
a1,frequency,weekly,2025-01-01
b1,frequency,daily,2025-01-01
""",
    "crm.devices": """device_id,profile_id,push_token,platform,seen_at
device-ann,a1,token-ann,ios,2026-01-01
device-ben,b1,token-ben,ios,2026-01-01
tablet,a2,,web,2026-01-01
tablet,b1,,web,2026-01-02
""",
    "consent.events": """profile_id,email,phone,channel,purpose,state,occurred_at
a1,,,email,marketing,granted,2025-01-01
,ann@example.com,,email,marketing,withdrawn,2025-03-01
,,+1 202 555 0123,sms,marketing,granted,2025-03-01
,family@example.com,,email,marketing,withdrawn,2025-03-01
b1,,,email,marketing,granted,2025-01-01
""",
    "shop.orders": """order_id,profile_id,ordered_at,status,currency,gross_amount
o1,a1,2025-05-01,completed,USD,10
o2,a2,2025-06-01,completed,USD,20
o3,b1,2025-06-01,completed,USD,40
""",
    "shop.order_lines": """order_id,line_number,product_id,quantity,unit_price
o1,1,p1,1,10
o3,1,p1,4,10
""",
    "shop.refunds": """refund_id,order_id,refunded_at,amount,currency
r1,o1,2025-05-09,5,USD
""",
    "web.events": """event_id,profile_id,device_id,event_type,url,occurred_at
e1,a1,device-ann,page_view,/,2026-01-01
e2,,device-ann,page_view,/,2026-01-03
e3,,tablet,page_view,/hers,2026-01-01 12:00:00
e4,,tablet,page_view,/his,2026-01-02 00:00:00
e5,b1,device-ben,page_view,/,2026-01-01
e6,,device-of-nobody,page_view,/,2026-01-01
""",
    "provider.email_events": """message_id,provider_id,email,event,detail,occurred_at
m1,,Ann@Example.com,delivered,,2026-01-01
m1,,,open,,2026-01-02
m2,,ben@example.com,delivered,,2026-01-01
m2,,,open,,2026-01-02
""",
    "provider.push_events": """message_id,provider_id,push_token,event,detail,occurred_at
,x1,token-ann,delivered,,2026-01-01
,x2,token-ben,delivered,,2026-01-01
""",
    "support.tickets": """ticket_id,profile_id,opened_at,topic
t1,a2,2026-01-01,size
t2,b1,2026-01-01,size
""",
    "suppressions.manual": """email,phone,profile_id,channel,reason,added_at
ann.before@example.com,,,all,asked,2025-01-01
,,b1,sms,asked,2025-01-01
""",
}
LINES_IN_QUARANTINE = """profile_id,preference,value,changed_at
a1,frequency,weekly,2025-01-01,one too many
a12,frequency,weekly,2025-01-01,one too many
"""
HERS = {  # rows of landing that are Ann's
    "crm.profiles": 3, "crm.preferences": 1, "crm.devices": 2, "consent.events": 3, "web.events": 3,
    "provider.email_events": 2, "provider.push_events": 1, "support.tickets": 1, "suppressions.manual": 1,
}  # fmt: skip

KILLED_AT_A_WRITE = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from activation.home import open_home
from activation.landing import contract
from activation.privacy import rewrite
left, when = int(sys.argv[2]), sys.argv[3]
publish = contract.publish
def dying(temporary, file):
    global left
    left -= 1
    if left == 0 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    publish(temporary, file)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
contract.publish = rewrite.publish = dying
home = open_home(Path(sys.argv[1]))
"""

Rows = dict[str, Counter[tuple[Any, ...]]]


@dataclass
class Household:
    """A live home, and what the tests do to it."""

    home: Home

    def settle(self) -> None:
        for table, text in FILES.items():
            self.drop(table, "first.csv", text)
        self.drop("crm.preferences", "lines.csv", LINES_IN_QUARANTINE)
        self.drop("support.tickets", "no-columns.csv", "ticket,who\nt9,a1\n")
        self.drop("feedback.responses", "no-columns.csv", "response,who\nt9,b1\n")
        land(self.home, NOW)
        self.build()

    def drop(self, table: str, name: str, text: str) -> None:
        file = self.home.inbox / table.replace(".", "/") / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def land(self) -> LoadReport:
        return land(self.home, NOW)

    def build(self) -> None:
        """What a build would leave, as far as anybody asks it who is who."""
        self.home.warehouse_file.unlink(missing_ok=True)
        with duckdb.connect(str(self.home.warehouse_file)) as engine:
            engine.execute(f"""
                create schema intermediate; create schema marts;
                create table intermediate.int_profiles_mapped as select * from (values
                    ('a1', '{ANN}', 'ann@example.com', '+12025550123'), ('a2', '{ANN}', 'family@example.com', null),
                    ('b1', '{BEN}', 'ben@example.com', '+12025550199'), ('a12', 'cleo', 'cleo@example.com', null)
                ) as t (profile_id, customer_id, email_normalised, phone_e164);
                create table intermediate.int_customers_succeeded as
                    select 'customer-annie' as earlier_customer_id, '{ANN}' as customer_id;
                create table intermediate.int_devices_stitched as select * from (values
                    ('tablet', '{ANN}', timestamp '2026-01-01', timestamp '2026-01-02'),
                    ('tablet', '{BEN}', timestamp '2026-01-02', timestamp '2026-06-01')
                ) as t (device_id, customer_id, stitched_from, stitched_until);
                create view marts.dim_customers as
                    select customer_id, count(*) as profiles from intermediate.int_profiles_mapped group by 1;
            """)

    def rows(self, zone: str = "landing") -> Rows:
        """Every row by table; that of a load or a removal is no person's."""
        return {
            name: Counter(
                tuple(row.items())
                for file in (self.home.path / zone / table.folder).glob("*.parquet")
                for row in pq.read_table(file).to_pylist()
            )
            for name, table in contract().items()
            if name not in {"muster.loads", "muster.removals"}
        }

    def counts(self, zone: str = "landing") -> dict[str, int]:
        return {name: rows.total() for name, rows in self.rows(zone).items() if rows}

    def texts(self) -> str:
        """Everything that landing and quarantine hold, as one text in lower case."""
        parts = [str(rows) for zone in ("landing", "quarantine") for rows in self.rows(zone).values()]
        parts += [file.read_text() for file in self.home.quarantine.glob("*/*/files/*")]
        return "\n".join(parts).lower()

    def removals(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for file in (self.home.landing / "muster" / "removals").glob("*.parquet"):
            for row in pq.read_table(file).to_pylist():
                found[row["source_table"]] += row["rows_removed"]
        return dict(found)


def copied(household: Household, to: Path) -> Household:
    shutil.copytree(household.home.path, to)
    return Household(open_home(to))


def die_in(household: Household, step: str, writes: int, when: str) -> None:
    """Run a step in a process that is killed with SIGKILL before or after so many files are in place."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_A_WRITE + step, str(household.home.path), str(writes), when],
        env=os.environ | {"PYTHONPATH": str(PROJECT)}, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
