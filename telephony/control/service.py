"""Does what a supervisor asks for, if the role allows it, and writes down what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import structlog

from backbone.audit import AuditEntry
from backbone.ids import new_id
from telephony.ami.client import AmiError, AmiReply
from telephony.control import actions
from telephony.control.actions import AmiAction, ControlInputError, SpyMode
from telephony.control.locate import Parties, parties
from telephony.control.permissions import Action, permitted
from telephony.control.sessions import ChannelWatch, SpySession, SpySessions
from telephony.link import Talk
from telephony.settings import ControlSettings

if TYPE_CHECKING:
    from backbone.bus import Bus
    from backbone.clock import Clock
    from backbone.counters import Counters

_log = structlog.get_logger(__name__)

_REASONS = {
    "0": "no such phone or number, or refused",
    "1": "no answer",
    "3": "no answer",
    "5": "busy",
    "8": "not reachable",
}
"""OriginateResponse's Reason, a control frame's number."""


class ControlError(Exception):
    """It was not done; the text is fit for people."""


class NotPermittedError(ControlError):
    """The role does not allow it."""


class UnknownTargetError(ControlError):
    """There is no such PBX, call or session, or nobody talks in it now."""


class PbxRefusedError(ControlError):
    """Asterisk said no; the text is what it said."""


class PbxUnreachableError(ControlError):
    """There is no connection to the PBX, or it did not answer."""


class Pbx(Protocol):
    """What control needs of a PBX; `telephony.link.PbxLink` is one."""

    @property
    def system(self) -> str:
        """The PBX's name."""
        ...

    def talk(self, call_id: str) -> Talk | None:
        """Who talks in a call now."""
        ...

    def watch(self, watch: ChannelWatch) -> None:
        """Tell somebody when channels end."""
        ...

    async def send_action(
        self, name: str, *, timeout_s: float = 5.0, followed_by: str = "", **fields: str
    ) -> AmiReply:
        """Have Asterisk do something."""
        ...


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `extension` is the actor's own phone, as `PJSIP/1010`."""

    username: str
    role: str
    extension: str = ""


@dataclass(slots=True)
class _Deed:
    """What will be written down: filled while it is being done."""

    target: str
    system: str = ""
    call_id: str = ""
    done: bool = False
    answer: str = "interrupted before an answer came"


