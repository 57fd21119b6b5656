"""A call leg's life as a table, and the counters and tags of its dialog. Pure."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING
from urllib.parse import quote

from tingzhen.lab.sip.messages import build_request, build_response, new_tag, tag_of, tagged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sipmessage import URI, Request, Response


class LegState(enum.Enum):
    """Where a leg is in its life."""

    IDLE = enum.auto()
    INVITING = enum.auto()
    """We called; nothing has come back."""
    EARLY = enum.auto()
    """We called; the other side is working on it or ringing."""
    CANCELLING = enum.auto()
    """We called and took it back."""
    OFFERED = enum.auto()
    """We are called; we have not rung yet."""
    ALERTING = enum.auto()
    """We are called and ring."""
    ANSWERED = enum.auto()
    """We answered; the other side has not confirmed yet."""
    TALKING = enum.auto()
    ENDED = enum.auto()


class LegInput(enum.Enum):
    """What moves a leg: what we do, and what the other side does."""

    CALL = enum.auto()
    OFFER = enum.auto()
    PROVISIONAL = enum.auto()
    ACCEPTED = enum.auto()
    REFUSED = enum.auto()
    CANCEL = enum.auto()
    CANCELLED = enum.auto()
    RING = enum.auto()
    ANSWER = enum.auto()
    CONFIRMED = enum.auto()
    REJECT = enum.auto()
    HANG_UP = enum.auto()
    REMOTE_HANG_UP = enum.auto()
    TIMED_OUT = enum.auto()


_S, _I = LegState, LegInput
TRANSITIONS: Mapping[tuple[LegState, LegInput], LegState] = {
    (_S.IDLE, _I.CALL): _S.INVITING,
    (_S.INVITING, _I.PROVISIONAL): _S.EARLY,
    (_S.INVITING, _I.ACCEPTED): _S.TALKING,
    (_S.INVITING, _I.REFUSED): _S.ENDED,
    (_S.INVITING, _I.CANCEL): _S.CANCELLING,
    (_S.INVITING, _I.TIMED_OUT): _S.ENDED,
    (_S.EARLY, _I.PROVISIONAL): _S.EARLY,
    (_S.EARLY, _I.ACCEPTED): _S.TALKING,
    (_S.EARLY, _I.REFUSED): _S.ENDED,
    (_S.EARLY, _I.CANCEL): _S.CANCELLING,
    (_S.EARLY, _I.TIMED_OUT): _S.ENDED,
    (_S.CANCELLING, _I.PROVISIONAL): _S.CANCELLING,
    (_S.CANCELLING, _I.ACCEPTED): _S.TALKING,  # it crossed our CANCEL: hang up
    (_S.CANCELLING, _I.REFUSED): _S.ENDED,
    (_S.CANCELLING, _I.TIMED_OUT): _S.ENDED,
    (_S.IDLE, _I.OFFER): _S.OFFERED,
    (_S.OFFERED, _I.RING): _S.ALERTING,
    (_S.OFFERED, _I.ANSWER): _S.ANSWERED,
    (_S.OFFERED, _I.REJECT): _S.ENDED,
    (_S.OFFERED, _I.CANCELLED): _S.ENDED,
    (_S.ALERTING, _I.ANSWER): _S.ANSWERED,
    (_S.ALERTING, _I.REJECT): _S.ENDED,
    (_S.ALERTING, _I.CANCELLED): _S.ENDED,
    (_S.ANSWERED, _I.CONFIRMED): _S.TALKING,
    (_S.ANSWERED, _I.HANG_UP): _S.ENDED,
    (_S.ANSWERED, _I.REMOTE_HANG_UP): _S.ENDED,
    (_S.ANSWERED, _I.TIMED_OUT): _S.ENDED,
    (_S.TALKING, _I.HANG_UP): _S.ENDED,
    (_S.TALKING, _I.REMOTE_HANG_UP): _S.ENDED,
    (_S.TALKING, _I.TIMED_OUT): _S.ENDED,
}


def next_state(state: LegState, event: LegInput) -> LegState | None:
    """Return the state after an input, None when the input means nothing in this state."""
    return TRANSITIONS.get((state, event))


class Dialog:
    """Tags, targets and sequence numbers of one dialog (RFC 3261 section 12); no I/O.

    Attributes:
        call_id: The Call-ID.
        local: Our URI.
        remote: Their URI.
        local_tag: Our tag.
        remote_tag: Their tag, None until they answered.
        target: Where in-dialog requests are addressed: their Contact.
    """

    def __init__(self, *, call_id: str, local: URI, remote: URI, via: tuple[str, int]) -> None:
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.local_tag = new_tag()
        self.remote_tag: str | None = None
        self.target = remote
        self._via = via
        self._sequence = 0
        self._remote_sequence = -1

    @classmethod
    def of_invite(cls, invite: Request, via: tuple[str, int]) -> Dialog:
        """Return the dialog of a call that reached us."""
        dialog = cls(
            call_id=invite.call_id,
            local=invite.to_address.uri,
            remote=invite.from_address.uri,
            via=via,
        )
        dialog.learn(invite)
        dialog.remote_tag = tag_of(invite.from_address)
        dialog.fresh(invite)
        return dialog

    def learn(self, message: Request | Response) -> None:
        """Take over the other side's Contact."""
        contacts = message.contact
        if contacts:
            self.target = contacts[0].uri

    def accepted(self, response: Response) -> None:
        """Take over their tag and Contact from a response to our INVITE."""
        self.remote_tag = tag_of(response.to_address) or self.remote_tag
        self.learn(response)

    def fresh(self, request: Request) -> bool:
        """Say whether an in-dialog request is new by its number, and remember it."""
        if request.cseq.sequence <= self._remote_sequence:
            return False
        self._remote_sequence = request.cseq.sequence
        return True

    def request(
        self, method: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Request:
        """Return the next request of this dialog."""
        self._sequence += 1
        return build_request(
            method,
            self.target,
            local=tagged(self.local, self.local_tag),
            remote=tagged(self.remote, self.remote_tag),
            call_id=self.call_id,
            sequence=self._sequence,
            via=self._via,
            body=body,
            headers=headers,
        )

    def follow_up(self, invite: Request, method: str) -> Request:
        """Return CANCEL, or the ACK of a refusal: both belong to the INVITE's transaction."""
        return build_request(
            method,
            invite.uri,
            local=invite.from_address,
            remote=tagged(self.remote, self.remote_tag if method == "ACK" else None),
            call_id=self.call_id,
            sequence=invite.cseq.sequence,
            via=self._via,
            branch=invite.via[0].parameters.get("branch"),
        )

    def acknowledgement(self, invite: Request) -> Request:
        """Return the ACK of an accepted INVITE, a transaction of its own."""
        return build_request(
            "ACK",
            self.target,
            local=tagged(self.local, self.local_tag),
            remote=tagged(self.remote, self.remote_tag),
            call_id=self.call_id,
            sequence=invite.cseq.sequence,
            via=self._via,
        )

    def response(self, request: Request, code: int, body: bytes = b"") -> Response:
        """Return our response to a request of this dialog."""
        return build_response(request, code, tag=self.local_tag, contact=self._contact(), body=body)

    def replaces(self) -> str:
        """Return this dialog as the escaped Replaces header of a Refer-To URI (RFC 3891)."""
        return quote(f"{self.call_id};to-tag={self.remote_tag};from-tag={self.local_tag}", safe="")

    def _contact(self) -> URI:
        host, port = self._via
        return type(self.local)(scheme="sip", user=self.local.user, host=host, port=port)
