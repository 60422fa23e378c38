"""What is hidden from whom, and until when."""

from enum import StrEnum


class Exposure(StrEnum):
    """How much of a problem its participants see while it runs."""

    PRACTICE = "practice"  # everything, logs and seeds too
    PUBLIC = "public"  # scores alone
    PRIVATE = "private"  # nothing before the end
