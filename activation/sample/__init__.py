"""Example data: the Complete Journey, with what it lacks synthesised.

``python -m activation.sample --cut seeds/sample`` writes the small cut anew, from the same data.
"""

from __future__ import annotations

from activation.errors import ConfigurationError
from activation.home import Home, World
from activation.sample.cut import copy_cut
from activation.sample.journey import write_journey


def sample(home: Home, households: int | None = None, *, small: bool = False) -> dict[str, int]:
    """Put example data into the inbox of ``home``; say how many rows of each table.

    All of it, or of ``households`` of the 2,469; with ``small``, the cut of ``seeds/sample``. The same data
    come out every time. Raises ``ConfigurationError`` where the data are not installed or the home is live.
    """
    if home.world is World.LIVE:
        raise ConfigurationError(
            f"{home.path} is a live home: example people have no place there. MUSTER_HOME names another."
        )
    return copy_cut(home) if small else write_journey(home, households)
