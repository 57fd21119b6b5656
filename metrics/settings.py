"""What a site can set about its numbers."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from metrics import targets


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
    ring_limit: int = Field(
        default=targets.RING_LIMIT, ge=1, description="Rings within which an agent should answer."
    )
    short_abandon_s: float = Field(
        default=0.0, ge=0, description="Abandons that waited less than this are not offered calls."
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
