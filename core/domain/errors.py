"""Everything that can go wrong, by whose fault it is.

ContestError
├── ParticipantFault      shown to its author, never retried, counts against the quota
├── PlatformFault         logged, retried, never blamed on the author
│   ├── StoreUnavailable
│   ├── BlobMissing
│   └── SealBroken
└── RequestRefused        the request asked for something that cannot be had
    ├── InvalidInput
    ├── NotAuthenticated
    │   └── SecondFactorNeeded
    ├── NotFound
    ├── NotAllowed
    ├── CrossSite
    ├── Conflict
    ├── TooLarge
    ├── QuotaExceeded
    ├── PhaseClosed
    ├── RulesNotAccepted
    └── IllegalTransition
"""

from collections.abc import Mapping

from core.domain.faults import HINTS, FaultCode
from core.domain.intake.report import SubmissionFiles


class ContestError(Exception):
    """Root of the tree; `message` is one readable line."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ParticipantFault(ContestError):
    """The submission is at fault; `code` is from the public list, `hint` says what to do.

    fix: lines that its author can paste; read: what was kept and left out before it was refused.
    """

    def __init__(self, code: FaultCode, message: str, *, fix: str = "", read: SubmissionFiles | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.fix = fix
        self.read = read

    @property
    def hint(self) -> str:
        return HINTS[self.code]


class PlatformFault(ContestError):
    """Ours: logged, retried, refunded."""


class StoreUnavailable(PlatformFault):
    """Nothing can be read from the store, or nothing be kept there, for now: no fault of a blob."""


class BlobMissing(PlatformFault):
    """What was stored is gone or damaged while the store itself is there: it has to be made again."""

    def __init__(self, message: str, digest: str) -> None:
        super().__init__(message)
        self.digest = digest


class SealBroken(PlatformFault):
    """A pool chunk was made again and is not what was sealed: no other try mends it, an admin has to look."""


class RequestRefused(ContestError):
    """The request cannot be granted; nothing was changed.

    field: the name of the value that it is about; fields: what is wrong with each, where there are several.
    """

    def __init__(self, message: str, *, field: str = "", fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or ({field: message} if field else {})


class InvalidInput(RequestRefused):
    """A value is missing, malformed or out of range."""


class NotAuthenticated(RequestRefused):
    """No valid token came with the request."""


class SecondFactorNeeded(NotAuthenticated):
    """The password is right; a code is missing."""


class NotFound(RequestRefused):
    """No such object, or none this caller may know of."""


class NotAllowed(RequestRefused):
    """The caller's role does not permit the action."""


class CrossSite(RequestRefused):
    """Another site sent a request that would have used the reader's log-in."""


class Conflict(RequestRefused):
    """The object's present state forbids it (a name taken, a key reused with another body)."""


class TooLarge(RequestRefused):
    """More bytes than the limit."""


class QuotaExceeded(RequestRefused):
    """Too many submissions in the window."""


class PhaseClosed(RequestRefused):
    """The competition does not take submissions now."""


class RulesNotAccepted(RequestRefused):
    """The newest rules of the competition were not accepted yet."""


class IllegalTransition(RequestRefused):
    """The evaluation cannot move from where it is to where it was told to go."""
