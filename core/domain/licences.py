"""Under what others may use a published solution."""

from enum import StrEnum


class Licence(StrEnum):
    """By SPDX identifier."""

    MIT = "MIT"
    APACHE = "Apache-2.0"
    BSD = "BSD-3-Clause"
    CC0 = "CC0-1.0"
