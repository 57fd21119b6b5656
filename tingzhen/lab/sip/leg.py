"""One call leg of a phone: signalling, audio, and its own record of what happened when."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec
import structlog

from tingzhen.lab.sip import sdp
from tingzhen.lab.sip.dialog import Dialog, LegInput, LegState, next_state
from tingzhen.lab.sip.media import MediaStream
from tingzhen.lab.sip.messages import build_response, sip_uri

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipmessage import Request, Response

    from tingzhen.lab.sip.phone import Phone

log = structlog.get_logger(__name__)

FINAL = 200
REFUSAL = 300


class LegRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a party measured of its leg. Times are epoch seconds, None for what never was.

    Attributes:
        user: The phone's own number.
        incoming: Whether the phone was called.
        sip_call_id: Call-ID, unique.
        start: INVITE sent or received.
        ring: 180 sent or received.
        answer: 200 sent or received.
        end: BYE or CANCEL sent or received, or a refusal.
        ended_by: ``local`` or ``remote``.
        cause: bye, transferred, cancelled, refused with its code, timeout, or closed.
        sent_packets: RTP packets sent.
        heard_packets: RTP packets received.
        largest_gap_s: Longest time between two of them.
        play_started_at: When this party's audio began.
    """

    user: str
    incoming: bool
    sip_call_id: str
    start: float | None
    ring: float | None
    answer: float | None
    end: float | None
    ended_by: str
    cause: str
    sent_packets: int
    heard_packets: int
    largest_gap_s: float
    play_started_at: float | None


