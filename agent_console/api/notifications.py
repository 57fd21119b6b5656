"""Where one's own pushes go, and when not. Addresses come in and never go out again."""

from __future__ import annotations

import asyncio
from datetime import time
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints, model_validator
from sqlalchemy import Connection

from agent_console.access import Context, Who
from agent_console.api.writing import Asked, Name, entry, keep, read, write
from agent_console.context import ConsoleContext
from agent_console.problems import Problem
from agent_console.work.notify import store
from agent_console.work.notify.plan import Facts, Message, QuietHours
from agent_console.work.notify.push import MOST_CHARACTERS, AddressError
from agent_console.work.notify.store import (
    MOST_TARGETS,
    NewTarget,
    StoredTarget,
    TooManyTargetsError,
    UnknownTargetError,
)
from agent_console.work.notify.webpush import GoneError, Subscription, public_key
from qa_engine.events import Severity

router = APIRouter(prefix="/me/notifications", tags=["notifications"])

Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
_TRIAL = Message(
    "听诊 试推送 · Tingzhen trial",
    "推送已接通。\nPushes from the console reach this device.",
    Facts("trial", "", "trial", "info"),
)


class TargetBody(Asked):
    """One Apprise URL, or a browser's subscription; with a `target_id` and neither, a known one."""

    target_id: str = Field("", max_length=64)
    name: Name = ""
    url: str = Field("", max_length=MOST_CHARACTERS)
    web_push: Subscription | None = None
    severities: tuple[Severity, ...] = Field(("high", "critical"), max_length=5)

    @model_validator(mode="after")
    def _has_an_address(self) -> TargetBody:
        if self.url and self.web_push is not None:
            raise ValueError("give either url or web_push")
        if not (self.target_id or self.address()):
            raise ValueError("give the url of a new target")
        return self

    def address(self) -> str:
        """What is kept; empty where what is known stays."""
        return self.url if self.web_push is None else self.web_push.address()


class Hours(Asked):
    """From one time of the day until another, as HH:MM in the hospital's zone."""

    start: Clock
    end: Clock


class Preferences(Asked):
    """All of one's targets, and when one wants to be left alone."""

    targets: tuple[TargetBody, ...] = Field((), max_length=MOST_TARGETS)
    quiet: Hours | None = None


class PreferencesView(Asked):
    """The same as it is kept.

    `schemes` are the services that may be chosen here, `web_push_key` is what a browser subscribes
    with; it is empty where browsers may not.
    """

    targets: list[StoredTarget]
    quiet: Hours | None
    zone: str
    schemes: list[str]
    web_push_key: str


class Browser(Asked):
    """A browser that wants pushes, by its own subscription."""

    name: Name = ""
    subscription: Subscription


class Subscribed(Asked):
    """Which target a browser is."""

    target_id: str


class Trial(Asked):
    """Whether a target took the trial push."""

    target_id: str
    taken: bool


@router.get("")
async def get_notifications(who: Who, context: Context) -> PreferencesView:
    """Tell where my pushes go, without the addresses."""
    return await read(context, lambda c: _view(context, c, who.username))


@router.put("")
async def put_notifications(who: Who, context: Context, body: Preferences) -> PreferencesView:
    """Say anew where my pushes go."""
    sender = context.desk.sender
    new = []
    for target in body.targets:
        try:
            # Apprise loads a service's code when it is first used.
            address = target.address()
            scheme = await asyncio.to_thread(sender.check, address) if address else ""
        except AddressError as error:
            raise Problem(422, "bad_address", f"{target.name or 'url'}: {error}") from None
        severities = tuple(dict.fromkeys(target.severities))
        new.append(NewTarget(target.target_id, target.name, scheme, address, severities))
    if len({target.target_id for target in new if target.target_id}) < sum(
        bool(target.target_id) for target in new
    ):
        raise Problem(422, "invalid_request", "A target is named twice.")
    quiet = (
        None
        if body.quiet is None
        else QuietHours(time.fromisoformat(body.quiet.start), time.fromisoformat(body.quiet.end))
    )

    def put(connection: Connection) -> PreferencesView:
        store.replace(
            connection,
            context.desk.keyring,
            who.username,
            new,
            quiet,
            now=context.clock.time(),
        )
        return _view(context, connection, who.username)

    try:
        async with context.desk.writing:
            view = await write(context, put)
    except UnknownTargetError:
        raise Problem(404, "not_found", "There is no such target of yours.") from None
    said = f"{len(view.targets)} targets"
    await keep(context, entry(context, who, "notifications", who.username, said))
    return view


@router.post("/browser")
async def subscribe(who: Who, context: Context, body: Browser) -> Subscribed:
    """Push to this browser from now on; the same browser again changes nothing."""
    try:
        await asyncio.to_thread(context.desk.sender.check, body.subscription.address())
    except AddressError as error:
        raise Problem(422, "bad_address", str(error)) from None
    now = context.clock.time()

    def add(connection: Connection) -> str:
        return store.subscribe(
            connection,
            context.desk.keyring,
            who.username,
            body.name,
            body.subscription,
            now=now,
        )

    try:
        async with context.desk.writing:
            target_id = await write(context, add)
    except TooManyTargetsError:
        raise Problem(409, "too_many_targets", f"One has at most {MOST_TARGETS}.") from None
    await keep(context, entry(context, who, "notifications", who.username, "browser added"))
    return Subscribed(target_id=target_id)


@router.delete("/{target_id}", status_code=204)
async def remove_target(
    who: Who, context: Context, target_id: Annotated[str, Path(max_length=64)]
) -> None:
    """Push to one of my targets no more."""
    async with context.desk.writing:
        known = await write(context, lambda c: store.forget(c, target_id, who.username))
    if not known:
        raise Problem(404, "not_found", "There is no such target of yours.")
    await keep(context, entry(context, who, "notifications", who.username, "target removed"))


@router.post("/test")
async def try_notifications(who: Who, context: Context) -> list[Trial]:
    """Push a trial to each of my targets, once, and tell which took it."""
    wait = context.desk.trials.attempt(who.username)
    if wait:
        raise Problem(
            429,
            "too_many_trials",
            f"Try again in {wait:.0f} seconds.",
            {"Retry-After": str(max(1, round(wait)))},
        )

    def addresses(connection: Connection) -> list[tuple[str, str]]:
        found = []
        for target in store.targets_of(connection, who.username):
            known = store.address(connection, context.desk.keyring, target.target_id)
            found.append((target.target_id, "" if known is None else known[1]))
        return found

    targets = await read(context, addresses)
    taken = await asyncio.gather(*(_try(context, *target) for target in targets))
    return [
        Trial(target_id=target_id, taken=ok)
        for (target_id, _), ok in zip(targets, taken, strict=True)
    ]


async def _try(context: ConsoleContext, target_id: str, url: str) -> bool:
    try:
        return await asyncio.to_thread(context.desk.sender.send, url, _TRIAL)
    except GoneError:
        await write(context, lambda c: store.forget(c, target_id))
        return False
    except Exception:  # noqa: BLE001 - a hundred services' code; what it says may hold the address
        return False


def _view(context: ConsoleContext, connection: Connection, username: str) -> PreferencesView:
    settings = context.desk.settings
    quiet = store.quiet_of(connection, username)
    return PreferencesView(
        targets=store.targets_of(connection, username),
        quiet=(
            None if quiet is None else Hours(start=f"{quiet.start:%H:%M}", end=f"{quiet.end:%H:%M}")
        ),
        zone=settings.zone,
        schemes=sorted(settings.notify.schemes),
        web_push_key=public_key(context.desk.keyring) if settings.notify.web_push else "",
    )
