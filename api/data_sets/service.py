"""Data sets: an upload is kept, a worker reads it, admins look at what it found."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.data_sets.schemas import DataSetList, DataSetVersionView, DataSetView, VersionSummary
from api.deps import Caller
from api.pieces import PieceView, make_piece
from core.db.base import utc_now
from core.db.models.data_sets import DataSetVersion
from core.db.queries import audit, data_sets
from core.db.queries.waiting import explain_data_sets
from core.domain.data_sets import NAMED_SETS, DataFormat, DataSetStatus, Reference, parse_reference
from core.domain.errors import Conflict, InvalidInput, NotFound
from core.jobs import VALIDATE, enqueue
from core.storage import BlobStore


@dataclass(frozen=True, slots=True)
class NewVersion:
    name: str
    format: DataFormat
    source_digest: str | None
    named: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if (self.format is DataFormat.NAMED) != bool(self.named):
            raise InvalidInput(
                "`named` says which of the server's own sets, and comes with the format `named` only", field="named"
            )
        if self.named and self.named not in NAMED_SETS:
            raise InvalidInput(
                f"there is no set named {self.named!r} here; there are: {', '.join(NAMED_SETS)}", field="named"
            )
        if self.format is not DataFormat.NAMED and self.source_digest is None:
            raise InvalidInput("the upload is empty: send the file as the body of the request", field="file")


def add_version(session: Session, new: NewVersion, caller: Caller) -> DataSetVersion:
    version = DataSetVersion(
        format=new.format,
        source_digest=new.source_digest,
        named=new.named,
        note=new.note,
        created_by=caller.name,
    )
    data_sets.add_version(session, new.name, version)
    _record(session, caller, "data_set.add", version, {"format": new.format, "source": new.source_digest or ""})
    enqueue(session, VALIDATE, version.id)
    return version


def load_version(session: Session, name: str, number: int) -> DataSetVersion:
    found = data_sets.find_versions(session, Reference(name, number, None))
    if not found:
        raise NotFound(f"no data set version {name}@{number}")
    return found[0]


def find_version(session: Session, reference: str) -> DataSetVersion:
    """The one version that `name@number` or `name@digest` means."""
    found = data_sets.find_versions(session, parse_reference(reference))
    if not found:
        raise NotFound(f"no data set version {reference}; `lacuna admin data-set list` shows what there is")
    if len({row.digest for row in found}) > 1:
        raise InvalidInput(f"{reference} means several versions: write more of the digest")
    return next((row for row in found if row.revoked_at is None), found[0])


def check_usable(session: Session, version: DataSetVersion) -> None:
    """Refuse what no new work may begin on."""
    name = f"{version.data_set.name}@{version.number}"
    if version.digest is not None and (revoked := data_sets.fetch_revoked(session, version.digest)):
        raise Conflict(f"the data of {name} was revoked: {revoked.revoked_reason}")
    if version.status is not DataSetStatus.READY:
        why = f": {version.reason}" if version.reason else "; wait until a worker has read it"
        raise Conflict(f"{name} is {version.status}{why}")


def list_data_sets(session: Session) -> DataSetList:
    now = utc_now()
    waiting = {piece.id: make_piece(piece, now) for piece in explain_data_sets(session, now)}
    return DataSetList(
        items=[
            DataSetView(
                name=row.name, versions=[make_view(version, waiting.get(version.id)) for version in row.versions]
            )
            for row in data_sets.fetch_data_sets(session)
        ]
    )


def show_version(session: Session, row: DataSetVersion) -> DataSetVersionView:
    """With why nobody reads it, if it waits."""
    now = utc_now()
    return make_view(row, next((make_piece(piece, now) for piece in explain_data_sets(session, now, row.id)), None))


def make_view(row: DataSetVersion, waiting: PieceView | None = None) -> DataSetVersionView:
    name = row.data_set.name
    return DataSetVersionView(
        name=name,
        number=row.number,
        reference=f"{name}@{row.digest or row.number}",
        status=row.status,
        reason=row.revoked_reason or row.reason,
        format=row.format,
        note=row.note,
        named=row.named,
        source_digest=row.source_digest,
        digest=row.digest,
        created_by=row.created_by,
        created_at=row.created_at,
        summary=VersionSummary.model_validate(row.summary) if row.summary else None,
        waiting=waiting,
    )


def load_sample(session: Session, store: BlobStore, name: str, number: int, place: int) -> bytes:
    samples = (load_version(session, name, number).summary or {}).get("samples", [])
    if place >= len(samples):
        raise NotFound("no such sample image")
    return store.get(samples[place]["digest"])


def _record(session: Session, caller: Caller, action: str, row: DataSetVersion, detail: dict[str, str]) -> None:
    subject = f"data_set/{row.data_set.name}@{row.number}"
    audit.record(session, actor=caller.name, action=action, subject=subject, detail=detail)
