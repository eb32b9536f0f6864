"""Write the small sample anew: ``python -m activation.sample --cut seeds/sample``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from activation.sample.cut import CUT, write_cut

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m activation.sample", description=__doc__)
    parser.add_argument("--cut", type=Path, default=CUT, help="the folder to write to")
    for table, rows in write_cut(parser.parse_args().cut).items():
        sys.stdout.write(f"{table}: {rows:,} rows\n")
