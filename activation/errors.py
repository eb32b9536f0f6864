"""Every error that Muster raises on purpose, with the exit code it ends in.

::

    MusterError                     1  never raised itself
    ├── ConfigurationError          2  settings, campaign files, templates: a person must edit something
    │   └── LandingError            2  an input file cannot be read as its contract says
    │       └── DamagedFileError    2  … because its bytes are damaged
    ├── BuildError                  2  dbt failed, or a test on a shared layer did
    ├── HeldError                   3  a guard tripped or an approval is missing: nothing unsafe was sent
    │   └── BusyError               3  another process is at it: the same call later does what was asked
    ├── InDoubtError                4  more requests of unknown outcome than the limit allows
    ├── DestinationDownError        5  a destination cannot be reached, or refuses everybody
    └── JournalUnsafeError          6  the journal cannot be trusted, so nothing may be sent

Messages name what is wrong, where, and what to do. They never carry an address, a name or a token.
"""

from __future__ import annotations

from typing import ClassVar


class MusterError(Exception):
    """Base of all errors that a caller may want to catch at once."""

    exit_code: ClassVar[int] = 1


class ConfigurationError(MusterError):
    """Settings, campaign files or templates are wrong; nothing was sent."""

    exit_code = 2


class LandingError(ConfigurationError):
    """An input file does not have the shape its contract asks for."""


class DamagedFileError(LandingError):
    """An input file's content is not what its own format says."""


class BuildError(MusterError):
    """dbt could not build, or a test on a layer that all campaigns share failed."""

    exit_code = 2


class HeldError(MusterError):
    """A guard tripped, a run is too late, or an approval is missing."""

    exit_code = 3


class BusyError(HeldError):
    """Another process is doing this, or something that excludes it; nothing was changed."""


class InDoubtError(MusterError):
    """More requests than the limit allows have an outcome that nobody knows."""

    exit_code = 4


class DestinationDownError(MusterError):
    """A destination cannot be reached; what was not sent stays planned."""

    exit_code = 5


class JournalUnsafeError(MusterError):
    """The journal is corrupt, of an unknown version, or in another's hands."""

    exit_code = 6
