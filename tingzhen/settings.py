"""The settings of a node: a TOML file, overridden by environment variables."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy import URL, make_url

from agent_console.settings import ConsoleSettings
from agent_console.work.settings import WorkSettings
from asr.settings import AsrSettings
from backbone.errors import UserError
from backbone.store.engine import sqlite_url
from metrics.reports.settings import ReportSettings
from metrics.settings import MetricsSettings
from qa_engine.settings import QaSettings
from telephony.settings import PbxSettings, RecordingSettings

Component = Literal["telephony", "asr", "qa", "console", "metrics"]
COMPONENTS: tuple[Component, ...] = ("telephony", "asr", "qa", "console", "metrics")


class Settings(BaseSettings):
    """Everything a node can be told.

    Environment variables override the file: `TINGZHEN_CONSOLE__PORT=80` is `port` in `[console]`.
    """

    model_config = SettingsConfigDict(
        env_prefix="TINGZHEN_", env_nested_delimiter="__", extra="forbid"
    )

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("tingzhen", appauthor=False),
        description="Where the database lives.",
    )
    database_url: str = Field(
        default="", description="SQLAlchemy URL of the store; unset: SQLite in data_dir."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line that is written."
    )
    log_json: bool = Field(default=False, description="Log JSON objects instead of lines.")
    components: tuple[Component, ...] = Field(
        default=COMPONENTS, description="What runs on this node."
    )
    pbx: list[PbxSettings] = Field(default=[], description="The Asterisk servers to listen to.")
    recording: RecordingSettings = RecordingSettings()
    asr: AsrSettings = AsrSettings()
    qa: QaSettings = QaSettings()
    console: ConsoleSettings = ConsoleSettings()
    work: WorkSettings = WorkSettings()
    metrics: MetricsSettings = MetricsSettings()
    reports: ReportSettings = ReportSettings()

    @property
    def reports_dir(self) -> Path:
        """Where reports are written."""
        return self.reports.directory or self.data_dir / "reports"

    @property
    def store_url(self) -> URL:
        """Where the store is."""
        if self.database_url:
            return make_url(self.database_url)
        return sqlite_url(self.data_dir / "tingzhen.sqlite3")

    @property
    def recordings_dir(self) -> Path:
        """Where recordings are."""
        return self.recording.folder or self.data_dir / "recordings"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment override the file; the command line overrides both."""
        given = init_settings() if isinstance(init_settings, InitSettingsSource) else {}
        from_file = given.pop("from_file", {})
        return (
            InitSettingsSource(settings_cls, init_kwargs=given),
            env_settings,
            InitSettingsSource(settings_cls, init_kwargs=from_file),
        )


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings of a node.

    Args:
        path: a TOML file; None for defaults and environment only.
        overrides: what the command line says.

    Raises:
        UserError: the file cannot be read, or a value in it cannot be used.
    """
    from_file: dict[str, Any] = {}
    if path is not None:
        try:
            from_file = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise UserError(f"{path}: {error.strerror or error}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: not TOML: {error}") from error
    try:
        return Settings(from_file=from_file, **overrides)  # type: ignore[call-arg]  # see the sources
    except ValidationError as error:
        # Only where and why: the value itself may be a secret.
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "settings"
        raise UserError(f"{path or 'environment'}: {where}: {first['msg']}") from None
