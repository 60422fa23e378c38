"""Write the overview of a competition, bring images for its pages, and choose its cover."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.presentation.schemas import ImageView, PresentationView
from core.db.base import utc_now
from core.db.models.contests import Competition, CompetitionImage
from core.db.queries import audit, competitions, images
from core.db.session import reading, transaction
from core.domain.errors import Conflict, NotFound
from core.domain.images import MOST_IMAGES, UPLOAD_WINDOW, check_size, check_uploads, make_address
from core.reader.images import DrawnImage, draw_again
from core.storage import BlobStore


@dataclass(frozen=True, slots=True)
class NewImage:
    content: bytes
    alt: str
    as_cover: bool = False


def load_presentation(session: Session, slug: str, caller: Caller) -> PresentationView:
    row = load_competition(session, slug, caller)
    found = [_make_view(row, image) for image in images.fetch_images(session, row.id)]
    return PresentationView(overview=row.overview, images=found)


def load_image(session: Session, slug: str, digest: str, caller: Caller) -> CompetitionImage:
    row = images.fetch_image(session, load_competition(session, slug, caller).id, digest)
    if row is None:
        raise NotFound(f"{slug} has no such image")
    return row


def bring_image(engine: Engine, store: BlobStore, slug: str, new: NewImage, caller: Caller) -> ImageView:
    """No session is open while it is drawn again."""
    check_size(len(new.content))
    with reading(engine) as session:
        _check_room(session, load_competition(session, slug, caller), caller)
    drawn = draw_again(new.content)
    store.put(drawn.content)
    with transaction(engine) as session:
        return _keep(session, slug, drawn, new, caller)


def remove_image(session: Session, slug: str, digest: str, caller: Caller) -> PresentationView:
    """Where a text shows it, its words stand from then on."""
    row = _lock(session, slug, caller)
    image = load_image(session, slug, digest, caller)
    if row.cover == digest:
        row.cover, row.cover_alt = None, ""
    images.remove_image(session, image)
    _record(session, caller, "competition.remove_image", slug, {"alt": image.alt, "digest": digest})
    return load_presentation(session, slug, caller)


def choose_cover(session: Session, slug: str, digest: str | None, caller: Caller) -> PresentationView:
    row = _lock(session, slug, caller)
    if row.cover == digest:
        raise Conflict("this is the cover already" if digest else "it has no cover")
    _set_cover(session, row, load_image(session, slug, digest, caller) if digest else None, caller)
    return load_presentation(session, slug, caller)


def write_overview(session: Session, slug: str, text: str, caller: Caller) -> PresentationView:
    row = _lock(session, slug, caller)
    if text.strip() == row.overview:
        raise Conflict("the overview already says this")
    before, row.overview = row.overview, text.strip()
    _record(session, caller, "competition.overview", slug, {"overview": [before, row.overview]})
    return load_presentation(session, slug, caller)


def _lock(session: Session, slug: str, caller: Caller) -> Competition:
    return competitions.lock_competition(session, load_competition(session, slug, caller).id)


def _keep(session: Session, slug: str, drawn: DrawnImage, new: NewImage, caller: Caller) -> ImageView:
    """What is there already only gets the new words."""
    row = _lock(session, slug, caller)
    image = images.fetch_image(session, row.id, drawn.digest)
    if image is None:
        _check_room(session, row, caller)
        image = CompetitionImage(
            competition_id=row.id,
            digest=drawn.digest,
            width=drawn.width,
            height=drawn.height,
            size_bytes=len(drawn.content),
            user_id=caller.member_id,
        )
    image.alt = new.alt
    images.store_image(session, image)
    _record(session, caller, "competition.add_image", slug, {"alt": new.alt, "digest": drawn.digest})
    if new.as_cover or row.cover == drawn.digest:
        _set_cover(session, row, image, caller)
    return _make_view(row, image)


def _check_room(session: Session, row: Competition, caller: Caller) -> None:
    if images.count_images(session, row.id) >= MOST_IMAGES:
        raise Conflict(f"a competition has at most {MOST_IMAGES} images: remove one first")
    now = utc_now()
    recent, oldest = images.count_images_since(session, caller.member_id, now - UPLOAD_WINDOW)
    check_uploads(recent, oldest=oldest, now=now)


def _set_cover(session: Session, row: Competition, image: CompetitionImage | None, caller: Caller) -> None:
    row.cover, row.cover_alt = (image.digest, image.alt) if image else (None, "")
    _record(session, caller, "competition.cover", row.slug, {"alt": row.cover_alt, "digest": row.cover})


def _make_view(row: Competition, image: CompetitionImage) -> ImageView:
    address = make_address(row.slug, image.digest)
    return ImageView(
        digest=image.digest,
        address=address,
        alt=image.alt,
        markdown=f"![{image.alt.replace('[', '(').replace(']', ')')}]({address})",
        width=image.width,
        height=image.height,
        size_bytes=image.size_bytes,
        is_cover=image.digest == row.cover,
        created_at=image.created_at,
    )


def _record(session: Session, caller: Caller, action: str, slug: str, detail: dict[str, Any]) -> None:
    audit.record(session, actor=caller.name, action=action, subject=f"competition/{slug}", detail=detail)
