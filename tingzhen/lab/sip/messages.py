"""SIP messages: hostile bytes in, sound messages or nothing out. sipmessage does the grammar."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sipmessage import URI, Address, CSeq, Message, Parameters, Request, Response, Via

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DATAGRAM = 65_535
BRANCH_COOKIE = "z9hG4bK"
ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY, INFO, UPDATE"
PHRASES: Mapping[int, str] = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    202: "Accepted",
    404: "Not Found",
    405: "Method Not Allowed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    603: "Decline",
}


def parse_datagram(data: bytes) -> Request | Response | None:
    """Return the message in a datagram, or None when it is not a sound one.

    Sound means that the headers which every message must have (RFC 3261 section 8.1.1) are there
    and can be read, so that no later access to them raises.
    """
    try:
        message = Message.parse(data)
        if not message.via or not message.call_id:
            return None
        _ = message.from_address, message.to_address, message.cseq, message.contact
    except (ValueError, KeyError, TypeError, IndexError, OverflowError):
        return None
    if isinstance(message, Response) and not 100 <= message.code <= 699:  # noqa: PLR2004 - RFC 3261
        return None
    return message


def new_branch() -> str:
    """Return a fresh transaction id."""
    return BRANCH_COOKIE + secrets.token_hex(8)


def new_tag() -> str:
    """Return a fresh dialog tag."""
    return secrets.token_hex(6)


def sip_uri(user: str | None, host: str, port: int) -> URI:
    """Return ``sip:user@host:port``."""
    return URI(scheme="sip", user=user, host=host, port=port)


def tagged(uri: URI, tag: str | None) -> Address:
    """Return an address with a dialog tag, or without one."""
    return Address(uri=uri, parameters=Parameters(tag=tag) if tag else Parameters())


def tag_of(address: Address) -> str | None:
    """Return an address's dialog tag."""
    return address.parameters.get("tag")


def transaction_key(message: Request | Response) -> tuple[str, str]:
    """Return what ties a response, a CANCEL or a repeat to its request: branch and method."""
    return (message.via[0].parameters.get("branch") or "", message.cseq.method)


def build_request(
    method: str,
    target: URI,
    *,
    local: Address,
    remote: Address,
    call_id: str,
    sequence: int,
    via: tuple[str, int],
    branch: str | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Request:
    """Return a request with all that RFC 3261 asks for.

    Args:
        method: For example ``INVITE``.
        target: The request URI.
        local: From, with our tag.
        remote: To, with the other's tag once there is a dialog.
        call_id: The dialog's Call-ID.
        sequence: CSeq number.
        via: Our host and port.
        branch: The transaction's id, fresh by default.
        body: A session description or nothing.
        headers: Further headers.
    """
    request = Request(method, target, body)
    request.via = [
        Via(
            transport="UDP",
            host=via[0],
            port=via[1],
            parameters=Parameters(branch=branch or new_branch(), rport=None),
        )
    ]
    request.headers.set("Max-Forwards", "70")
    request.from_address = local
    request.to_address = remote
    request.call_id = call_id
    request.cseq = CSeq(sequence=sequence, method=method)
    request.headers.set("Contact", str(Address(uri=sip_uri(local.uri.user, *via))))
    request.headers.set("User-Agent", "tingzhen-lab-phone")
    request.headers.set("Allow", ALLOW)
    request.headers.set("Supported", "replaces")
    for name, value in (headers or {}).items():
        request.headers.set(name, value)
    _finish(request, body)
    return request


def build_response(
    request: Request,
    code: int,
    *,
    tag: str | None,
    contact: URI | None = None,
    body: bytes = b"",
) -> Response:
    """Return the response to a request.

    Args:
        request: What is answered.
        code: Status code.
        tag: Our tag, set on To unless the request carried one.
        contact: Where later requests reach us.
        body: A session description or nothing.
    """
    response = Response(code, PHRASES.get(code, "Response"), body)
    response.headers.setlist("Via", list(request.headers.getlist("Via")))
    response.headers.set("From", request.headers["From"])
    to = request.to_address
    response.to_address = to if tag_of(to) or tag is None else tagged(to.uri, tag)
    response.call_id = request.call_id
    response.cseq = request.cseq
    if contact is not None:
        response.headers.set("Contact", str(Address(uri=contact)))
    response.headers.set("Allow", ALLOW)
    _finish(response, body)
    return response


def _finish(message: Request | Response, body: bytes) -> None:
    if body:
        message.headers.set("Content-Type", "application/sdp")
    message.headers.set("Content-Length", str(len(body)))
