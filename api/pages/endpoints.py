"""Every page of the site."""

from api.pages import (
    account,
    admin,
    announcements,
    audit,
    compare,
    competition,
    competition_form,
    data_sets,
    discussion,
    federation,
    finals,
    flags,
    home,
    inbox,
    ledger,
    login,
    notifications,
    operations,
    organize,
    people,
    pools,
    preview,
    recovery,
    rejudges,
    rules,
    runtime,
    security,
    start,
    submission,
    submit,
    team,
)

VISITORS = (home, start, competition, submission, rules, compare, discussion, runtime)
MEMBERS = (login, recovery, federation, account, security, notifications, inbox, submit, team, ledger)
STAFF = (
    organize,
    announcements,
    audit,
    finals,
    flags,
    rejudges,
    operations,
    admin,
    people,
    competition_form,
    pools,
    preview,
    data_sets,
)
ROUTERS = tuple(page.router for page in (*VISITORS, *MEMBERS, *STAFF))
