"""Calls through the real Asterisk, and what both parties measured of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from tingzhen.lab import manager
from tingzhen.lab.asterisk import AsteriskInstance, LabError, start
from tingzhen.lab.scripts import (
    SILENCE,
    AgentScript,
    CallerScript,
    act_as_agent,
    act_as_caller,
    load,
)
from tingzhen.lab.sip.phone import Phone
from tingzhen.lab.truth import CallTruth, PlacedCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tingzhen.lab.addresses import LabAddresses
    from tingzhen.lab.configuration import LabSettings
    from tingzhen.lab.manager import Manager, Message
    from tingzhen.lab.sip.leg import Leg

log = structlog.get_logger(__name__)

MEMBER_FREE = "1"
"""A member's device state: registered and in no call (AST_DEVICE_NOT_INUSE)."""
DEFAULT_NUMBER = "19900000100"
_READY_SECONDS = 10.0
_NAMED_SECONDS = 5.0


@dataclass(frozen=True, eq=False)
class _Duty:
    """What an agent is to do, in which call (None: in any), and the audio for it."""

    call: PlacedCall | None
    script: AgentScript
    samples: NDArray[np.int16]


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
        self._connections = contextlib.AsyncExitStack()
        self.phone = Phone((addresses.sip_host, addresses.sip_port), self._rings, silent=silent)
        self._calls: dict[str, PlacedCall] = {}
        self._desks: defaultdict[str, list[_Duty]] = defaultdict(list)
        self._idle: dict[str, _Duty] = {}
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
            await asyncio.to_thread(instance.stop)

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
        async with contextlib.AsyncExitStack() as connections, asyncio.TaskGroup() as tasks:
            connection = await connections.enter_async_context(_admin(addresses))
            lab = cls(instance, addresses, connection, tasks, silent=silent)
            lab._connections = connections
            try:
                yield lab
            finally:
                await lab._close()

    async def reconnect(self) -> None:
        """Begin anew after Asterisk was restarted: log in, register, join the queues again.

        Raises:
            OSError: It is not reached.
            LabError: An agent does not become free.
        """
        self.manager = await self._connections.enter_async_context(_admin(self.addresses))
        self.manager.listen(self._heard)
        for agent in sorted(self._registered):
            await self.phone.register(agent)
        for (queue, agent), count in self._memberships.items():
            if count > 0:
                await self._add_member(queue, agent)

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
        # Read beforehand and beside the loop: no leg waits for a file, and one that cannot be read
        # is said before anybody is called.
        agents = agents or {}
        samples = await asyncio.to_thread(load, caller.audio, wide=caller.wide)
        scripts = {
            agent: (script, await asyncio.to_thread(load, script.audio))
            for agent, script in agents.items()
        }
        async with contextlib.AsyncExitStack() as members:
            for agent in agents:
                await members.enter_async_context(self.member(queue, agent))
            leg = self.phone.call(caller.number, caller.to, wide=caller.wide)
            placed = PlacedCall(caller, leg)
            self._calls[leg.dialog.call_id] = placed
            for agent, (script, spoken) in scripts.items():
                self._desks[agent].append(_Duty(placed, script, spoken))
            self._act(act_as_caller(leg, caller, placed.connected, samples), leg, placed)
            try:
                yield placed
            finally:
                del self._calls[leg.dialog.call_id]
                for agent in agents:
                    desk = self._desks[agent]
                    for entry in [entry for entry in desk if entry.call is placed]:
                        desk.remove(entry)

    async def finished(self, placed: PlacedCall) -> CallTruth:
        """Wait until every leg of a call has ended and return what was measured.

        Raises:
            LabError: A party could not play its script.
        """
        await placed.caller.ended.wait()
        for leg in placed.agents:
            await leg.ended.wait()
        if placed.caller.answer_at is not None:
            # Asterisk named the channel before it answered; only our reading may lag behind.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_NAMED_SECONDS):
                    await placed.named.wait()
        if placed.failure is not None:
            raise LabError("a party could not play its script") from placed.failure
        return placed.truth()

    def idle_script(self, agent: str, script: AgentScript) -> None:
        """Say what an agent does with calls that no placed call has spoken for (transfers)."""
        self._idle[agent] = _Duty(None, script, load(script.audio))

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
        duty = self._idle.get(leg.user, _Duty(None, AgentScript(answer=False), SILENCE))
        shown = self._call_of(leg)
        if desk:
            duty = next((duty for duty in desk if duty.call is shown), desk[0])
        served = shown or duty.call
        if served is not None:
            call = served
            call.agents.append(leg)

            def on_answer() -> None:
                call.answering = leg
                call.connected.set()
                if duty in desk:
                    desk.remove(duty)

        self._act(act_as_agent(leg, duty.script, on_answer, duty.samples), leg, served)

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
            call = self._calls.get(event["SipCallId"])
            if call is not None:
                call.uniqueid = event["Uniqueid"]
                call.named.set()

    async def _close(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2):
                for agent in sorted(self._registered):
                    await self.phone.register(agent, 0)
        self.phone.close()


def _admin(addresses: LabAddresses) -> contextlib.AbstractAsyncContextManager[Manager]:
    return manager.connect(
        addresses.ami_host,
        addresses.ami_port,
        addresses.ami_admin_user,
        addresses.ami_admin_secret,
    )
