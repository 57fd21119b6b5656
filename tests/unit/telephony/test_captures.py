"""Recorded streams of real calls against what the calling and answering parties measured."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.calls.reducer import CallReducer
from telephony.events import CallEnded, CallHeld, CallResumed, CallTransferred
from telephony.replay import (
    CaptureError,
    events_from_capture,
    messages_from_capture,
    records_from_capture,
)

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
NAMES = sorted(path.stem for path in CAPTURES.glob("*.ami"))
TOLERANCE = 0.050
OUTCOMES = {"COMPLETECALLER": "answered", "ABANDON": "abandoned", "ATTENDEDTRANSFER": "answered"}
HANGUPS = {"COMPLETECALLER": "customer", "ABANDON": "customer", "ATTENDEDTRANSFER": "transfer"}
MEASURED = {
    "abandoned": {"wait"},
    "answered": {"wait", "ring", "talk"},
    "attended_transfer": {"talk"},
    "rna_then_other": {"wait", "ring", "talk"},
}
"""Times that the parties of a recording took."""


def truth(name):
    return json.loads((CAPTURES / f"{name}.truth.json").read_text("utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_record_agrees_with_the_parties_own_clocks(name):
    expected = truth(name)["expected"]
    (record,) = records_from_capture(CAPTURES / f"{name}.ami")
    assert record.outcome == OUTCOMES[expected["outcome"]]
    assert record.hangup_by == HANGUPS[expected["outcome"]]
    assert record.agent == expected.get("agent", "")
    assert record.unanswered == tuple(expected.get("unanswered", ()))
    assert record.caller == "5550100"
    assert record.complete
    assert not record.arrival_times
    for field in MEASURED[name]:
        assert getattr(record, f"{field}_s") == pytest.approx(expected[field], abs=TOLERANCE)


def test_all_four_recordings_are_there():
    assert NAMES == ["abandoned", "answered", "attended_transfer", "rna_then_other"]


def test_attended_transfer_is_told_with_its_hold():
    legs = truth("attended_transfer")["legs"]
    held_at = legs[1]["holds"][0][0]
    referred_at = legs[1]["refer"]
    events = list(events_from_capture(CAPTURES / "attended_transfer.ami"))
    (held,) = [e for e in events if isinstance(e, CallHeld)]
    (resumed,) = [e for e in events if isinstance(e, CallResumed)]
    (transferred,) = [e for e in events if isinstance(e, CallTransferred)]
    (record,) = [e.record for e in events if isinstance(e, CallEnded)]
    assert held.at == pytest.approx(held_at, abs=TOLERANCE)
    assert resumed.at == pytest.approx(referred_at, abs=TOLERANCE)
    assert record.hold_s == pytest.approx(referred_at - held_at, abs=TOLERANCE)
    assert (transferred.kind, transferred.from_agent, transferred.to) == (
        "attended",
        "PJSIP/1001",
        "1004",
    )
    assert record.transfers == 1


def test_recording_without_arrival_times_gives_the_same_records(tmp_path):
    for name in NAMES:
        copy = tmp_path / f"{name}.ami"
        copy.write_bytes((CAPTURES / f"{name}.ami").read_bytes())
        assert list(records_from_capture(copy)) == list(
            records_from_capture(CAPTURES / f"{name}.ami")
        )


def test_stream_without_timestamps_falls_back_on_arrival_and_says_so(tmp_path):
    data = (CAPTURES / "answered.ami").read_bytes().split(b"\r\n")
    (tmp_path / "bare.ami").write_bytes(
        b"\r\n".join(line for line in data if not line.startswith(b"Timestamp:"))
    )
    reducer = CallReducer("pbx")
    records = []
    with_times = messages_from_capture(CAPTURES / "answered.ami")
    without = messages_from_capture(tmp_path / "bare.ami")
    for (message, _), (_, arrived) in zip(without, with_times, strict=True):
        records += [e.record for e in reducer.feed(message, arrived) if isinstance(e, CallEnded)]
    (record,) = records
    assert record.arrival_times
    assert record.wait_s == pytest.approx(3.004, abs=TOLERANCE)
    assert record.talk_s == pytest.approx(7.997, abs=TOLERANCE)


def test_cut_recording_gives_its_whole_calls_and_then_a_clear_error(tmp_path):
    cut = tmp_path / "cut.ami"
    cut.write_bytes((CAPTURES / "answered.ami").read_bytes()[:-40])
    records = []
    with pytest.raises(CaptureError, match=r"cut\.ami: cut off inside a message") as error:
        records.extend(records_from_capture(cut))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF\x24\x00\x00\x00WAVEfmt " * 100, b"GET / HTTP/1.1\r\n\r\n"]
)
def test_foreign_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "foreign.ami"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match="no recorded AMI stream") as error:
        list(records_from_capture(path))
    assert "\n" not in str(error.value)


def test_missing_file_is_told(tmp_path):
    with pytest.raises(CaptureError, match="No such file"):
        list(records_from_capture(tmp_path / "none.ami"))


@pytest.mark.parametrize("index", ["garbage\n", "1.0 5 10\n", "1.0 0 99999999\n"])
def test_wrong_index_is_told(tmp_path, index):
    path = tmp_path / "a.ami"
    path.write_bytes((CAPTURES / "answered.ami").read_bytes())
    (tmp_path / "a.ami.idx").write_text(index)
    with pytest.raises(CaptureError):
        list(records_from_capture(path))


MESSAGES = {name: list(messages_from_capture(CAPTURES / f"{name}.ami")) for name in NAMES}
CALL_EVENTS = {
    name: [pair for pair in pairs if pair[0].get("Uniqueid") or pair[0].get("TransfereeUniqueid")]
    for name, pairs in MESSAGES.items()
}


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.integers(),
    st.floats(min_value=0.05, max_value=1.0),
    st.floats(min_value=0.0, max_value=1.0),
    st.booleans(),
)
def test_lost_doubled_and_shuffled_messages_never_make_two_records(
    name, seed, kept, doubled, shuffled
):
    chance = random.Random(seed)
    pairs = [pair for pair in CALL_EVENTS[name] if chance.random() < kept]
    pairs += [pair for pair in pairs if chance.random() < doubled]
    if shuffled:
        chance.shuffle(pairs)
    else:
        pairs.sort(key=lambda pair: pair[1])
    reducer = CallReducer("pbx")
    events = []
    for message, arrived in pairs:
        events += reducer.feed(message, arrived)
    last = MESSAGES[name][-1][1]
    events += reducer.tick(last + 60)
    events += reducer.close_all(last + 60, "capture_ended")
    records = [event.record for event in events if isinstance(event, CallEnded)]
    assert len({record.uniqueid for record in records}) == len(records)
    assert len(reducer.book) == 0
    for record in records:
        assert record.wait_s is None or record.wait_s >= 0
        assert record.talk_s is None or record.talk_s >= 0
