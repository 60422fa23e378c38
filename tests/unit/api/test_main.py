from fastapi.testclient import TestClient


def test_smoke(client: TestClient) -> None:
    print(client.get("/readyz").json())
    r = client.post("/api/v1/users", json={"name": "ann", "password": "correct horse"})
    print(r.status_code, r.json(), r.headers)
    r = client.post("/api/v1/tokens", json={"name": "ann", "password": "correct horse"})
    print(r.status_code, r.json())
    assert 0
