"""The manager protocol's byte parser: chunking, hostile values, bounds."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.ami.parser import AmiMessage, AmiParser

CAPTURES = Path(__file__).parents[2] / "data" / "captures"


def feed_all(data: bytes, cuts: list[int], **bounds: int) -> tuple[list[AmiMessage], AmiParser]:
    parser = AmiParser(**bounds)
    messages = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        messages += parser.feed(data[start:end])
    return messages, parser


def test_banner_is_no_part_of_the_first_message():
    messages, parser = feed_all(
        b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nMessage: ok\r\n\r\n", []
    )
    assert parser.banner == "Asterisk Call Manager/11.0.0"
    assert [(m.response, m.get("Message")) for m in messages] == [("Success", "ok")]


def test_stream_without_banner_begins_with_its_first_message():
    messages, parser = feed_all(b"Event: FullyBooted\r\n\r\n", [])
    assert parser.banner is None
    assert messages[0].event == "FullyBooted"


def test_header_names_have_no_case_and_repeats_are_kept_in_order():
    messages, _ = feed_all(
        b"Event: Status\r\nVariable: A=1\r\nvariable: B=2\r\nVariable: A=1\r\n\r\n", []
    )
    assert messages[0].getall("VARIABLE") == ["A=1", "B=2", "A=1"]
    assert messages[0].get("variable") == "A=1"
    assert messages[0].getall("Absent") == []


@pytest.mark.parametrize(
    "name",
    [
        "line\u2028separator",
        "next\u0085line",
        "lone\rreturn",
        "lone\nfeed",
        "lone\nEvent: Hangup",
        "nul\x00byte",
        "a: b: c",
        "form\x0cfeed\x1cfile\u2029end",
        "王\u2028Event: QueueCallerAbandon",
        "ends in return\r",
    ],
)
def test_a_hostile_caller_name_stays_inside_its_value(name):
    data = f"Event: Join\r\nCallerIDName: {name}\r\nUniqueid: 1.2\r\n\r\n".encode()
    for cut in range(len(data)):
        messages, _ = feed_all(data, [cut])
        assert len(messages) == 1
        assert messages[0].get("CallerIDName") == name
        assert messages[0].get("Uniqueid") == "1.2"
        assert messages[0].event == "Join"


def test_broken_utf8_is_replaced_and_breaks_nothing_else():
    messages, _ = feed_all(b"Event: X\r\nCallerIDName: \xe7\x8e\r\nUniqueid: 7\r\n\r\n", [])
    assert messages[0].get("CallerIDName") == "\N{REPLACEMENT CHARACTER}"
    assert messages[0].get("Uniqueid") == "7"


def test_oversized_message_is_dropped_and_counted_and_the_next_one_is_read():
    flood = b"Event: Flood\r\nX: " + b"a" * 5000 + b"\r\n\r\n"
    for step in (1, 7, 100, 10_000):
        parser = AmiParser(max_bytes=1000)
        data = b"Event: A\r\n\r\n" + flood + b"Event: B\r\n\r\n"
        messages = []
        for at in range(0, len(data), step):
            messages += parser.feed(data[at : at + step])
            assert parser.pending <= 1000 + step + 3
        assert [m.event for m in messages] == ["A", "B"]
        assert parser.oversized == 1


def test_message_with_too_many_headers_is_dropped_and_counted():
    data = b"Event: A\r\n" + b"X: 1\r\n" * 50 + b"\r\nEvent: B\r\n\r\n"
    messages, parser = feed_all(data, [], max_headers=20)
    assert [m.event for m in messages] == ["B"]
    assert parser.oversized == 1


def test_line_without_a_colon_is_counted_and_left_out():
    messages, parser = feed_all(b"Event: A\r\nnonsense\r\nUniqueid: 1\r\n\r\n", [])
    assert messages[0].get("Uniqueid") == "1"
    assert parser.malformed_lines == 1


def test_a_message_in_a_log_shows_no_numbers():
    messages, _ = feed_all(b"Event: Join\r\nCallerIDNum: 13800138000\r\n\r\n", [])
    assert "13800138000" not in repr(messages[0])


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.ami")), ids=lambda path: path.stem)
def test_recorded_stream_parses_whole(capture):
    data = capture.read_bytes()
    messages, parser = feed_all(data, [])
    assert len(messages) == data.count(b"\r\n\r\n")
    assert (parser.oversized, parser.malformed_lines, parser.pending) == (0, 0, 0)


fragments = st.sampled_from(
    [
        b"Asterisk Call Manager/",
        b"Event: A",
        b"X: \xe7\x8e\x8b",
        b"\r\n",
        b"\r\n\r\n",
        b"\r",
        b"\n",
        b":",
        b"\xe2\x80\xa8",
        b"Y: " + b"z" * 70,
    ]
)
streams = st.one_of(st.lists(fragments, max_size=40).map(b"".join), st.binary(max_size=300))


@given(streams, st.lists(st.integers(min_value=0), max_size=10))
def test_any_chunking_gives_the_same_messages(data, cuts):
    whole, one = feed_all(data, [], max_bytes=60, max_headers=4)
    pieces, other = feed_all(data, cuts, max_bytes=60, max_headers=4)
    assert pieces == whole
    assert (other.banner, other.oversized, other.malformed_lines) == (
        one.banner,
        one.oversized,
        one.malformed_lines,
    )


@given(st.binary(max_size=400), st.integers(min_value=1, max_value=9))
def test_bytes_of_any_kind_raise_nothing_and_hide_no_later_message(data, step):
    stream = data + b"\r\n\r\nEvent: After\r\n\r\n"
    cuts = list(range(0, len(stream), step))
    messages, _ = feed_all(stream, cuts, max_bytes=100, max_headers=8)
    assert messages[-1].event == "After"
