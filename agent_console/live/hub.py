"""One browser's way from the bus to its websocket: bounded, numbered, let go when it stalls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent_console.live import wire
from agent_console.live.feed import LIVE_EVENTS
from agent_console.live.projector import LiveProjector
from agent_console.live.sight import Seen, Sight
from agent_console.once import Once
from agent_console.sessions import SessionStore
from agent_console.settings import ConsoleSettings
from agent_console.site import Site
from agent_console.viewer import Viewer
from backbone.bus import Bus, Subscription
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.events import Envelope
from qa_engine.events import Alert, AlertShown, ProvisionalAlert
from telephony.control.events import SupervisionChanged
from telephony.control.service import Control

_log = structlog.get_logger(__name__)

CLOSE_RESTART = 1012
CLOSE_TRY_AGAIN = 1013
CLOSE_LOGGED_OUT = 4401

_CLOSE_PATIENCE_S = 1.0
_CATCHING_UP_S = 30.0
"""An older alert goes to a page that was away: that tells nothing of how fast alerts are."""


class _LeaveError(Exception):
    """Ends one client's tasks; `reason` is what the counter says."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(slots=True, eq=False)
class _Client:
    viewer: Viewer
    sight: Sight
    websocket: WebSocket
    events: Subscription
    leave: asyncio.Future[_LeaveError]
    behind_since: float | None = None
    sending_since: float | None = None


