"""Calls through the real Asterisk, and what both parties measured of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from tingzhen.lab import manager
from tingzhen.lab.asterisk import AsteriskInstance, LabError, start
from tingzhen.lab.scripts import AgentScript, CallerScript, act_as_agent, act_as_caller, load
from tingzhen.lab.sip.leg import Leg, LegRecord
from tingzhen.lab.sip.phone import Phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from pathlib import Path

    from tingzhen.lab.addresses import LabAddresses
    from tingzhen.lab.configuration import LabSettings
    from tingzhen.lab.manager import Manager, Message

log = structlog.get_logger(__name__)

MEMBER_FREE = "1"
"""A member's device state: registered and in no call (AST_DEVICE_NOT_INUSE)."""
DEFAULT_NUMBER = "19900000100"
_READY_SECONDS = 10.0


class CallTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What the parties themselves measured of a call. Seconds, and epoch seconds.

    Attributes:
        uniqueid: Asterisk's id of the caller's channel.
        queue: Queue that was dialled.
        caller: The caller's number.
        agent: Interface of the agent who answered, None when nobody did.
        outcome: answered, abandoned (the caller hung up waiting), or released (Asterisk ended the
            wait: timeout, empty queue).
        began: The caller's INVITE.
        joined_at: Asterisk answered the caller, who waits from here on.
        answered_at: The agent's 200.
        ended_at: The caller's BYE, sent or received.
        wait_s: From `joined_at` to `answered_at`, or to the end when nobody answered.
        ring_s: The answering agent's alerting time: its 180 to its 200.
        talk_s: From `answered_at` to the end of that agent's leg, or of the caller's if earlier.
        hangup_by: caller, agent, or pbx (also for whoever the call was transferred to).
        caller_leg: The caller's record.
        agent_legs: The records of every agent leg of this call, in order of start.
    """

    uniqueid: str
    queue: str
    caller: str
    agent: str | None
    outcome: str
    began: float
    joined_at: float | None
    answered_at: float | None
    ended_at: float
    wait_s: float | None
    ring_s: float | None
    talk_s: float | None
    hangup_by: str
    caller_leg: LegRecord
    agent_legs: tuple[LegRecord, ...]


class PlacedCall:
    """A call under way; made by `Lab.place`.

    Attributes:
        caller: The caller's leg.
        agents: The agents' legs, as they came to ring.
        answering: The leg of the agent who answered.
        failure: What went wrong in playing the script, None for nothing.
        connected: Set at the instant of an agent's answer.
    """

    def __init__(self, script: CallerScript, caller: Leg) -> None:
        self.script = script
        self.caller = caller
        self.agents: list[Leg] = []
        self.answering: Leg | None = None
        self.failure: Exception | None = None
        self.connected = asyncio.Event()
        self.uniqueid = ""

    def truth(self) -> CallTruth:
        """Return what was measured; all of it once the call is over."""
        caller = self.caller.record()
        answering = self.answering.record() if self.answering else None
        answered_at = answering.answer if answering else None
        began = caller.start or 0.0
        ended = caller.end or began
        return CallTruth(
            uniqueid=self.uniqueid,
            queue=self.script.to.partition("-")[0],
            caller=self.script.number,
            agent=f"PJSIP/{answering.user}" if answering else None,
            outcome=_outcome(caller, answering),
            began=began,
            joined_at=caller.answer,
            answered_at=answered_at,
            ended_at=ended,
            wait_s=_between(caller.answer, answered_at or caller.end),
            ring_s=_between(answering.ring, answering.answer) if answering else None,
            talk_s=_between(answered_at, min(ended, answering.end or ended)) if answering else None,
            hangup_by=_hangup_by(caller, answering),
            caller_leg=caller,
            agent_legs=tuple(leg.record() for leg in self.agents),
        )


class Lab:
    """A running Asterisk with its phones. Use `Lab.up`.

    Attributes:
        asterisk: The process, with its disturbances (kill, freeze, restart_now).
        addresses: Where everything is reached.
        phone: The SIP user agent of all agents and callers.
        manager: The manager connection of the user who may do everything.
    """

    def __init__(
        self,
        instance: AsteriskInstance | None,
        addresses: LabAddresses,
        connection: Manager,
        tasks: asyncio.TaskGroup,
        *,
        silent: bool,
    ) -> None:
        self.instance = instance
        self.addresses = addresses
        self.manager = connection
        self._tasks = tasks
        self.phone = Phone((addresses.sip_host, addresses.sip_port), self._rings, silent=silent)
        self._calls: dict[str, PlacedCall] = {}
        self._uniqueids: dict[str, str] = {}
        self._desks: defaultdict[str, deque[tuple[AgentScript, PlacedCall]]] = defaultdict(deque)
        self._free: dict[str, AgentScript] = {}
        self._registered: set[str] = set()
        self._memberships: Counter[tuple[str, str]] = Counter()
        connection.listen(self._heard)

    @property
    def asterisk(self) -> AsteriskInstance:
        """The process that this program started.

        Raises:
            LabError: The lab belongs to another program.
        """
        if self.instance is None:
            raise LabError("this lab was started by another program")
        return self.instance

    @classmethod
    @contextlib.asynccontextmanager
    async def up(
        cls,
        settings: LabSettings | None = None,
        *,
        home: Path | None = None,
        silent: bool = False,
    ) -> AsyncIterator[Lab]:
        """Start an Asterisk of one's own, and stop it at the end of the block.

        Args:
            settings: Number of agents, address of the media server, ports.
            home: The lab's folder.
            silent: The phones send no audio, for load.

        Raises:
            LabError: Asterisk does not start.
            InstallError: It is not installed and cannot be installed here.
        """
        instance = await start(settings, home=home)
        try:
            async with cls._connected(instance, instance.addresses, silent=silent) as lab:
                yield lab
        finally:
            instance.stop()

    @classmethod
    @contextlib.asynccontextmanager
    async def join(cls, addresses: LabAddresses, *, silent: bool = False) -> AsyncIterator[Lab]:
        """Use a lab that another program started.

        Raises:
            OSError: It is not reached.
        """
        async with cls._connected(None, addresses, silent=silent) as lab:
            yield lab

    @classmethod
    @contextlib.asynccontextmanager
    async def _connected(
        cls,
        instance: AsteriskInstance | None,
        addresses: LabAddresses,
        *,
        silent: bool,
    ) -> AsyncIterator[Lab]:
        async with (
            manager.connect(
                addresses.ami_host,
                addresses.ami_port,
                addresses.ami_admin_user,
                addresses.ami_admin_secret,
            ) as connection,
            asyncio.TaskGroup() as tasks,
        ):
            lab = cls(instance, addresses, connection, tasks, silent=silent)
            try:
                yield lab
            finally:
                await lab._close()

    async def call(
        self,
        queue: str,
        *,
        agent: str | None = "1001",
        ring_s: float = 2.0,
        talk_s: float | None = None,
        hangup_by: str = "caller",
        agent_wav: Path | None = None,
        customer_wav: Path | None = None,
        number: str = DEFAULT_NUMBER,
        give_up_after_s: float | None = None,
    ) -> CallTruth:
        """Place one call and return what the parties measured when it is over.

        Args:
            queue: Queue to dial.
            agent: Agent who answers, None for nobody.
            ring_s: How long that agent's phone rings, seconds.
            talk_s: Length of the talk; by default that of the audio, or 5 s without.
            hangup_by: caller or agent.
            agent_wav: What the agent's side plays from the answer on.
            customer_wav: What the caller's side plays from the same instant on.
            number: The caller's number.
            give_up_after_s: The caller hangs up after so much waiting.
        """
        if talk_s is None:
            longest = max(len(load(agent_wav)), len(load(customer_wav)))
            talk_s = longest / 8_000 + 0.25 if longest else 5.0
        by_agent = hangup_by == "agent"
        caller = CallerScript(
            to=queue,
            number=number,
            audio=customer_wav,
            hang_up_after_s=None if by_agent else talk_s,
            give_up_after_s=give_up_after_s,
        )
        script = AgentScript(
            ring_s=ring_s, audio=agent_wav, hang_up_after_s=talk_s if by_agent else None
        )
        async with self.place(caller, {agent: script} if agent else {}) as placed:
            await self.finished(placed)
        return placed.truth()

    @contextlib.asynccontextmanager
    async def place(
        self, caller: CallerScript, agents: dict[str, AgentScript] | None = None
    ) -> AsyncIterator[PlacedCall]:
        """Place a call and hand it over while it goes on; the block's end does not end it.

        Args:
            caller: What the caller does.
            agents: What each agent does when this call rings there. They are members of the queue
                for the length of the block.

        Raises:
            ValueError: An audio file cannot be read.
            OSError: An audio file is not there.
            LabError: An agent does not become free.
        """
        queue = caller.to.partition("-")[0]
        for audio in [caller.audio, *(script.audio for script in (agents or {}).values())]:
            load(audio)  # a file that cannot be read is said before anybody is called
        async with contextlib.AsyncExitStack() as members:
            for agent in agents or {}:
                await members.enter_async_context(self.member(queue, agent))
            leg = self.phone.call(caller.number, caller.to)
            placed = PlacedCall(caller, leg)
            self._calls[leg.dialog.call_id] = placed
            for agent, script in (agents or {}).items():
                self._desks[agent].append((script, placed))
            self._act(act_as_caller(leg, caller, placed.connected), leg, placed)
            try:
                yield placed
            finally:
                placed.uniqueid = self._uniqueids.get(leg.dialog.call_id, "")
                del self._calls[leg.dialog.call_id]
                for agent in agents or {}:
                    desk = self._desks[agent]
                    for entry in [entry for entry in desk if entry[1] is placed]:
                        desk.remove(entry)

    async def finished(self, placed: PlacedCall) -> CallTruth:
        """Wait until every leg of a call has ended and return what was measured.

        Raises:
            LabError: A party could not play its script.
        """
        await placed.caller.ended.wait()
        for leg in placed.agents:
            await leg.ended.wait()
        placed.uniqueid = self._uniqueids.get(placed.caller.dialog.call_id, "")
        if placed.failure is not None:
            raise LabError("a party could not play its script") from placed.failure
        return placed.truth()

    def idle_script(self, agent: str, script: AgentScript) -> None:
        """Say what an agent does with calls that no placed call has spoken for (transfers)."""
        self._free[agent] = script

    @contextlib.asynccontextmanager
    async def member(self, queue: str, agent: str) -> AsyncIterator[None]:
        """Have an agent, registered and free, be a member of a queue for the length of the block.

        Raises:
            LabError: The agent does not become free.
        """
        await self.register(agent)
        key = (queue, agent)
        self._memberships[key] += 1
        try:
            if self._memberships[key] == 1:
                await self._add_member(queue, agent)
            yield
        finally:
            self._memberships[key] -= 1
            if not self._memberships[key]:
                with contextlib.suppress(manager.ManagerError):  # Asterisk may be gone by now
                    await self.manager.action(
                        "QueueRemove", Queue=queue, Interface=f"PJSIP/{agent}"
                    )

    async def register(self, agent: str) -> None:
        """Register an agent's phone, once."""
        if agent not in self._registered:
            self._registered.add(agent)
            await self.phone.register(agent)

    async def _add_member(self, queue: str, agent: str) -> None:
        interface = f"PJSIP/{agent}"
        ready = asyncio.Event()

        def heard(event: Message) -> None:
            if (
                event.get("Queue") == queue
                and event.get("Interface", event.get("Location")) == interface
                and event.get("Status") == MEMBER_FREE
            ):
                ready.set()

        self.manager.listen(heard)
        try:
            await self.manager.action("QueueAdd", Queue=queue, Interface=interface)
            # The event may have come before QueueAdd's own reply, hence the question too.
            for entry in await self.manager.entries("QueueStatus", Queue=queue):
                heard(entry)
            async with asyncio.timeout(_READY_SECONDS):
                await ready.wait()
        except TimeoutError:
            raise LabError(f"{interface} is not registered and free") from None
        finally:
            self.manager.unlisten(heard)

    def _rings(self, leg: Leg) -> None:
        """Find what the agent is to do with a call that comes in."""
        desk = self._desks[leg.user]
        on_answer: Callable[[], None] | None = None
        script = self._free.get(leg.user, AgentScript(answer=False))
        placed = self._call_of(leg)
        if desk:
            entry = next((entry for entry in desk if entry[1] is placed), desk[0])
            script, placed = entry[0], placed or entry[1]
            served = placed
            served.agents.append(leg)

            def on_answer() -> None:
                served.answering = leg
                served.connected.set()
                if entry in desk:
                    desk.remove(entry)

        self._act(act_as_agent(leg, script, on_answer), leg, placed)

    def _act(self, acting: Coroutine[Any, Any, None], leg: Leg, placed: PlacedCall | None) -> None:
        """Have a party play its script; a failure ends this call and no other."""

        async def guarded() -> None:
            try:
                await acting
            except Exception as error:
                log.exception("script_failed", sip_call_id=leg.dialog.call_id)
                leg.close()
                if placed is not None:
                    placed.failure = error

        self._tasks.create_task(guarded())

    def _call_of(self, leg: Leg) -> PlacedCall | None:
        """Return the waiting call whose number an agent's phone shows, if it is the only one."""
        found = [
            placed
            for placed in self._calls.values()
            if placed.script.number == leg.dialog.remote.user
            and placed.answering is None
            and not placed.caller.ended.is_set()
        ]
        return found[0] if len(found) == 1 else None

    def _heard(self, event: Message) -> None:
        if event.get("Event") == "UserEvent" and event.get("UserEvent") == "LabVisit":
            self._uniqueids[event["SipCallId"]] = event["Uniqueid"]

    async def _close(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2):
                for agent in sorted(self._registered):
                    await self.phone.register(agent, 0)
        self.phone.close()


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start


def _outcome(caller: LegRecord, answering: LegRecord | None) -> str:
    if answering is not None:
        return "answered"
    return "abandoned" if caller.ended_by == "local" else "released"


def _hangup_by(caller: LegRecord, answering: LegRecord | None) -> str:
    if caller.ended_by == "local":
        return "caller"
    if answering is not None and answering.ended_by == "local" and answering.cause == "bye":
        return "agent"
    return "pbx"


def busiest(truths: Sequence[CallTruth]) -> int:
    """Return how many answered calls went on at the same time at most."""
    edges = [(t.answered_at, 1) for t in truths if t.answered_at is not None]
    edges += [(t.ended_at, -1) for t in truths if t.answered_at is not None]
    count = most = 0
    for _, change in sorted(edges):
        count += change
        most = max(most, count)
    return most
