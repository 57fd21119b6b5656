"""What an operator sets for one PBX."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from telephony.calls.times import RING_CYCLE_S


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def read_secret(
    secret: SecretStr | None, secret_file: Path | None, what: str, *, secret_env: str = ""
) -> SecretStr:
    """The secret itself, the environment variable's value, or the first line of its file.

    Raises:
        ValueError: none is set, or the file cannot be read or is empty.
    """
    if secret is not None:
        return secret
    if secret_env:
        value = os.environ.get(secret_env, "")
        if not value:
            raise ValueError(f"{what}: the environment variable {secret_env} is not set")
        return SecretStr(value)
    if secret_file is None:
        raise ValueError(f"{what}: none of secret, secret_env and secret_file is set")
    try:
        lines = secret_file.read_text("utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"{what}: {secret_file}: {error.strerror}") from None
    if not lines or not lines[0].strip():
        raise ValueError(f"{what}: {secret_file} is empty")
    return SecretStr(lines[0].strip())


class AriSettings(_Model):
    """Where Asterisk's REST interface is; taps ask it for audio."""

    url: str = Field(default="http://127.0.0.1:8088/ari", description="base of Asterisk's ARI")
    username: str = Field(default="tingzhen", description="user in ari.conf")
    secret: SecretStr | None = Field(default=None, description="its password")
    secret_file: Path | None = Field(
        default=None, description="file whose first line is the password"
    )
    secret_env: str = Field(default="", description="environment variable that holds the password")
    app: str = Field(default="tingzhen", description="name of our Stasis application")
    context: str = Field(default="export", description="dialplan context that hands audio to us")


class AudioSocketSettings(_Model):
    """Where we listen for the audio that Asterisk sends."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(
        default=9092, ge=0, le=65535, description="port to listen on; 0 takes a free one"
    )


class WebSocketSettings(_Model):
    """Where we listen for the audio that Asterisk's chan_websocket sends."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(
        default=9093, ge=0, le=65535, description="port to listen on; 0 takes a free one"
    )
    client: str = Field(
        default="tingzhen",
        pattern=r"^[\w.-]+$",
        description="section of Asterisk's websocket_client.conf that leads here",
    )


class ControlSettings(_Model):
    """Where the dialplan takes over what a supervisor asks for."""

    transfer_context: str = Field(
        default="default", description="dialplan context in which a transfer's target is looked up"
    )
    callback_context: str = Field(
        default="default", description="dialplan context that leads out, for calling back"
    )
    ring_s: float = Field(
        default=30.0,
        gt=0,
        le=120,
        description="seconds that a supervisor's or an agent's phone rings when asked to by us",
    )


class ReconcileSettings(_Model):
    """The nightly comparison with Asterisk's own log."""

    queue_log: Path | None = Field(
        default=None, description="the PBX's queue_log, where this node can read it; unset: no job"
    )
    at: str = Field(
        default="03:10",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="local time of day, HH:MM, at which the day before is compared",
    )

    @property
    def at_minute(self) -> int:
        """The time as minutes since midnight."""
        hours, minutes = self.at.split(":")
        return int(hours) * 60 + int(minutes)


class RecordingSettings(_Model):
    """Recordings of both legs of every answered call.

    Off unless asked for: a recording of a patient is to be announced to the caller and to be
    answered for, and many a PBX keeps one already. Listening live needs none.
    """

    enabled: bool = Field(default=False, description="write both legs of answered calls to files")
    folder: Path | None = Field(
        default=None, description="where to; unset: recordings, in the node's data_dir"
    )
    retention_days: float = Field(
        default=90.0, gt=0, le=3660, description="days after which a file is deleted"
    )
    keep_free_mb: int = Field(
        default=1000,
        ge=0,
        description="nothing is recorded while less than so many MB are free: the store needs them",
    )


class TlsSettings(_Model):
    """How the PBX proves who it is."""

    ca_file: Path | None = Field(
        default=None, description="PEM file of the authority to trust; unset: the system's"
    )
    verify: bool = Field(
        default=True, description="check certificate and name; switch off only to find a fault"
    )
    server_name: str = Field(
        default="", description="name in the certificate, where it is not the host's"
    )