class LiveHub:
    """All browsers that look at the live page.

    Counters: `console_clients_opened`, `console_clients_closed{reason}` (`left`, `stalled`,
    `behind`, `logged_out`, `changed`, `restart`), and the bus's own `bus_dropped` for
    `console_client`.
    """

    def __init__(
        self,
        settings: ConsoleSettings,
        bus: Bus,
        clock: Clock,
        counters: Counters,
        *,
        projector: LiveProjector,
        sessions: SessionStore,
        site: Site,
        control: Control,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._projector = projector
        self._sessions = sessions
        self._site = site
        self._control = control
        self._clients: set[_Client] = set()
        self._encode = wire.EventEncoder()
        self._encode_for_agents = wire.EventEncoder()
        self._shown = Once(10_000)
        self._closing = False

    @property
    def clients(self) -> int:
        """How many browsers are connected."""
        return len(self._clients)

    async def serve(
        self, websocket: WebSocket, viewer: Viewer, after: int | None, stream: str
    ) -> None:
        """Feed one accepted websocket until it goes or is let go.

        Args:
            websocket: the connection.
            viewer: whose it is; the connection ends with the session.
            after: the number of the last event that the page has; None: it has nothing.
            stream: the journal that this number is of, as an earlier hello said.
        """
        await self._projector.ready.wait()
        current = await self._projector.stream()
        if self._closing:
            await websocket.close(CLOSE_RESTART)
            return
        # No await from here to the subscription: what the snapshot lacks, the events bring.
        sight = Sight(viewer.role, viewer.scope)
        # What came into sight in between is not known from the events alone.
        resumed = not sight.narrow and self._can_resume(after, stream, current)
        begin = after if resumed and after is not None else self._projector.state.seq
        greeting = self._greeting(viewer, sight, current, begin, resumed=resumed)
        client = _Client(
            viewer,
            sight,
            websocket,
            self._bus.subscribe(
                "console_client", *LIVE_EVENTS, maxsize=self._settings.client_queue, after=begin
            ),
            asyncio.get_running_loop().create_future(),
        )
        self._clients.add(client)
        self._counters.add("console_clients_opened")
        ended = _LeaveError(CLOSE_RESTART, "restart")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(client, greeting))
                tasks.create_task(self._watch(client))
                tasks.create_task(_until_disconnect(client))
                tasks.create_task(_until_told_to_leave(client))
        except* _LeaveError as group:
            ended = _first(group)
        finally:
            client.events.close()
            self._clients.discard(client)
            self._counters.add("console_clients_closed", reason=ended.reason)
        if ended.reason != "left":
            _log.info("live_client_let_go", reason=ended.reason)
            await _close(websocket, ended)

    def close_session(self, session_id: str) -> None:
        """Let go all browsers of a session that has ended."""
        for client in self._clients:
            if client.viewer.session.id == session_id:
                _tell(client, _LeaveError(CLOSE_LOGGED_OUT, "logged_out"))

    def refresh_user(self, username: str) -> None:
        """Have a user's browsers come back, because what they may see has changed."""
        for client in self._clients:
            if client.viewer.username == username:
                _tell(client, _LeaveError(CLOSE_RESTART, "changed"))

    def refresh_team(self, team: str) -> None:
        """The same for everybody who has this team."""
        for client in self._clients:
            if team in client.viewer.user.teams:
                _tell(client, _LeaveError(CLOSE_RESTART, "changed"))

    def close_all(self) -> None:
        """Let everybody go, because the server stops."""
        self._closing = True
        for client in self._clients:
            _tell(client, _LeaveError(CLOSE_RESTART, "restart"))

    def _can_resume(self, after: int | None, stream: str, current: str) -> bool:
        if after is None:
            return False
        missed = self._bus.last_seq - after
        return stream == current and 0 <= missed <= self._settings.resume_limit

    def _greeting(
        self, viewer: Viewer, sight: Sight, stream: str, seq: int, *, resumed: bool
    ) -> str:
        self._projector.forget_stale()
        state = self._projector.state
        snapshot = sight.begin(state)
        fields: dict[str, Any] = {
            "user": {"username": viewer.username, "role": viewer.role},
            "time": self._clock.time(),
            "rate": self._clock.rate,
            "zone": self._site.metrics.time_zone,
            "escalation": self._escalation(),
            "listening": [
                {
                    "call_id": listens.call_id,
                    "mode": listens.mode,
                    "state": "listening" if listens.answered else "ringing",
                }
                for listens in self._control.sessions_of(viewer.username)
            ],
            "stream": stream,
            "seq": seq,
            "health": list(state.health.values()),
            "agents": list(filter(None, map(sight.agent, state.agents.values()))),
            "queues": list(filter(None, map(sight.queue, state.queues.values()))),
            # Partials have no number: even a page that resumes must be told how they stand.
            "speech": [
                {
                    "call_id": call.call_id,
                    "speaking": call.speaking,
                    "turns": [turn for turn in call.turns if not turn.final],
                }
                for call in snapshot.calls
                if call.state != "ended"
            ],
            "snapshot": None if resumed else msgspec.to_builtins(snapshot),
        }
        return wire.hello(fields, self._settings)

    def _escalation(self) -> list[dict[str, Any]]:
        """After how many seconds an alert goes up, and to which level."""
        escalation = self._site.escalation
        steps = escalation.steps if escalation.enabled else ()
        return [step.model_dump() for step in steps]

    async def _forward(self, client: _Client, envelope: Envelope) -> None:
        """Send an event as far as this client may see it."""
        of = envelope.event
        if isinstance(of, SupervisionChanged):
            if of.username == client.viewer.username:  # nobody else's business
                await self._send(client, self._encode(envelope))
            return
        seen, event = client.sight.judge(envelope)
        call_id = getattr(event, "call_id", "")
        match seen:
            case Seen.YES if event is envelope.event:
                await self._send(client, self._encode(envelope))
            case Seen.YES:
                await self._send(client, self._encode_for_agents(envelope, event))
            case Seen.APPEARS:
                await self._projector.reach(envelope.seq)
                state = self._projector.state
                call = state.calls.get(call_id)
                if call is not None:
                    client.sight.shown(call_id, state.seq)
                    alerts = client.sight.call_alerts(state, call_id)
                    await self._send(client, wire.call_shown(envelope.seq, call, alerts))
            case Seen.VANISHES:
                await self._send(client, wire.call_hidden(envelope.seq, call_id))
        if seen is Seen.YES and isinstance(of, Alert | ProvisionalAlert):
            self._tell_shown(of)

    def _tell_shown(self, alert: Alert | ProvisionalAlert) -> None:
        """Say once of an alert that a browser has been sent it."""
        now = self._clock.time()
        if now > alert.at + _CATCHING_UP_S or not self._shown.first(alert.alert_id):
            return
        self._bus.emit(
            AlertShown(
                at=now,
                alert_id=alert.alert_id,
                call_id=alert.call_id,
                provisional=isinstance(alert, ProvisionalAlert),
                end=alert.end if alert.evidence.segment_id else None,
            )
        )

    async def _pump(self, client: _Client, greeting: str) -> None:
        loop = asyncio.get_running_loop()
        await self._send(client, greeting)
        async for envelope in client.events:
            await self._forward(client, envelope)
            self._check_behind(client, loop.time())

    async def _watch(self, client: _Client) -> None:
        """Tell the browser the time now and then; let it go when it takes nothing.

        One look at the clock for all that is sent: a timer for each message was a seventh of the
        work.
        """
        loop = asyncio.get_running_loop()
        patience_s, beat_s = self._settings.send_timeout_s, self._settings.heartbeat_s
        pause_s = min(patience_s, beat_s) / 4
        next_beat = loop.time() + beat_s
        while True:
            await asyncio.sleep(pause_s)
            now = loop.time()
            since = client.sending_since
            if since is not None and now - since > patience_s:
                raise _LeaveError(CLOSE_TRY_AGAIN, "stalled")
            if now < next_beat:
                continue
            next_beat = now + beat_s
            if not self._sessions.alive(client.viewer.session.id):
                raise _LeaveError(CLOSE_LOGGED_OUT, "logged_out")
            if since is None:  # else it is being sent something, and would only wait for that
                await self._tell_time(client)

    async def _tell_time(self, client: _Client) -> None:
        try:
            async with asyncio.timeout(self._settings.send_timeout_s):
                await self._send(client, wire.time_message(self._clock.time()))
        except TimeoutError:
            raise _LeaveError(CLOSE_TRY_AGAIN, "stalled") from None

    async def _send(self, client: _Client, text: str) -> None:
        client.sending_since = asyncio.get_running_loop().time()
        try:
            await client.websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            # RuntimeError: Starlette's answer when its own close has been sent already.
            raise _LeaveError(0, "left") from None
        client.sending_since = None

    def _check_behind(self, client: _Client, now: float) -> None:
        if not client.events.behind:
            client.behind_since = None
        elif client.behind_since is None:
            client.behind_since = now
        elif now - client.behind_since > self._settings.behind_limit_s:
            raise _LeaveError(CLOSE_TRY_AGAIN, "behind")


async def _until_disconnect(client: _Client) -> None:
    # The page sends nothing that matters; reading tells when it goes.
    while (await client.websocket.receive())["type"] != "websocket.disconnect":
        pass
    raise _LeaveError(0, "left")


async def _until_told_to_leave(client: _Client) -> None:
    raise await client.leave


def _tell(client: _Client, leave: _LeaveError) -> None:
    if not client.leave.done():
        client.leave.set_result(leave)


def _first(group: BaseExceptionGroup[_LeaveError]) -> _LeaveError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, _LeaveError)  # noqa: S101 - the group holds nothing else
    return error


async def _close(websocket: WebSocket, leave: _LeaveError) -> None:
    # A stalled one cannot even take the close frame; the connection is aborted after this.
    try:
        async with asyncio.timeout(_CLOSE_PATIENCE_S):
            await websocket.close(leave.code, leave.reason)
    except (TimeoutError, RuntimeError, WebSocketDisconnect):
        _log.debug("live_close_unsent", reason=leave.reason)
