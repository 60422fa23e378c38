"""Who may do what; whatever is not in the table is denied."""

from enum import StrEnum

from core.domain.errors import NotAllowed, NotAuthenticated


class Role(StrEnum):
    PARTICIPANT = "participant"
    ORGANIZER = "organizer"
    ADMIN = "admin"


class Action(StrEnum):
    READ_PUBLIC = "read_public"
    REGISTER = "register"
    SUBMIT = "submit"
    SUBMIT_REFERENCE = "submit_reference"  # gate lifted, shown without a rank
    READ_OWN = "read_own"
    MANAGE_OWN = "manage_own"  # one's tokens and log-ins
    READ_ANY_SUBMISSION = "read_any_submission"
    CANCEL_OWN = "cancel_own"
    CANCEL_ANY = "cancel_any"
    DISCUSS = "discuss"
    MANAGE_USERS = "manage_users"  # roles, suspensions, links for a new password
    MODERATE = "moderate"  # disqualify and reinstate; hide, pin and close what is said
    MANAGE_COMPETITION = "manage_competition"  # freeze, close, open again, archive
    READ_AUDIT = "read_audit"
    MANAGE_DATA = "manage_data"  # upload, look at and revoke data sets
    CONFIGURE_COMPETITION = "configure_competition"  # make one of a problem file, or change it
    READ_OPERATIONS = "read_operations"  # queue, nodes, costs
    READ_METRICS = "read_metrics"  # the same as numbers, for a program that watches them
    OPERATE = "operate"  # send stuck evaluations out again, cancel them
    MANAGE_NODES = "manage_nodes"  # drain them and let them work again; their keys
    WORK_AS_NODE = "work_as_node"  # no role's: it is done with a node's own key
    REVIEW_FLAGS = "review_flags"
    REJUDGE = "rejudge"


class Scope(StrEnum):
    """What a token may be used for; its owner's role still bounds it."""

    READ = "read"
    SUBMIT = "submit"
    MANAGE = "manage"  # accounts, tokens, and whatever staff may do
    METRICS = "metrics"  # of staff: nothing but `/metrics`


_EVERYONE = frozenset({None, Role.PARTICIPANT, Role.ORGANIZER, Role.ADMIN})
_MEMBERS = frozenset({Role.PARTICIPANT, Role.ORGANIZER, Role.ADMIN})
_STAFF = frozenset({Role.ORGANIZER, Role.ADMIN})

PERMISSIONS: dict[Action, frozenset[Role | None]] = {
    Action.READ_PUBLIC: _EVERYONE,
    Action.REGISTER: _EVERYONE,
    Action.SUBMIT: _MEMBERS,
    Action.SUBMIT_REFERENCE: _STAFF,
    Action.READ_OWN: _MEMBERS,
    Action.MANAGE_OWN: _MEMBERS,
    Action.READ_ANY_SUBMISSION: _STAFF,
    Action.CANCEL_OWN: _MEMBERS,
    Action.CANCEL_ANY: frozenset({Role.ADMIN}),
    Action.DISCUSS: _MEMBERS,
    Action.MANAGE_USERS: frozenset({Role.ADMIN}),
    Action.MODERATE: _STAFF,
    Action.MANAGE_COMPETITION: _STAFF,
    Action.READ_AUDIT: _STAFF,
    Action.MANAGE_DATA: frozenset({Role.ADMIN}),
    Action.CONFIGURE_COMPETITION: frozenset({Role.ADMIN}),
    Action.READ_OPERATIONS: _STAFF,
    Action.READ_METRICS: _STAFF,
    Action.OPERATE: _STAFF,
    Action.MANAGE_NODES: frozenset({Role.ADMIN}),
    Action.WORK_AS_NODE: frozenset(),
    Action.REVIEW_FLAGS: _STAFF,
    Action.REJUDGE: _STAFF,
}


SCOPE_OF_ACTION: dict[Action, Scope] = {
    Action.READ_PUBLIC: Scope.READ,
    Action.REGISTER: Scope.READ,
    Action.READ_OWN: Scope.READ,
    Action.READ_ANY_SUBMISSION: Scope.READ,
    Action.SUBMIT: Scope.SUBMIT,
    Action.CANCEL_OWN: Scope.SUBMIT,
    Action.DISCUSS: Scope.SUBMIT,
    Action.MANAGE_USERS: Scope.MANAGE,
    Action.SUBMIT_REFERENCE: Scope.MANAGE,
    Action.CANCEL_ANY: Scope.MANAGE,
    Action.MANAGE_OWN: Scope.MANAGE,
    Action.MODERATE: Scope.MANAGE,
    Action.MANAGE_COMPETITION: Scope.MANAGE,
    Action.READ_AUDIT: Scope.MANAGE,
    Action.MANAGE_DATA: Scope.MANAGE,
    Action.CONFIGURE_COMPETITION: Scope.MANAGE,
    Action.READ_OPERATIONS: Scope.MANAGE,
    Action.READ_METRICS: Scope.METRICS,
    Action.OPERATE: Scope.MANAGE,
    Action.MANAGE_NODES: Scope.MANAGE,
    Action.WORK_AS_NODE: Scope.MANAGE,
    Action.REVIEW_FLAGS: Scope.MANAGE,
    Action.REJUDGE: Scope.MANAGE,
}
EVERY_SCOPE = frozenset(Scope)


def check_scope(scopes: frozenset[Scope], action: Action) -> None:
    needed = SCOPE_OF_ACTION[action]
    if needed not in scopes:
        raise NotAllowed(f"this token lacks the scope '{needed}'")


def is_allowed(role: Role | None, action: Action) -> bool:
    """None is the anonymous caller."""
    return role in PERMISSIONS.get(action, frozenset())


def check_allowed(role: Role | None, action: Action) -> None:
    if is_allowed(role, action):
        return
    if role is None:
        raise NotAuthenticated("this needs an account: send a token as `Authorization: Bearer …`")
    raise NotAllowed(f"a {role} may not {action.replace('_', ' ')}")
