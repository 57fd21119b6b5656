"""SIP messages in and out."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sipmessage import Request, Response

from tingzhen.lab.sip.messages import (
    build_request,
    build_response,
    parse_datagram,
    sip_uri,
    tag_of,
    tagged,
    transaction_key,
)

HERE, THERE = ("127.0.0.1", 5070), ("127.0.0.1", 5060)


def invite(**changes):
    given_values = {
        "local": tagged(sip_uri("1001", *THERE), "mine"),
        "remote": tagged(sip_uri("support", *THERE), None),
        "call_id": "abc@lab",
        "sequence": 7,
        "via": HERE,
        "body": b"v=0\r\n",
    } | changes
    return build_request("INVITE", sip_uri("support", *THERE), **given_values)


def test_a_request_survives_the_wire():
    sent = invite()
    received = parse_datagram(bytes(sent))
    assert isinstance(received, Request)
    assert received.method == "INVITE"
    assert received.uri.user == "support"
    assert received.body == b"v=0\r\n"
    assert received.cseq.sequence == 7
    assert tag_of(received.from_address) == "mine"
    assert tag_of(received.to_address) is None
    assert received.headers["Content-Length"] == "5"
    assert transaction_key(received) == transaction_key(sent)


def test_a_response_repeats_what_ties_it_to_its_request_and_adds_our_tag():
    request = invite()
    response = build_response(request, 180, tag="ours")
    received = parse_datagram(bytes(response))
    assert isinstance(received, Response)
    assert received.code == 180
    assert transaction_key(received) == transaction_key(request)
    assert tag_of(received.to_address) == "ours"
    assert received.call_id == "abc@lab"


def test_a_response_keeps_the_tag_of_a_request_inside_a_dialog():
    request = invite(remote=tagged(sip_uri("support", *THERE), "theirs"))
    assert tag_of(build_response(request, 200, tag="ours").to_address) == "theirs"


SOUND = bytes(invite())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 40,
        b"\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        SOUND.replace(b"Call-ID", b"X-Call"),
        SOUND.replace(b"Via: SIP/2.0/UDP", b"Via: nonsense"),
        SOUND.replace(b"CSeq: 7 INVITE", b"CSeq: seven"),
        SOUND.replace(b"From: ", b"From: \xff"),
        SOUND.replace(b"tag=mine", b"self=mine"),
        SOUND.replace(b"INVITE sip:support@127.0.0.1:5060 SIP/2.0", b"SIP/2.0 99999 x", 1),
        SOUND[:60],
    ],
)
def test_an_unsound_datagram_is_dropped(data):
    assert parse_datagram(data) is None


@given(st.binary(max_size=600))
@example(SOUND)
def test_no_datagram_raises(data):
    message = parse_datagram(data)
    assert message is None or message.call_id


@given(
    st.integers(0, len(SOUND)),
    st.integers(0, len(SOUND)),
    st.one_of(st.binary(max_size=30), st.text(max_size=10).map(str.encode)),
)
def test_no_damage_to_a_sound_datagram_raises(start, stop, replacement):
    message = parse_datagram(SOUND[:start] + replacement + SOUND[max(start, stop) :])
    if message is not None:
        # What a phone touches later can be read.
        assert message.via
        assert message.cseq.sequence >= 0
        _ = message.from_address, message.to_address, message.contact, transaction_key(message)
