"""Images that organizers bring for their pages: what is taken, how many, and where they are found."""

import math
import re
from datetime import datetime, timedelta

from core.domain.errors import InvalidInput
from core.domain.quota import LimitCode, LimitReached

KINDS = ("PNG", "JPEG", "WEBP", "GIF")  # as Pillow names them; of a moving one the first frame is kept
MEDIA_TYPE = "image/webp"
MOST_BYTES = 5 << 20  # of a file
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 1600  # of what is kept
MOST_KEPT_BYTES = 1 << 20
MOST_IMAGES = 100  # of a competition
MOST_ALT = 300
UPLOADS_AN_HOUR = 60  # of an account
UPLOAD_WINDOW = timedelta(hours=1)
ADDRESS = re.compile(r"/api/v1/competitions/[a-z0-9-]+/images/[0-9a-f]{64}")


def make_address(slug: str, digest: str) -> str:
    return f"/api/v1/competitions/{slug}/images/{digest}"


def is_address(text: str) -> bool:
    """Whether it leads to an image that a competition keeps, and so never to another site."""
    return ADDRESS.fullmatch(text) is not None


def check_size(count: int) -> None:
    if not count:
        raise InvalidInput("choose a file with an image", field="file")
    if count > MOST_BYTES:
        raise InvalidInput(f"an image has at most {MOST_BYTES >> 20} MiB; this one has {count:,} bytes", field="file")


def check_uploads(recent: int, *, oldest: datetime | None, now: datetime) -> None:
    """Refuse one more of an account that brought `recent` ones in the last hour, the first at `oldest`."""
    if recent < UPLOADS_AN_HOUR:
        return
    left = ((oldest or now) + UPLOAD_WINDOW - now).total_seconds()
    raise LimitReached(
        f"an account uploads at most {UPLOADS_AN_HOUR} images an hour; try again later",
        code=LimitCode.IMAGE_LIMIT,
        retry_after=max(math.ceil(left), 1),
    )
