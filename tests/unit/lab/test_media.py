"""Session descriptions, G.711, RTP, audio files."""

import contextlib
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tingzhen.lab.sip import codec, g711, rtp, sdp
from tingzhen.lab.sip.media import read_audio, tone

LAWS = [sdp.PCMA, sdp.PCMU]


@pytest.mark.parametrize("direction", sdp.DIRECTIONS)
@pytest.mark.parametrize("payload", LAWS)
def test_a_description_says_what_was_written(direction, payload):
    media = sdp.Media("127.0.0.1", 40_000, payload, 101, direction)
    assert sdp.read(sdp.write(media, 1, 2)) == media


def test_a_wideband_description_says_what_was_written():
    media = sdp.Media("127.0.0.1", 40_000, sdp.WIDE, None, rate=sdp.WIDE_RATE)
    text = sdp.write(media, 1, 2)
    assert b"a=rtpmap:118 L16/16000\r\n" in text
    assert sdp.read(text) == media
    assert sdp.answer_to(media, "127.0.0.1", 40_000) == media


def test_a_phone_that_is_offered_both_takes_g711():
    offer = (
        b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 97 8 101\r\n"
        b"a=rtpmap:97 L16/16000\r\na=rtpmap:8 PCMA/8000\r\n"
    )
    assert sdp.read(offer) == sdp.Media("127.0.0.1", 4000, sdp.PCMA, None)
    wide_only = offer.replace(b" 8 101", b"")
    assert sdp.read(wide_only) == sdp.Media("127.0.0.1", 4000, 97, None, rate=sdp.WIDE_RATE)


@given(st.lists(st.integers(-32_768, 32_767), max_size=320))
def test_wideband_packets_are_lossless_and_whole(values):
    stream = sdp.Media("127.0.0.1", 4000, 97, rate=sdp.WIDE_RATE)
    samples = np.array(values, np.int16)
    packet = codec.encode(samples, stream)
    assert len(packet) == 640
    assert codec.understood(97, stream)
    assert not codec.understood(sdp.PCMA, stream)
    heard = codec.decode(packet, 97)
    assert (heard[: len(samples)] == samples).all()
    assert not heard[len(samples) :].any()


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ("sendrecv", "sendrecv"),
        ("sendonly", "recvonly"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
    ],
)
def test_an_answer_mirrors_the_direction_and_takes_the_codec(offered, answered):
    offer = sdp.Media("127.0.0.1", 4_000, sdp.PCMU, 96, offered)
    answer = sdp.answer_to(offer, "127.0.0.2", 5_000)
    assert answer == sdp.Media("127.0.0.2", 5_000, sdp.PCMU, 96, answered)


def test_the_first_g711_codec_and_the_streams_own_address_count():
    body = (
        b"v=0\r\nc=IN IP4 10.0.0.1\r\na=sendonly\r\nm=audio 1234 RTP/AVP 9 0 8 97\r\n"
        b"c=IN IP4 10.0.0.2\r\na=rtpmap:97 telephone-event/8000\r\nm=video 99 RTP/AVP 31\r\n"
        b"c=IN IP4 10.0.0.3\r\na=inactive\r\n"
    )
    assert sdp.read(body) == sdp.Media("10.0.0.2", 1234, sdp.PCMU, 97, "sendonly")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"m=audio\r\n",
        b"c=IN IP4 x\r\nm=audio 5 RTP/AVP 8\r\n",
        b"c=IN IP4 1.2.3.4\r\nm=audio 70000 RTP/AVP 8\r\n",
        b"c=IN IP4 1.2.3.4\r\nm=audio 5 RTP/AVP 9\r\n",
        b"\xff\xfe",
    ],
)
def test_a_description_that_cannot_be_used_is_refused(body):
    with pytest.raises(sdp.SdpError):
        sdp.read(body)


@given(st.binary(max_size=300))
def test_no_description_raises_anything_else(body):
    with contextlib.suppress(sdp.SdpError):
        sdp.read(body)


@pytest.mark.parametrize("payload", LAWS)
def test_every_code_decodes_and_encodes_to_a_code_of_the_same_sample(payload):
    codes = bytes(range(256))
    samples = g711.decode(codes, payload)
    assert np.array_equal(g711.decode(g711.encode(samples, payload), payload), samples)


@pytest.mark.parametrize("payload", LAWS)
@given(samples=st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=50))
def test_a_sample_comes_back_within_half_a_step(payload, samples):
    values = np.array(samples, np.int16)
    heard = g711.decode(g711.encode(values, payload), payload).astype(int)
    # The widest step is 1024; above the loudest code the sample is clipped to it.
    loudest = int(g711.DECODE[payload].max())
    clipped = np.clip(values.astype(int), -loudest, loudest)
    assert np.all(np.abs(heard - clipped) <= np.maximum(16, np.abs(clipped) / 16))


@pytest.mark.parametrize(
    ("payload", "code", "sample"),
    [
        (8, 0xD5, 8),
        (8, 0x55, -8),
        (8, 0xAA, 32_256),
        (0, 0xFF, 0),
        (0, 0x80, 32_124),
        (0, 0x00, -32_124),
    ],
)
def test_codes_of_the_standard_decode_to_its_samples(payload, code, sample):
    assert g711.decode(bytes([code]), payload)[0] == sample


@pytest.mark.parametrize("payload", LAWS)
def test_silence_is_next_to_nothing(payload):
    assert abs(int(g711.decode(bytes([g711.SILENCE[payload]]), payload)[0])) <= 8


@given(
    st.integers(0, 127).filter(lambda kind: not 64 <= kind <= 95),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF_FFFF),
    st.binary(max_size=200),
    st.booleans(),
)
def test_a_packet_survives_the_wire(kind, sequence, timestamp, payload, marker):
    packet = rtp.RtpPacket(kind, sequence, timestamp, 7, payload, marker=marker)
    assert rtp.unpack(rtp.pack(packet)) == packet


@given(st.binary(max_size=80))
def test_no_packet_raises(data):
    packet = rtp.unpack(data)
    assert packet is None or len(packet.payload) <= len(data)


def test_rtcp_is_no_rtp():
    assert rtp.unpack(bytes([0x80, 200]) + bytes(26)) is None


def test_a_key_press_says_digit_end_and_duration():
    assert rtp.dtmf_payload("#", end=True, duration=1_280) == bytes([11, 0x8A, 0x05, 0x00])
    with pytest.raises(ValueError, match="no such key"):
        rtp.dtmf_payload("x", end=False, duration=0)


def write_wav(path, samples, rate=8_000, channels=1):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i2").tobytes())


def test_telephone_audio_is_read_sample_by_sample(tmp_path):
    samples = tone(440, 0.5)
    write_wav(tmp_path / "a.wav", samples)
    assert np.array_equal(read_audio(tmp_path / "a.wav"), samples)


def test_other_audio_is_brought_to_8_khz_mono(tmp_path):
    stereo = np.repeat(tone(440, 2.0), 2)  # 2 s at 8 kHz are 1 s at 16 kHz
    write_wav(tmp_path / "b.wav", stereo, rate=16_000, channels=2)
    assert abs(len(read_audio(tmp_path / "b.wav")) - 8_000) <= 40


def test_what_is_no_audio_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "c.wav").write_bytes(b"not audio at all")
    with pytest.raises(ValueError, match=r"c\.wav"):
        read_audio(tmp_path / "c.wav")
    with pytest.raises(FileNotFoundError, match=r"d\.wav"):
        read_audio(tmp_path / "d.wav")
