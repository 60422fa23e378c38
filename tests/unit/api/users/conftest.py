"""A log-in provider, and a browser of a site that knows it."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from core.settings import Settings
from tests.unit.api.users.oidc import CLIENT, SECRET, OidcProvider

OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    provider = OidcProvider()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
def visitor(client: TestClient, settings: Settings, provider: OidcProvider) -> TestClient:
    """Follows nothing by itself."""
    changes = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    changes |= {"oidc_name": "The Academy", "public_url": "https://lacuna.example"}
    client.app.state.settings = settings.model_copy(update=changes)  # type: ignore[attr-defined]
    client.headers.update(OURS)
    client.follow_redirects = False
    return client