class Control:
    """Supervisors' actions on the PBXs of this node.

    Every method returns what Asterisk said and leaves one audit entry, whatever came of it.

    Raises from every method:
        NotPermittedError: the role does not allow it.
        ControlInputError: a value cannot be used.
        UnknownTargetError: no such PBX, call or session.
        PbxRefusedError: Asterisk said no.
        PbxUnreachableError: no connection, or no answer.
    """

    def __init__(self, bus: Bus, clock: Clock, counters: Counters) -> None:
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._pbxs: dict[str, tuple[Pbx, ControlSettings]] = {}
        self._sessions = SpySessions(bus, clock)

    def attach(self, pbx: Pbx, settings: ControlSettings) -> None:
        """Take a PBX under control."""
        self._pbxs[pbx.system] = (pbx, settings)
        pbx.watch(self._sessions)

    # Listening in

    def sessions_of(self, username: str) -> list[SpySession]:
        """What somebody's phone listens to, or rings for."""
        return self._sessions.of(username)

    async def spy(self, actor: Actor, call_id: str, mode: SpyMode) -> tuple[SpySession, str]:
        """Listen to a call, whisper to its agent, or join in; again to change the mode.

        A phone listens to one call: it is laid down where it listens to another.
        """
        async with self._deed(actor, mode, _Deed(target=call_id, call_id=call_id)) as deed:
            if not permitted(actor.role, "listen"):
                raise NotPermittedError(f"the role {actor.role} may not listen")
            session = self._sessions.get(actor.username, call_id)
            if session is not None and not session.answered:
                raise PbxRefusedError("your phone rings already: take it up")
            if session is not None:
                pbx, _ = self._pbx(session.system)
                deed.system, deed.target = session.system, session.channel
                try:
                    await self._say(pbx, actions.switch(session.channel, mode), deed)
                except PbxRefusedError:
                    # The phone was laid down in the meantime, or this Asterisk has no PlayDTMF
                    # (app_senddtmf is not loaded): begin anew, but never twice at once.
                    self._sessions.over(session)
                    await _send(pbx, actions.hangup(session.channel))
                else:
                    session = replace(session, mode=mode)
                    self._sessions.keep(session)
                    return session, deed.answer
            for other in self.sessions_of(actor.username):
                with suppress(ControlError):
                    await self.stop_spying(actor, other.call_id)
            return await self._begin_spying(actor, call_id, mode, deed), deed.answer

    async def _begin_spying(
        self, actor: Actor, call_id: str, mode: SpyMode, deed: _Deed
    ) -> SpySession:
        if not actor.extension:
            raise ControlInputError("set your own phone first, for example PJSIP/1010")
        pbx, settings, found = await self._parties(call_id)
        deed.system, deed.target = pbx.system, found.agent
        session_id = f"tingzhen-{new_id()}"
        action = actions.spy(
            found.agent_id,
            actor.extension,
            mode,
            session_id=session_id,
            ring_s=settings.ring_s,
        )
        session = SpySession(
            session_id, call_id, pbx.system, actor.username, session_id, mode, answered=False
        )
        self._sessions.keep(session)
        try:
            reply = await self._say(pbx, action, deed)
        except BaseException:
            self._sessions.over(session)
            raise
        if not self._sessions.holds(session):
            raise PbxRefusedError("the phone was laid down again")
        channel = reply.items[0].get("Channel") if reply.items else session_id
        session = replace(session, channel=channel, answered=True)
        self._sessions.keep(session)
        return session

    async def stop_spying(self, actor: Actor, call_id: str) -> str:
        """Lay down the supervisor's phone."""
        async with self._deed(
            actor, "stop_listening", _Deed(target=call_id, call_id=call_id)
        ) as deed:
            session = self._sessions.get(actor.username, call_id)
            if session is None:
                raise UnknownTargetError("you do not listen to this call")
            self._sessions.over(session)
            pbx, _ = self._pbx(session.system)
            deed.system, deed.target = session.system, session.channel
            await self._say(pbx, actions.hangup(session.channel), deed)
            return deed.answer

    # Calls

    async def hangup(self, actor: Actor, call_id: str) -> str:
        """End a call that an agent has taken."""
        async with self._deed(actor, "hangup", _Deed(target=call_id, call_id=call_id)) as deed:
            pbx, _, found = await self._parties(call_id)
            deed.system, deed.target = pbx.system, found.caller
            await self._say(pbx, actions.hangup(found.caller), deed)
            return deed.answer

    async def transfer(self, actor: Actor, call_id: str, to: str) -> str:
        """Hand the caller to an extension; the agent is free again."""
        async with self._deed(actor, "transfer", _Deed(target=call_id, call_id=call_id)) as deed:
            actions.number(to)
            deed.target = to
            pbx, settings, found = await self._parties(call_id)
            deed.system, deed.target = pbx.system, f"{found.caller} to {to}"
            await self._say(pbx, actions.transfer(found.agent, to, settings.transfer_context), deed)
            return deed.answer

    async def callback(self, actor: Actor, system: str, agent: str, to: str) -> str:
        """Ring an agent's phone and, once taken, call a number back."""
        async with self._deed(actor, "callback", _Deed(target="", system=system)) as deed:
            actions.phone(agent)
            actions.number(to)
            deed.target = f"{agent} to {to}"
            pbx, settings = self._pbx(system)
            deed.system = pbx.system
            await self._say(
                pbx,
                actions.callback(
                    agent,
                    to,
                    settings.callback_context,
                    call_id=f"tingzhen-{new_id()}",
                    ring_s=settings.ring_s,
                ),
                deed,
            )
            return deed.answer

    # Agents

    async def pause(
        self, actor: Actor, system: str, agent: str, reason: str, queue: str = ""
    ) -> str:
        """Offer an agent no more calls, and say why."""
        action = actions.pause
        return await self._member(
            actor,
            "pause",
            system,
            agent,
            lambda: action(agent, paused=True, reason=reason, queue=queue),
        )

    async def unpause(self, actor: Actor, system: str, agent: str, queue: str = "") -> str:
        """Offer an agent calls again."""
        action = actions.pause
        return await self._member(
            actor,
            "unpause",
            system,
            agent,
            lambda: action(agent, paused=False, reason="", queue=queue),
        )

    async def queue_login(
        self,
        actor: Actor,
        system: str,
        agent: str,
        queue: str,
        *,
        name: str = "",
        penalty: int = 0,
    ) -> str:
        """Make an agent a member of a queue."""
        return await self._member(
            actor,
            "queue_login",
            system,
            agent,
            lambda: actions.queue_login(agent, queue, name=name, penalty=penalty),
        )

    async def queue_logout(self, actor: Actor, system: str, agent: str, queue: str) -> str:
        """Take an agent out of a queue."""
        return await self._member(
            actor, "queue_logout", system, agent, lambda: actions.queue_logout(agent, queue)
        )

    async def _member(
        self,
        actor: Actor,
        action: Action,
        system: str,
        agent: str,
        make: Callable[[], AmiAction],
    ) -> str:
        async with self._deed(actor, action, _Deed(target="", system=system)) as deed:
            made = make()
            deed.target = " ".join(filter(None, (agent, made.fields.get("Queue"))))
            pbx, _ = self._pbx(system)
            deed.system = pbx.system
            await self._say(pbx, made, deed)
            return deed.answer

    # What all share

    @asynccontextmanager
    async def _deed(self, actor: Actor, action: Action, deed: _Deed) -> AsyncIterator[_Deed]:
        """Check the role, and write down what came of it, also when it was broken off."""
        try:
            if not permitted(actor.role, action):
                raise NotPermittedError(f"the role {actor.role} may not do this: {action}")
            yield deed
            deed.done = True
        except (ControlError, ControlInputError) as error:
            deed.answer = str(error)
            raise
        except AmiError as error:
            deed.answer = str(error)
            raise PbxUnreachableError(str(error)) from None
        finally:
            self._counters.add("control_actions", action=action, done=str(deed.done).lower())
            _log.info("control_action", action=action, role=actor.role, done=deed.done)
            entry = AuditEntry(
                at=self._clock.time(),
                entry_id=new_id(),
                who=actor.username,
                role=actor.role,
                action=action,
                system=deed.system,
                target=deed.target,
                call_id=deed.call_id,
                done=deed.done,
                answer=deed.answer,
            )
            # A request that is broken off has been done all the same.
            await asyncio.shield(self._bus.publish(entry))

    def _pbx(self, system: str) -> tuple[Pbx, ControlSettings]:
        if not system and len(self._pbxs) == 1:
            return next(iter(self._pbxs.values()))
        try:
            return self._pbxs[system]
        except KeyError:
            raise UnknownTargetError("this node is connected to no such PBX") from None

    async def _parties(self, call_id: str) -> tuple[Pbx, ControlSettings, Parties]:
        for pbx, settings in self._pbxs.values():
            talk = pbx.talk(call_id)
            if talk is None:
                continue
            reply = await pbx.send_action("CoreShowChannels")
            if not reply.ok:
                raise PbxRefusedError(reply.message)
            found = parties(reply.items, talk.caller_id, talk.agent)
            if found is not None:
                return pbx, settings, found
        raise UnknownTargetError("no agent talks in this call now")

    async def _say(self, pbx: Pbx, action: AmiAction, deed: _Deed) -> AmiReply:
        reply = await _send(pbx, action)
        deed.answer = reply.message or reply.response.response
        if not reply.ok:
            raise PbxRefusedError(deed.answer)
        for outcome in reply.items:
            if outcome.response.lower() != "success":
                reason = outcome.get("Reason")
                said = _REASONS.get(reason, f"reason {reason}")
                raise PbxRefusedError(f"{deed.answer}; {outcome.response}: {said}")
            deed.answer = f"{deed.answer}; answered"
        return reply


async def _send(pbx: Pbx, action: AmiAction) -> AmiReply:
    return await pbx.send_action(
        action.name,
        timeout_s=action.timeout_s,
        followed_by=action.followed_by,
        **action.fields,
    )
