import pytest

from tests.integration.sandbox.runs import BACKENDS, WALLED, Reports, run_cases


@pytest.fixture(params=BACKENDS)
def reports(request: pytest.FixtureRequest) -> Reports:
    """Every case in every backend; what would hurt this machine is left out of `process`."""
    return run_cases(request.param)


@pytest.fixture(params=WALLED)
def walled(request: pytest.FixtureRequest) -> Reports:
    """The same results, for tests of isolation."""
    return run_cases(request.param)
