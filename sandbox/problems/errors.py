"""What can be wrong with a data set on disk."""


class DataMissing(Exception):
    """A file of the data set is not there; `hint` says how to get it."""

    def __init__(self, file: str, hint: str) -> None:
        super().__init__(f"the data file {file} is missing; {hint}")
        self.file = file
        self.hint = hint


class DataDamaged(Exception):
    """A file of the data set is there but is not what it should be."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"the data file {file} is damaged: {reason}")
        self.file = file
        self.reason = reason
