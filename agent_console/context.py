"""What the routes share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine
from starlette.types import ASGIApp

from agent_console.floor import Today
from agent_console.history.sound import Sound
from agent_console.live.hub import LiveHub
from agent_console.live.projector import LiveProjector
from agent_console.oidc import OidcClient
from agent_console.once import Once
from agent_console.reporting import ReportMaker
from agent_console.sessions import OneTimeTokens, Session, SessionStore
from agent_console.settings import ConsoleSettings
from agent_console.site import Site
from agent_console.throttle import Throttle
from agent_console.work.desk import Desk
from agent_console.work.settings import WorkSettings
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from telephony.control.service import Control

_PLAYED = 2000
_HASHES_AT_ONCE = 2  # each takes 64 MiB


@dataclass(slots=True)
class ConsoleContext:
    """One console's parts. Make it with `build`."""

    settings: ConsoleSettings
    bus: Bus
    clock: Clock
    counters: Counters
    engine: Engine
    metrics_app: ASGIApp | None
    control: Control
    sessions: SessionStore
    tickets: OneTimeTokens[Session]
    user_throttle: Throttle
    address_throttle: Throttle
    projector: LiveProjector
    hub: LiveHub
    desk: Desk
    site: Site
    sound: Sound | None
    today: Today
    oidc: OidcClient | None
    reports: ReportMaker
    played: Once = field(default_factory=lambda: Once(_PLAYED))
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_HASHES_AT_ONCE))
    acknowledging: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def build(
        cls,
        settings: ConsoleSettings,
        bus: Bus,
        clock: Clock,
        counters: Counters,
        engine: Engine,
        *,
        metrics_app: ASGIApp | None = None,
        control: Control | None = None,
        desk: Desk | None = None,
        site: Site | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> ConsoleContext:
        """Put the parts together.

        `monotonic` is what sessions, tickets and the login limit are measured with: a demo that
        runs fast must not log people out fast.
        """
        site = site or Site()
        sessions = SessionStore(settings.session_hours * 3600, monotonic)
        projector = LiveProjector(settings, bus, clock, engine)
        # Without PBXs on this node it knows none, and says so.
        control = control or Control(bus, clock, counters)
        return cls(
            settings=settings,
            bus=bus,
            clock=clock,
            counters=counters,
            engine=engine,
            metrics_app=metrics_app,
            control=control,
            sessions=sessions,
            tickets=OneTimeTokens(settings.ticket_s, monotonic),
            user_throttle=Throttle(settings.login_failures, settings.login_window_s, monotonic),
            # A whole office may come from one address, so it may fail more often than one user.
            address_throttle=Throttle(
                settings.login_failures * 10, settings.login_window_s, monotonic
            ),
            projector=projector,
            hub=LiveHub(
                settings,
                bus,
                clock,
                counters,
                projector=projector,
                sessions=sessions,
                site=site,
                control=control,
            ),
            desk=desk or Desk.build(WorkSettings(), bus, clock, monotonic=monotonic),
            site=site,
            sound=Sound(site.recordings) if site.recordings is not None else None,
            reports=ReportMaker(site.metrics, engine.url, clock, counters),
            oidc=OidcClient(settings.oidc, monotonic) if settings.oidc is not None else None,
            today=Today(engine, clock, site.metrics),
        )

    def close_sessions(self, username: str, *, but: str = "") -> None:
        """End a user's sessions in this process, and their websockets; `but` is one that stays."""
        for session_id in self.sessions.close_user(username, but=but):
            self.hub.close_session(session_id)
