"""What a site can set about its numbers."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from metrics import targets
from metrics.periods import is_zone
from metrics.tally import Conventions


class FirstContactSettings(BaseModel):
    """First-contact resolution by repeat calls."""

    model_config = ConfigDict(extra="forbid")

    window_days: tuple[int, ...] = Field(
        default=(1, 7), description="Repeat-call windows W, in days; each gives its own gauges."
    )
    period_days: int = Field(default=7, ge=1, description="How many days of calls are judged.")
    refresh_s: float = Field(
        default=60.0, gt=0, description="Seconds between two readings of the call store."
    )
    shared_numbers: frozenset[str] = Field(
        default=frozenset(),
        description="Numbers behind which several people sit (switchboards); they are left out.",
    )


class MetricsSettings(BaseModel):
    """The /metrics page and what stands on it."""

    model_config = ConfigDict(extra="forbid")

    queues: tuple[str, ...] = Field(
        default=(),
        description="Queues shown from the start with zero calls; others appear with their first.",
    )
    max_queues: int = Field(
        default=50, ge=1, description="Queues with their own label; further ones are `other`."
    )
    time_zone: str = Field(
        default="Asia/Shanghai",
        description="IANA name of the zone whose days, weeks and months the numbers go by.",
    )
    service_level_s: float = Field(
        default=targets.ANSWER_SPEED_S,
        gt=0,
        description="Wait that a service level is measured at, in seconds.",
    )
    ring_limit: int = Field(
        default=targets.RING_LIMIT, ge=1, description="Rings within which an agent should answer."
    )
    short_abandon_s: float = Field(
        default=0.0, ge=0, description="Abandons that waited less than this are not offered calls."
    )
    callback_hours: float = Field(
        default=24.0,
        gt=0,
        description="Within so many hours after an unanswered call a call to its number counts as "
        "calling back.",
    )
    repeat_days: float = Field(
        default=7.0,
        gt=0,
        description="Window W, in days, of repeat calls and first-contact resolution in the KPIs "
        "of a period.",
    )
    day_refresh_s: float = Field(
        default=15.0, gt=0, description="Seconds between two readings of today's totals."
    )
    certificates: tuple[Path, ...] = Field(
        default=(), description="PEM files whose end is watched: the proxy's, the PBX's."
    )
    first_contact: FirstContactSettings = Field(
        default_factory=FirstContactSettings, description="First-contact resolution."
    )
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="Who may read /metrics without a token. A request that a proxy has forwarded "
        "always needs the token.",
    )
    token: SecretStr | None = Field(
        default=None, description="Bearer token that opens /metrics from anywhere."
    )
    token_file: Path | None = Field(
        default=None, description="File that holds the token (a mounted secret) instead."
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if not is_zone(name):
            raise ValueError("no such time zone; an example is Asia/Shanghai")
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The zone that `time_zone` names."""
        return ZoneInfo(self.time_zone)

    @property
    def conventions(self) -> Conventions:
        """What visits are counted by."""
        return Conventions(
            service_level_s=self.service_level_s,
            ring_limit=self.ring_limit,
            short_abandon_s=self.short_abandon_s,
        )
