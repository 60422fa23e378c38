"""`lacuna grant`: give an account a role, by whoever can write the platform's database."""

from typing import Annotated

import typer

from cli.show.console import print_line
from core.db.migrate import check_tables
from core.db.queries.audit import record
from core.db.queries.users import set_role
from core.db.session import get_engine, transaction
from core.domain.access import Role
from core.settings import get_settings


def grant(
    name: Annotated[str, typer.Argument(help="account")], role: Annotated[Role, typer.Argument(help="its new role")]
) -> None:
    """Give an account a role (organizers may submit references and read every submission)."""
    engine = get_engine(get_settings().resolved_database_url)
    check_tables(engine)
    with transaction(engine) as session:
        set_role(session, name, role)
        detail = {"role": role}
        record(session, actor="the command line", action="user.role", subject=f"user/{name}", detail=detail)
    print_line(f"{name} is now {role}")
