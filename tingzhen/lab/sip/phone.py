"""A SIP user agent on one UDP port: transactions, registration, calls in and out."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

import structlog
from sipmessage import Request, Response

from tingzhen.lab.sip import sdp
from tingzhen.lab.sip.dialog import Dialog
from tingzhen.lab.sip.leg import FINAL, Leg
from tingzhen.lab.sip.messages import (
    build_response,
    new_tag,
    parse_datagram,
    sip_uri,
    tag_of,
    transaction_key,
)
from tingzhen.lab.sip.udp import UdpSocket

if TYPE_CHECKING:
    from collections.abc import Callable

    ResponseHandler = Callable[[Response | None, float], None]

log = structlog.get_logger(__name__)

T1, T2 = 0.5, 4.0
"""First and longest interval between repeats, seconds (RFC 3261 section 17.1.1.1)."""
TRANSACTION_SECONDS = 64 * T1
KEPT_RESPONSES = 2_000
"""Responses kept for repeated requests; the oldest go first."""
REGISTER_SECONDS = 3_600


class RegistrationError(RuntimeError):
    """Asterisk refused a registration or did not answer."""


class Phone:
    """Many users on one port; make it while a loop runs, and close it.

    Args:
        server: Asterisk's SIP host and port; everything is sent there.
        on_call: Called with each incoming leg, after which the leg is to be rung or refused.
        host: Our address.
        silent: The legs send no audio packets.
    """

    def __init__(
        self,
        server: tuple[str, int],
        on_call: Callable[[Leg], None] | None = None,
        *,
        host: str = "127.0.0.1",
        silent: bool = False,
    ) -> None:
        self.server = server
        self.silent = silent
        self._on_call = on_call
        self._udp = UdpSocket(self._received, host)
        self._loop = asyncio.get_running_loop()
        self._legs: dict[str, Leg] = {}
        self._awaited: dict[tuple[str, str], tuple[ResponseHandler | None, _Repeater]] = {}
        self._responses: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._repeaters: set[_Repeater] = set()
        self._registrations: dict[str, Dialog] = {}
        self.malformed = 0
        """Datagrams dropped because they were no sound SIP message."""

    @property
    def host(self) -> str:
        """Our address."""
        return self._udp.host

    @property
    def port(self) -> int:
        """Our port."""
        return self._udp.port

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The legs that have not ended."""
        return tuple(self._legs.values())

    def call(self, user: str, to: str, *, wide: bool = False) -> Leg:
        """Call an extension and return the leg at once; its events tell how it goes.

        Args:
            user: Our number (From).
            to: Extension or queue.
            wide: With a wideband phone, which speaks L16 at 16 kHz and nothing else.
        """
        dialog = Dialog(
            call_id=f"{secrets.token_hex(8)}@lab",
            local=sip_uri(user, *self.server),
            remote=sip_uri(to, *self.server),
            via=(self.host, self.port),
        )
        leg = Leg(self, dialog, user=user, incoming=False, wide=wide)
        self._legs[dialog.call_id] = leg
        leg.invite()
        return leg

    async def register(self, user: str, seconds: int = REGISTER_SECONDS) -> None:
        """Tell Asterisk that a user is reached here; 0 seconds takes it back.

        Raises:
            RegistrationError: It was refused or not answered.
        """
        dialog = self._registrations.get(user)
        if dialog is None:
            dialog = Dialog(
                call_id=f"{secrets.token_hex(8)}@lab",
                local=sip_uri(user, *self.server),
                remote=sip_uri(user, *self.server),
                via=(self.host, self.port),
            )
            dialog.target = sip_uri(None, *self.server)
            self._registrations[user] = dialog
        done: asyncio.Future[int] = self._loop.create_future()

        def answered(response: Response | None, _arrival: float) -> None:
            if not done.done() and (response is None or response.code >= FINAL):
                done.set_result(response.code if response else 408)

        self.request(dialog.request("REGISTER", headers={"Expires": str(seconds)}), answered)
        code = await done
        if code != 200:  # noqa: PLR2004 - OK
            raise RegistrationError(f"registering {user} was answered with {code}")

    def close(self) -> None:
        """End every leg and release the port. Safe to call again."""
        for leg in self.legs:
            leg.close()
        for repeater in tuple(self._repeaters):
            repeater.stop()
        self._udp.close()

    # -- for the legs ------------------------------------------------------------------------

    def send(self, message: Request | Response) -> None:
        """Send a message once."""
        self._udp.send(bytes(message), self.server)

    def request(self, request: Request, handler: ResponseHandler | None = None) -> None:
        """Send a request, repeated until it is answered.

        Args:
            request: What to send.
            handler: Called with each response and its arrival, or with None when none came.
        """
        key = transaction_key(request)

        def give_up() -> None:
            self._awaited.pop(key, None)
            if handler is not None:
                handler(None, time.time())

        self._awaited[key] = (handler, self._repeat(bytes(request), give_up))

    def respond(
        self, request: Request, response: Response, *, until_acknowledged: bool = False
    ) -> Callable[[], None] | None:
        """Answer a request and keep the answer for its repeats.

        Args:
            request: What is answered.
            response: The answer.
            until_acknowledged: Repeat it (a 200 to INVITE) until the returned function is called.
        """
        data = bytes(response)
        self._responses[transaction_key(request)] = data
        while len(self._responses) > KEPT_RESPONSES:
            self._responses.popitem(last=False)
        if until_acknowledged:
            return self._repeat(data, lambda: None).stop
        self._udp.send(data, self.server)
        return None

    def forget(self, leg: Leg) -> None:
        """Take an ended leg off the list."""
        self._legs.pop(leg.dialog.call_id, None)

    # -- what comes in -----------------------------------------------------------------------

    def _received(self, data: bytes, _sender: tuple[str, int], arrival: float) -> None:
        message = parse_datagram(data)
        if message is None:
            self.malformed += 1
        elif isinstance(message, Response):
            self._response(message, arrival)
        else:
            self._request(message, arrival)

    def _response(self, response: Response, arrival: float) -> None:
        key = transaction_key(response)
        handler, repeater = self._awaited.get(key, (None, None))
        if repeater is None:
            return
        repeater.stop()
        if handler is not None:
            handler(response, arrival)
        # A 200 to INVITE may come again when our ACK is lost, so that transaction stays known.
        if response.code >= 200 and response.cseq.method != "INVITE":  # noqa: PLR2004 - final
            self._awaited.pop(key, None)
        elif response.code >= 200:  # noqa: PLR2004 - final
            self._loop.call_later(TRANSACTION_SECONDS, self._awaited.pop, key, None)

    def _request(self, request: Request, arrival: float) -> None:
        kept = self._responses.get(transaction_key(request))
        if kept is not None and request.method != "ACK":
            self._udp.send(kept, self.server)
            return
        leg = self._legs.get(request.call_id)
        if leg is not None:
            if request.method != "INVITE" or tag_of(request.to_address) is not None:
                leg.received(request, arrival)
            return  # else: a repeat of the INVITE, before we answered anything
        if request.method == "INVITE" and tag_of(request.to_address) is None:
            self._incoming(request, arrival)
        elif request.method in {"OPTIONS", "NOTIFY"}:
            self._refuse(request, 200)
        elif request.method != "ACK":
            self._refuse(request, 481)

    def _incoming(self, invite: Request, arrival: float) -> None:
        if self._on_call is None:
            self._refuse(invite, 480)
            return
        dialog = Dialog.of_invite(invite, (self.host, self.port))
        leg = Leg(self, dialog, user=invite.uri.user or "", incoming=True)
        try:
            leg.offered(invite, arrival)
        except sdp.SdpError:
            leg.media.close()
            self._refuse(invite, 488)
            return
        self._legs[dialog.call_id] = leg
        self._on_call(leg)

    def _refuse(self, request: Request, code: int) -> None:
        self.respond(request, build_response(request, code, tag=new_tag()))

    def _repeat(self, data: bytes, give_up: Callable[[], None]) -> _Repeater:
        repeater = _Repeater(self._udp, self.server, data, give_up, self._repeaters)
        self._repeaters.add(repeater)
        return repeater


class _Repeater:
    """Sends a datagram now and again, at doubling intervals, until stopped or out of time."""

    def __init__(
        self,
        udp: UdpSocket,
        to: tuple[str, int],
        data: bytes,
        give_up: Callable[[], None],
        known: set[_Repeater],
    ) -> None:
        self._udp, self._to, self._data = udp, to, data
        self._loop = loop = asyncio.get_running_loop()
        self._give_up = give_up
        self._known = known
        self._interval = T1
        self._until = loop.time() + TRANSACTION_SECONDS
        udp.send(data, to)
        self._timer = loop.call_later(self._interval, self._again)

    def stop(self) -> None:
        self._timer.cancel()
        self._known.discard(self)

    def _again(self) -> None:
        if self._loop.time() >= self._until:
            self.stop()
            self._give_up()
            return
        self._udp.send(self._data, self._to)
        self._interval = min(2 * self._interval, T2)
        self._timer = self._loop.call_later(self._interval, self._again)
