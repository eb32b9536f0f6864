"""One build of the small sample, shared by every test that looks at models."""

from __future__ import annotations

import pytest
from small_sample import Built, build_everything


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build_everything(tmp_path_factory.mktemp("built"))
