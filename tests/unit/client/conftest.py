import pytest


@pytest.fixture(autouse=True)
def _own_home(own_home: None) -> None:
    """No test here reads or writes the account of whoever runs it."""