class Leg:
    """A leg; made by `Phone.call` or by an incoming INVITE."""

    def __init__(
        self, phone: Phone, dialog: Dialog, *, user: str, incoming: bool, wide: bool = False
    ) -> None:
        self.phone = phone
        self.dialog = dialog
        self.user = user
        self.incoming = incoming
        self.wide = wide
        """Whether we call with a wideband phone."""
        self.state = LegState.IDLE
        self.media = MediaStream(phone.host, silent=phone.silent)
        self.ringing = asyncio.Event()
        self.answered = asyncio.Event()
        self.ended = asyncio.Event()
        self.holding = asyncio.Event()
        """Set while the other side, by its own confirmation, is on hold."""
        self.start: float | None = None
        self.ring_at: float | None = None
        self.answer_at: float | None = None
        self.end_at: float | None = None
        self.ended_by = ""
        self.cause = ""
        self.transfer_status: asyncio.Future[int] | None = None
        self._invite: Request | None = None
        self._offer: sdp.Media | None = None
        self._session = int(time.time())
        self._version = 0
        self._direction = "sendrecv"
        self._stop_repeating: Callable[[], None] | None = None

    # -- what the phone's user does ----------------------------------------------------------

    def invite(self) -> None:
        """Place the call."""
        self._enter(LegInput.CALL)
        self._invite = self.dialog.request("INVITE", body=self._description())
        self.start = time.time()
        self.phone.request(self._invite, self._invite_answered)

    def ring(self) -> None:
        """Say that the phone rings (180)."""
        if self._enter(LegInput.RING) and self._invite is not None:
            self.ring_at = time.time()
            self.ringing.set()
            self.phone.respond(self._invite, self.dialog.response(self._invite, 180))

    def answer(self) -> None:
        """Lift the receiver (200)."""
        if self._invite is None or self._offer is None or not self._enter(LegInput.ANSWER):
            return
        mine = sdp.answer_to(self._offer, self.media.host, self.media.port)
        body = sdp.write(mine, self._session, self._version)
        response = self.dialog.response(self._invite, FINAL, body)
        self.media.connect(self._offer, sending=mine.sends)
        self.answer_at = time.time()
        self._stop_repeating = self.phone.respond(self._invite, response, until_acknowledged=True)
        self.answered.set()

    def reject(self, code: int = 486) -> None:
        """Refuse the call."""
        if self._invite is not None and self._enter(LegInput.REJECT):
            self.phone.respond(self._invite, self.dialog.response(self._invite, code))
            self._end("local", f"refused {code}")

    def hang_up(self, cause: str = "bye") -> None:
        """Lay the receiver down: BYE, or CANCEL while the other side has not answered."""
        if self._enter(LegInput.HANG_UP):
            self._end("local", cause)
            self.phone.request(self.dialog.request("BYE"))
        elif self._invite is not None and self._enter(LegInput.CANCEL):
            self.end_at = time.time()
            self.ended_by, self.cause = "local", "cancelled"
            self.phone.request(self.dialog.follow_up(self._invite, "CANCEL"))

    def hold(self) -> None:
        """Put the other side on hold (re-INVITE sendonly, and we send nothing)."""
        self._offer_direction("sendonly")

    def unhold(self) -> None:
        """Take the other side back."""
        self._offer_direction("sendrecv")

    def transfer(self, to: str, consulted: Leg | None = None) -> asyncio.Future[int]:
        """Transfer the other side (REFER), and return the future of the outcome's status code.

        On success it is the transferring side's part to hang up; 0 means that the leg ended first.

        Args:
            to: Extension to which it goes.
            consulted: The leg on which the agent asked before: makes it an attended transfer.
        """
        target = str(sip_uri(to, *self.phone.server))
        if consulted is not None:
            target += f"?Replaces={consulted.dialog.replaces()}"
        headers = {
            "Refer-To": f"<{target}>",
            "Referred-By": f"<{sip_uri(self.user, *self.phone.server)}>",
        }
        outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.transfer_status = outcome

        def answered(response: Response | None, _arrival: float) -> None:
            if (response is None or response.code >= REFUSAL) and not outcome.done():
                outcome.set_result(response.code if response else 408)

        self.phone.request(self.dialog.request("REFER", headers=headers), answered)
        return outcome

    def record(self) -> LegRecord:
        """Return what this party has measured so far."""
        return LegRecord(
            user=self.user,
            incoming=self.incoming,
            sip_call_id=self.dialog.call_id,
            start=self.start,
            ring=self.ring_at,
            answer=self.answer_at,
            end=self.end_at,
            ended_by=self.ended_by,
            cause=self.cause,
            sent_packets=self.media.sent_packets,
            heard_packets=self.media.heard_packets,
            largest_gap_s=round(self.media.largest_gap(), 4),
            play_started_at=self.media.play_started_at,
        )

    def close(self) -> None:
        """Release the leg whatever its state, saying goodbye where it is due."""
        self.hang_up()
        if self.state in {LegState.OFFERED, LegState.ALERTING}:
            self.reject(480)
        self._end("local", "closed")

    # -- what comes in -----------------------------------------------------------------------

    def offered(self, invite: Request, arrival: float) -> None:
        """Take the INVITE that made this leg."""
        self._enter(LegInput.OFFER)
        self._invite = invite
        self.start = arrival
        self._offer = sdp.read(invite.body)

    def received(self, request: Request, arrival: float) -> None:
        """Take a request of this leg's dialog."""
        if request.method == "ACK":
            if self._stop_repeating is not None:
                self._stop_repeating()
                self._stop_repeating = None
            self._enter(LegInput.CONFIRMED)
            return
        if request.method == "CANCEL":
            self._cancelled(request, arrival)
            return
        if not self.dialog.fresh(request):
            self.phone.respond(request, self.dialog.response(request, 500))
            return
        if request.method == "BYE":
            self.phone.respond(request, self.dialog.response(request, FINAL))
            self._enter(LegInput.REMOTE_HANG_UP)
            self._end("remote", "bye", arrival)
        elif request.method in {"INVITE", "UPDATE"}:
            self._reoffered(request)
        else:
            if request.method == "NOTIFY":
                self._notified(request)
            self.phone.respond(request, self.dialog.response(request, FINAL))

    def _cancelled(self, cancel: Request, arrival: float) -> None:
        self.phone.respond(cancel, build_response(cancel, FINAL, tag=self.dialog.local_tag))
        if self._invite is not None and self._enter(LegInput.CANCELLED):
            self.phone.respond(self._invite, self.dialog.response(self._invite, 487))
            self._end("remote", "cancelled", arrival)

    def _reoffered(self, request: Request) -> None:
        """Answer a re-INVITE or an UPDATE."""
        self.dialog.learn(request)
        body = b""
        if request.body:
            try:
                offer = sdp.read(request.body)
            except sdp.SdpError:
                self.phone.respond(request, self.dialog.response(request, 488))
                return
            self._version += 1
            mine = sdp.answer_to(offer, self.media.host, self.media.port)
            body = sdp.write(mine, self._session, self._version)
            self.media.connect(offer, sending=mine.sends)
        elif request.method == "INVITE":
            self._version += 1
            body = self._description()
        response = self.dialog.response(request, FINAL, body)
        stop = self.phone.respond(request, response, until_acknowledged=request.method == "INVITE")
        if request.method == "INVITE":
            self._stop_repeating = stop

    def _notified(self, request: Request) -> None:
        """Read the progress of our transfer: a status line as the body (RFC 3515)."""
        words = request.body.split(None, 2)
        outcome = self.transfer_status
        if outcome is None or outcome.done() or len(words) < 2:  # noqa: PLR2004 - protocol, code
            return
        if words[0] == b"SIP/2.0" and words[1].isdigit() and int(words[1]) >= FINAL:
            outcome.set_result(int(words[1]))

    def _invite_answered(self, response: Response | None, arrival: float) -> None:
        invite = self._invite
        if invite is None:
            return
        if response is None:
            if self._enter(LegInput.TIMED_OUT):
                self._end("remote", "timeout")
        elif response.code < FINAL:
            self._enter(LegInput.PROVISIONAL)
            self.dialog.accepted(response)
            if response.code == 180 and self.ring_at is None:  # noqa: PLR2004 - ringing
                self.ring_at = arrival
                self.ringing.set()
        elif response.code < REFUSAL:
            self.dialog.accepted(response)
            self.phone.send(self.dialog.acknowledgement(invite))
            taken_back = self.state is LegState.CANCELLING
            if self._enter(LegInput.ACCEPTED):
                self.answer_at = arrival
                self._connect(response)
                if taken_back:
                    self.hang_up()
                else:
                    self.answered.set()
        else:
            self.dialog.accepted(response)
            self.phone.send(self.dialog.follow_up(invite, "ACK"))
            if self._enter(LegInput.REFUSED):
                self._end("remote", f"refused {response.code}", arrival)

    def _offer_direction(self, direction: str) -> None:
        if self.state is not LegState.TALKING:
            return
        self._direction = direction
        self._version += 1
        reinvite = self.dialog.request("INVITE", body=self._description())

        def answered(response: Response | None, _arrival: float) -> None:
            if response is None or response.code < FINAL:
                return
            if response.code < REFUSAL:
                self.phone.send(self.dialog.acknowledgement(reinvite))
                self._connect(response)
                if direction == "sendonly":
                    self.holding.set()
                else:
                    self.holding.clear()
            else:
                self.phone.send(self.dialog.follow_up(reinvite, "ACK"))

        self.phone.request(reinvite, answered)

    def _connect(self, response: Response) -> None:
        try:
            remote = sdp.read(response.body)
        except sdp.SdpError:
            log.warning("answer_without_audio", call_id=self.dialog.call_id)
            self.hang_up()
            return
        self.media.connect(remote, sending=self._direction == "sendrecv")

    def _description(self) -> bytes:
        mine = sdp.Media(self.media.host, self.media.port, direction=self._direction)
        if self.wide:
            mine = msgspec.structs.replace(mine, payload=sdp.WIDE, rate=sdp.WIDE_RATE, events=None)
        return sdp.write(mine, self._session, self._version)

    def _enter(self, event: LegInput) -> bool:
        after = next_state(self.state, event)
        if after is None:
            return False
        self.state = after
        return True

    def _end(self, by: str, cause: str, at: float | None = None) -> None:
        if self.ended.is_set():
            return
        if self.end_at is None:
            self.end_at = at or time.time()
            self.ended_by, self.cause = by, cause
        self.state = LegState.ENDED
        if self._stop_repeating is not None:
            self._stop_repeating()
        if self.transfer_status is not None and not self.transfer_status.done():
            self.transfer_status.set_result(0)
        self.media.close()
        self.ended.set()
        self.phone.forget(self)
