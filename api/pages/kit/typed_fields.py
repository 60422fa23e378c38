"""What the forms of a competition send, read into texts by field; and what there is to choose."""

from collections.abc import Collection

from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile

from api.configure.fields import FIELDS, OWN_DATA, SECTIONS, Kind
from api.configure.form import PACKAGE, SET
from api.data_sets.service import list_data_sets
from core.competition_file import RULES_CHARS
from core.domain.data_sets import DataSetStatus
from core.domain.errors import InvalidInput
from core.domain.texts import decode_text

FORM = {"max_files": 4, "max_fields": 150, "max_part_size": RULES_CHARS * 8}
FILE_BYTES = 8 << 20
NAMES = {field.path for field in FIELDS} | {section.switch for section in SECTIONS if section.switch}
MANY = {field.path for field in FIELDS if field.kind is Kind.MANY}


async def collect(form: FormData, names: Collection[str]) -> dict[str, str | list[str]]:
    """Texts by field; a file that was chosen stands for its field."""
    values: dict[str, str | list[str]] = {}
    for name in names:
        if name in MANY:
            values[name] = [each for each in form.getlist(name) if isinstance(each, str)]
            continue
        text, file = form.get(name), form.get(f"{name}.file")
        values[name] = text if isinstance(text, str) else ""
        if isinstance(file, UploadFile) and file.size:
            values[name] = await _read_file(file, name)
    return values


def list_data(session: Session, current: str) -> list[tuple[str, str]]:
    """What there is to choose, as value and label: hidden data first."""
    ready = [
        (f"{SET}{version.reference}", f"{version.name}@{version.number}, {version.summary.train} training examples")
        for row in list_data_sets(session).items
        for version in reversed(row.versions)
        if version.status is DataSetStatus.READY and version.summary
    ]
    found = ready + [(f"{PACKAGE}{name}", f"{name}, which comes with the platform") for name in OWN_DATA]
    return found if current in dict(found) or not current else [*found, (current, current[:80])]


async def _read_file(file: UploadFile, name: str) -> str:
    content = await file.read(FILE_BYTES + 1)
    if len(content) > FILE_BYTES:
        raise InvalidInput("the file of ids is too large for this page; use `lacuna admin apply`", field=name)
    return decode_text(content, "the file of ids")
