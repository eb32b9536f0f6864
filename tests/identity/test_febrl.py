"""The published test data for record linkage: nobody wrongly merged, hardly anybody missed."""

from __future__ import annotations

from pathlib import Path

import pytest
from febrl import FILES, resolve


@pytest.mark.parametrize("name", sorted(FILES))
def test_people_with_typing_errors_are_found_and_nobody_is_merged_with_another(
    name: str, tmp_path: Path
) -> None:
    score = resolve(name, tmp_path)
    assert score.profiles == {"febrl1": 1_000, "febrl3": 5_000}[name]
    assert score.true == {"febrl1": 500, "febrl3": 6_538}[name]
    assert score.precision >= 0.999
    assert score.recall >= 0.96
