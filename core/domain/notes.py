"""Who reads the note on a submission: its author chooses."""

from enum import StrEnum


class NoteReaders(StrEnum):
    ME = "me"
    TEAM = "team"
    EVERYBODY = "everybody"


def reads_note(readers: NoteReaders, *, is_uploader: bool, is_in_team: bool) -> bool:
    """Staff are nobody special here."""
    return is_uploader or readers is NoteReaders.EVERYBODY or (readers is NoteReaders.TEAM and is_in_team)