class PbxSettings(_Model):
    """One Asterisk."""

    system: str = Field(
        default="pbx", min_length=1, description="name of this PBX in records and metrics"
    )
    host: str = Field(default="127.0.0.1", description="where its manager interface (AMI) listens")
    port: int = Field(default=5038, ge=1, le=65535, description="port of the manager interface")
    username: str = Field(default="tingzhen", description="user in manager.conf")
    secret: SecretStr | None = Field(default=None, description="its secret")
    secret_file: Path | None = Field(
        default=None, description="file whose first line is the secret"
    )
    secret_env: str = Field(default="", description="environment variable that holds the secret")
    tls: TlsSettings | None = Field(
        default=None,
        description="speak TLS with the manager interface (manager.conf's tlsbindaddr)",
    )
    ring_cadence: Literal["cn", "de", "fr", "jp", "nl", "tw", "uk", "us"] = Field(
        default="cn", description="country whose ring tone counts the rings"
    )
    ring_cycle_s: float | None = Field(
        default=None, gt=0, description="seconds from ring to ring, where no country's cadence fits"
    )
    ping_period_s: float = Field(default=1.0, gt=0, description="seconds between Pings")
    dead_after_s: float = Field(
        default=2.0, gt=0, description="seconds of silence that mean a dead peer"
    )
    login_timeout_s: float = Field(default=5.0, gt=0, description="seconds to wait for a login")
    retry_first_s: float = Field(
        default=0.25, gt=0, description="first wait before connecting again"
    )
    retry_longest_s: float = Field(
        default=15.0, gt=0, description="longest wait before connecting again"
    )
    refused_retry_s: float = Field(default=30.0, gt=0, description="wait after a refused login")
    wrap_up_s: dict[str, float] = Field(
        default={},
        description="wrapuptime of each queue as in queues.conf, which the AMI does not tell",
    )
    missed_rings: int = Field(
        default=3, ge=1, le=1000, description="unanswered rings of an agent that a lead is told of"
    )
    missed_rings_days: float = Field(
        default=7.0, gt=0, le=366, description="days within which those rings count"
    )
    taps: Literal["ari", "chanspy", "off"] = Field(
        default="ari",
        description="how both legs of answered calls are heard: by ARI snoop, by AMI Originate "
        "with ChanSpy where there is no ARI, or not at all (true: ari, false: off)",
    )
    ari: AriSettings = Field(default_factory=AriSettings, description="the audio taps' control")
    transport: Literal["audiosocket", "websocket"] = Field(
        default="audiosocket",
        description="what the taps' audio comes by: Asterisk's AudioSocket, or chan_websocket",
    )
    audiosocket: AudioSocketSettings = Field(
        default_factory=AudioSocketSettings, description="where the taps' audio arrives"
    )
    websocket: WebSocketSettings = Field(
        default_factory=WebSocketSettings, description="the same for transport = websocket"
    )

    control: ControlSettings = Field(
        default_factory=ControlSettings, description="listening in, transfers, call-backs"
    )

    reconcile: ReconcileSettings = Field(
        default_factory=ReconcileSettings, description="the nightly comparison with queue_log"
    )

    @field_validator("taps", mode="before")
    @classmethod
    def _named_way(cls, value: object) -> object:
        return {True: "ari", False: "off"}.get(value, value) if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _dead_after_a_ping(self) -> PbxSettings:
        if self.dead_after_s <= self.ping_period_s:
            raise ValueError("dead_after_s must be longer than ping_period_s")
        return self

    @property
    def cycle_s(self) -> float:
        """One ring and its pause, in seconds."""
        return self.ring_cycle_s or RING_CYCLE_S[self.ring_cadence]

    def ami_secret(self) -> SecretStr:
        """The manager secret.

        Raises:
            ValueError: neither is set, or its file cannot be read.
        """
        return read_secret(
            self.secret,
            self.secret_file,
            f"AMI user {self.username!r}",
            secret_env=self.secret_env,
        )

    def ari_secret(self) -> SecretStr:
        """The ARI password; as `ami_secret`."""
        return read_secret(
            self.ari.secret,
            self.ari.secret_file,
            f"ARI user {self.ari.username!r}",
            secret_env=self.ari.secret_env,
        )
