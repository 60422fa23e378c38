"""Every page of the site."""

from api.pages import (
    account,
    admin,
    compare,
    competition,
    competition_form,
    data_sets,
    federation,
    finals,
    flags,
    ledger,
    notifications,
    operations,
    organize,
    pools,
    preview,
    rejudges,
    rules,
    security,
    start,
    team,
)

ROUTERS = tuple(
    page.router
    for page in (
        organize,
        admin,
        competition_form,
        pools,
        preview,
        data_sets,
        operations,
        flags,
        rejudges,
        team,
        compare,
        rules,
        finals,
        ledger,
        notifications,
        federation,
        security,
        start,
        account,
        competition,
    )
)
