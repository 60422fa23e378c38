"""`python -m worker.open_competitions [--draft] NAME …`: competitions of problem files; repeating changes nothing."""

import sys

import structlog

from core.db.migrate import check_tables
from core.db.session import get_engine, transaction
from core.domain.errors import ContestError
from core.problem_files import find_problem
from core.registration import register_competition
from core.settings import get_settings

log = structlog.get_logger()


DRAFT = "--draft"


def main(arguments: list[str]) -> int:
    names = [name for name in arguments if name != DRAFT]
    try:
        engine = get_engine(get_settings().resolved_database_url)
        check_tables(engine)
        with transaction(engine) as session:
            for name in names:
                competition = register_competition(session, find_problem(name), draft=DRAFT in arguments)
                log.info("competition registered", slug=competition.slug, state=competition.state)
    except ContestError as error:
        log.error("no competition opened", reason=error.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
