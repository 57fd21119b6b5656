"""What can be set about the work around the calls."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from qa_engine.events import Severity

RegisterField = Literal[
    "age",
    "sex",
    "address",
    "channel",
    "topic",
    "need",
    "outcome",
    "first_contact_resolved",
    "follow_up_due",
]
"""What an agent may write down of a call."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no such time zone: {name}") from None
    return name


def _web_address(url: str) -> str:
    if url and not re.fullmatch(r"https?://[\w.:\[\]-]+(/[\w./-]*)?", url):
        raise ValueError("give an address as https://tingzhen.hospital.example")
    return url.rstrip("/")


class ChainStep(_Section):
    """Who hears of what nobody has taken care of."""

    users: tuple[str, ...] = Field((), description="User names.")
    roles: tuple[str, ...] = Field((), description="Everybody of these roles.")


class NotifySettings(_Section):
    """Pushes to telephones and watches."""

    public_url: Annotated[str, AfterValidator(_web_address)] = Field(
        "", description="Address of the console as phones reach it; unset: pushes carry no link."
    )
    schemes: tuple[str, ...] = Field(
        (
            "bark",
            "barks",
            "dingtalk",
            "feishu",
            "gotify",
            "gotifys",
            "lark",
            "mailto",
            "mailtos",
            "ntfy",
            "ntfys",
            "schan",
            "wecombot",
        ),
        description="Services that users may choose, by the scheme of their Apprise URL.",
    )
    web_push: bool = Field(
        False,
        description="Let users subscribe their browsers: pushes then go through push services of "
        "the browsers' makers, outside of the hospital.",
    )
    web_push_hosts: tuple[str, ...] = Field(
        (
            "fcm.googleapis.com",
            "notify.windows.com",
            "push.apple.com",
            "push.services.mozilla.com",
        ),
        description="Push services of browsers that may be reached, each with all below it.",
    )
    web_push_contact: Annotated[str, Field(pattern=r"^[a-z0-9._-]+@[a-z0-9.-]+\.[a-z]+$")] = Field(
        "tingzhen@hospital.example", description="Whom a push service may write to about us."
    )
    urgent_severities: tuple[Severity, ...] = Field(
        ("critical",), description="What quiet hours do not keep back."
    )
    urgent_kinds: tuple[str, ...] = Field(
        ("red_line", "medical_emergency", "self_harm_risk", "violence_threat"),
        description="The same, by the kind of alert.",
    )
    urgent_when_quiet: Literal["through", "escalate"] = Field(
        "through",
        description="An urgent alert in somebody's quiet hours: push it all the same, or to the "
        "next of the chain who is not quiet.",
    )
    chain: tuple[ChainStep, ...] = Field(
        (ChainStep(roles=("lead",)), ChainStep(roles=("manager",))),
        description="Whom each level of an escalation reaches; the last one stands for all higher.",
    )
    queue: int = Field(500, ge=1, description="Pushes kept waiting; the least severe go first.")
    workers: int = Field(4, ge=1, le=32, description="Pushes on their way at the same time.")
    attempts: int = Field(5, ge=1, le=20, description="How often one push is tried.")
    give_up_s: float = Field(120, gt=0, description="A push is not tried for longer than this.")
    keep_h: float = Field(
        1,
        gt=0,
        description="After a stop, what has waited for longer than this is not pushed any more.",
    )
    look_s: float = Field(
        5, gt=0, description="Seconds between looks for pushes that another node has left."
    )
    connect_timeout_s: float = Field(4, gt=0, le=30, description="To reach a service.")
    read_timeout_s: float = Field(8, gt=0, le=60, description="For its answer.")
    tests_per_minute: int = Field(5, ge=1, description="Trial pushes that one user may send.")


class RegisterSettings(_Section):
    """The record that an agent makes of each call."""

    required: tuple[RegisterField, ...] = Field(
        ("sex", "channel", "topic", "need", "outcome", "first_contact_resolved"),
        description="Fields without which a record is incomplete; follow_up_due is due only where "
        "the outcome asks for one.",
    )


class ComplaintSettings(_Section):
    """Red and yellow cards; hours run day and night."""

    red_answer_h: float = Field(2, gt=0, description="First answer to a red card, in hours.")
    red_close_h: float = Field(24, gt=0, description="End of a red card, in hours.")
    yellow_answer_h: float = Field(12, gt=0, description="First answer to a yellow card, in hours.")
    yellow_close_h: float | None = Field(
        None, gt=0, description="End of a yellow card, in hours; unset: no deadline."
    )
    watch_s: float = Field(30, gt=0, description="Seconds between looks at what is overdue.")


class InspectionSettings(_Section):
    """Scoring of calls by people."""

    inspectors: int = Field(2, ge=1, le=5, description="Who score one call, blind to each other.")
    most_calls: int = Field(500, ge=1, description="Calls that one draw may take.")
    appeal_days: float = Field(
        7, gt=0, description="How long an agent may appeal against a result, in days."
    )


class WorkSettings(_Section):
    """`[work]` in the configuration file."""

    zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "Asia/Shanghai", description="The hospital's time zone."
    )
    key_file: Path | None = Field(
        None,
        description="File with the key that encrypts push addresses; unset: `console.key` in "
        "data_dir, made at the first start. Nodes on one database need the same.",
    )
    seed_knowledge: bool = Field(
        False, description="Put our sample articles into an empty knowledge base."
    )
    notify: NotifySettings = NotifySettings()
    registers: RegisterSettings = RegisterSettings()
    complaints: ComplaintSettings = ComplaintSettings()
    inspections: InspectionSettings = InspectionSettings()
