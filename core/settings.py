"""Deployment settings, read once from the environment (`LACUNA_…`); competition rules live in the database."""

import os
import socket
from functools import cache
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.calibration import CALIBRATION_TRIES
from core.domain.errors import InvalidInput


class Settings(BaseSettings):
    """Every field is documented in docs/settings.md; a test keeps the two together."""

    model_config = SettingsConfigDict(env_prefix="LACUNA_", frozen=True, extra="ignore")

    data_folder: Path = Field(default_factory=lambda: user_data_path("lacuna"))
    dataset_folder: Path | None = None
    database_url: str = ""
    broker_url: str = ""
    store_url: str = Field(default="", pattern=r"^((s3|gs|az)://\S+)?$")
    store_cache_bytes: int = Field(default=10 << 30, ge=0)
    production: bool = False
    sandbox: str = "auto"
    sandbox_image: str = "lacuna-sandbox:dev"
    sandbox_runtime: str = Field(default="", pattern=r"^([A-Za-z0-9][\w.-]*)?$")
    allow_channels: bool = False
    launcher_socket: Path = Path("/run/lacuna/launcher.sock")
    node_class: str = "cpu"
    node_name: str = Field(default_factory=socket.gethostname)
    device: str = Field(default="cpu", pattern=r"^(cpu|mps|cuda(:\d+)?)$")
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8400, ge=0, le=65535)
    lease_seconds: float = Field(default=30.0, gt=0)
    sweep_seconds: float = Field(default=5.0, gt=0)
    max_attempts: int = Field(default=3, ge=1)
    calibration_tries: int = Field(default=CALIBRATION_TRIES, ge=1)
    upload_bytes: int = Field(default=5 << 20, ge=1 << 10)
    disk_reserve_bytes: int = Field(default=256 << 20, ge=0)
    data_set_bytes: int = Field(default=512 << 20, ge=1 << 10)
    token_days: int = Field(default=90, ge=1)
    staff_second_factor: bool = False
    session_hours: float = Field(default=14 * 24.0, gt=0)
    registrations_per_hour: int = Field(default=60, ge=1)
    public_url: str = ""
    webhooks_to_loopback: bool = False
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: str = Field(default="", repr=False)
    mail_from: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = Field(default="", repr=False)
    oidc_name: str = "your organization"

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_folder / 'lacuna.sqlite'}"

    @property
    def resolved_broker_url(self) -> str:
        return self.broker_url or f"redis+socket://{self.broker_socket}"

    @property
    def resolved_public_url(self) -> str:
        return (self.public_url or f"http://{self.api_host}:{self.api_port}").rstrip("/")

    @property
    def sends_mail(self) -> bool:
        return bool(self.smtp_host and self.mail_from)

    @property
    def has_provider(self) -> bool:
        return bool(self.oidc_issuer and self.oidc_client_id)

    @property
    def calls_loopback(self) -> bool:
        return self.webhooks_to_loopback and not self.production

    @property
    def broker_socket(self) -> Path:
        return self.data_folder / "broker.sock"

    @property
    def store_folder(self) -> Path:
        return self.data_folder / "store"


@cache
def get_settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "LACUNA_" + "_".join(str(part) for part in first["loc"]).upper()
        raise InvalidInput(f"setting {name}: {first['msg']}") from None
