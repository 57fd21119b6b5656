"""A leg's life, and the numbers and tags of its dialog."""

import pytest

from tingzhen.lab.sip.dialog import TRANSITIONS, Dialog, LegInput, LegState, next_state
from tingzhen.lab.sip.messages import build_response, parse_datagram, sip_uri, tag_of

I, S = LegInput, LegState  # noqa: E741 - as in the table
SERVER = ("127.0.0.1", 5060)


@pytest.mark.parametrize(
    ("inputs", "end"),
    [
        ([I.CALL, I.PROVISIONAL, I.ACCEPTED, I.HANG_UP], S.ENDED),
        ([I.CALL, I.ACCEPTED, I.REMOTE_HANG_UP], S.ENDED),
        ([I.CALL, I.REFUSED], S.ENDED),
        ([I.CALL, I.PROVISIONAL, I.CANCEL, I.REFUSED], S.ENDED),
        ([I.CALL, I.CANCEL, I.ACCEPTED], S.TALKING),
        ([I.OFFER, I.RING, I.ANSWER, I.CONFIRMED], S.TALKING),
        ([I.OFFER, I.RING, I.CANCELLED], S.ENDED),
        ([I.OFFER, I.RING, I.REJECT], S.ENDED),
        ([I.OFFER, I.ANSWER, I.HANG_UP], S.ENDED),
    ],
)
def test_lives_of_a_leg(inputs, end):
    state = S.IDLE
    for event in inputs:
        state = next_state(state, event)
        assert state is not None
    assert state is end


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (S.IDLE, I.HANG_UP),
        (S.ALERTING, I.HANG_UP),  # an unanswered incoming call is refused, not hung up
        (S.EARLY, I.REMOTE_HANG_UP),
        (S.TALKING, I.CANCELLED),  # a CANCEL after the answer has no effect
        (S.TALKING, I.CONFIRMED),
    ],
)
def test_an_input_that_means_nothing_here_changes_nothing(state, event):
    assert next_state(state, event) is None


def test_the_end_is_the_end():
    assert not [state for state, _ in TRANSITIONS if state is S.ENDED]


def test_every_state_can_end():
    reaches = {S.ENDED}
    while True:
        more = {state for (state, _), after in TRANSITIONS.items() if after in reaches} - reaches
        if not more:
            break
        reaches |= more
    assert reaches == set(S)


def dialog() -> Dialog:
    return Dialog(
        call_id="c1@lab",
        local=sip_uri("100", *SERVER),
        remote=sip_uri("support", *SERVER),
        via=("127.0.0.1", 5070),
    )


def accepted(call: Dialog):
    invite = call.request("INVITE", body=b"x")
    call.accepted(build_response(invite, 200, tag="their", contact=sip_uri("pbx", "127.0.0.2", 5)))
    return invite


def test_requests_after_the_answer_go_to_their_contact_with_both_tags_and_rising_numbers():
    call = dialog()
    invite = accepted(call)
    bye = parse_datagram(bytes(call.request("BYE")))
    assert bye.uri.host == "127.0.0.2"
    assert tag_of(bye.to_address) == "their"
    assert tag_of(bye.from_address) == tag_of(invite.from_address)
    assert bye.cseq.sequence == invite.cseq.sequence + 1


def test_cancel_and_the_ack_of_a_refusal_belong_to_the_invites_transaction():
    call = dialog()
    invite = call.request("INVITE", body=b"x")
    for method in ("CANCEL", "ACK"):
        follow_up = call.follow_up(invite, method)
        assert follow_up.via[0].parameters["branch"] == invite.via[0].parameters["branch"]
        assert follow_up.cseq.sequence == invite.cseq.sequence
        assert str(follow_up.uri) == str(invite.uri)


def test_the_ack_of_an_answer_is_a_transaction_of_its_own_with_the_invites_number():
    call = dialog()
    invite = accepted(call)
    ack = call.acknowledgement(invite)
    assert ack.cseq.sequence == invite.cseq.sequence
    assert ack.via[0].parameters["branch"] != invite.via[0].parameters["branch"]


def test_a_repeated_request_is_known_by_its_number():
    callee = Dialog.of_invite(dialog().request("INVITE", body=b"x"), ("127.0.0.1", 5080))
    later = dialog()
    later.request("INVITE")
    bye = later.request("BYE")
    assert callee.fresh(bye)
    assert not callee.fresh(bye)


def test_replaces_names_the_dialog_from_its_own_side():
    call = dialog()
    accepted(call)
    assert call.replaces() == (f"c1%40lab%3Bto-tag%3Dtheir%3Bfrom-tag%3D{call.local_tag}")
