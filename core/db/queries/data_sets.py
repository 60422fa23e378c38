"""SQL about data sets and their versions."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from core.db.models.data_sets import DataSet, DataSetVersion
from core.domain.data_sets import Reference


def fetch_data_sets(session: Session) -> list[DataSet]:
    query = select(DataSet).options(selectinload(DataSet.versions).joinedload(DataSetVersion.data_set))
    return list(session.scalars(query.order_by(DataSet.name)))


def add_version(session: Session, name: str, version: DataSetVersion) -> DataSetVersion:
    """Give the version the next number of its data set, which is made with its first."""
    data_set = session.scalars(select(DataSet).where(DataSet.name == name).with_for_update()).one_or_none()
    if data_set is None:
        data_set = DataSet(name=name)
        session.add(data_set)
        session.flush()
    last = select(func.max(DataSetVersion.number)).where(DataSetVersion.data_set_id == data_set.id)
    number = (session.scalars(last).one() or 0) + 1
    session.add(version)
    version.data_set, version.number = data_set, number
    session.flush()
    return version


def fetch_version(session: Session, version_id: str) -> DataSetVersion | None:
    query = select(DataSetVersion).where(DataSetVersion.id == version_id)
    return session.scalars(query.options(joinedload(DataSetVersion.data_set))).one_or_none()


def find_versions(session: Session, reference: Reference) -> list[DataSetVersion]:
    """The versions that a reference may mean; several when the beginning of a digest is too short."""
    query = select(DataSetVersion).join(DataSet).where(DataSet.name == reference.name)
    if reference.number is not None:
        query = query.where(DataSetVersion.number == reference.number)
    else:
        query = query.where(DataSetVersion.digest.startswith(reference.digest or "", autoescape=True))
    return list(session.scalars(query.options(joinedload(DataSetVersion.data_set)).order_by(DataSetVersion.number)))
