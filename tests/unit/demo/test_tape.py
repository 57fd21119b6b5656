"""A taped PBX can be moved to another time without changing what happened."""

import json
import re

import pytest

from tingzhen.demo.tape import TapeError, load_tape

STREAM = (
    b"Asterisk Call Manager/11.0.0\r\n"
    b"Response: Success\r\nActionID: 1\r\n\r\n"
    b"Event: QueueCallerJoin\r\nTimestamp: 1795295279.458945\r\nUniqueid: 1795295279.63\r\n"
    b"CallerIDNum: 1795295279\r\n\r\n"
    b"Event: QueueParams\r\nActionID: 7\r\n\r\n"
    b"Event: Hangup\r\nTimestamp: 1795295289.958945\r\nUniqueid: 1795295279.63\r\n\r\n"
)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "r.ami"
    path.write_bytes(STREAM)
    cut = STREAM.index(b"Event: Hangup") + 4
    (tmp_path / "r.ami.idx").write_text(
        f"1795295279.5 0 {cut}\n1795295290.0 {cut} {len(STREAM) - cut}\n"
    )
    call = {
        "uniqueid": "1795295279.63",
        "audio": "c02",
        "answered_at": 1795295280.25,
        "ended_at": 1795295289.95,
    }
    (tmp_path / "r.truth.json").write_text(json.dumps({"calls": [call]}))
    return path


def test_replies_to_the_recorder_are_left_out_and_arrivals_are_those_of_the_last_byte(recording):
    tape = load_tape(recording)
    assert [message.data.split(b"\r\n")[0] for message in tape.messages] == [
        b"Event: QueueCallerJoin",
        b"Event: Hangup",
    ]
    assert [message.at for message in tape.messages] == [1795295279.5, 1795295290.0]
    assert tape.duration == 10.5


def test_moving_shifts_times_and_uniqueids_together_and_nothing_else(recording):
    tape = load_tape(recording)
    moved = tape.moved_to(1800000000.0)
    shift = 1800000000 - 1795295280
    join = moved.messages[0].data.decode()
    assert f"Timestamp: {1795295279 + shift}.458945" in join
    assert f"Uniqueid: {1795295279 + shift}.63" in join
    assert "CallerIDNum: 1795295279\r\n" in join, "a number that is no time stays"
    assert moved.calls[0].uniqueid in join
    assert moved.calls[0].answered_at == pytest.approx(1795295280.25 + shift, abs=1e-6)
    assert moved.duration == tape.duration
    assert [len(message.data) for message in moved.messages] == [
        len(message.data) for message in tape.messages
    ]


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".ami", b"Asterisk Call Manager/11.0.0\r\n"),
        (".ami.idx", b"1795295279.5 0 40\n"),
        (".ami.idx", b"not an index at all here\n"),
        (".truth.json", b"{"),
        (".truth.json", b'{"calls": [{"uniqueid": 1}]}'),
    ],
)
def test_a_broken_recording_is_refused_in_one_sentence(recording, suffix, content):
    recording.with_name("r" + suffix).write_bytes(content)
    with pytest.raises(TapeError) as refused:
        load_tape(recording)
    assert not re.search(r"\n", str(refused.value))


def test_a_missing_recording_is_refused(tmp_path):
    with pytest.raises(TapeError, match="missing"):
        load_tape(tmp_path / "missing.ami")
