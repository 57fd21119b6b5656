"""Recordings: what is heard is what is in the file, and a disk costs nothing but recordings."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
import soundfile
from patience import PATIENCE_S

from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from backbone.media import AudioFrame, LegClosed, LegOpened
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal
from telephony.recording.events import RecordingExpired, RecordingStored
from telephony.recording.files import FlacWriter, RecordingFileError
from telephony.recording.listening import peaks, write_both
from telephony.recording.recorder import Recorder, path_of, sweep
from telephony.recording.storage import PROJECTIONS, StoredRecording, recordings_of
from telephony.settings import RecordingSettings
from telephony.storage import StoredLeg

AT = 1_795_295_000.0
RATE = 8000


def tone(seconds, rate=RATE, height=8000, hz=440):
    at = np.arange(int(seconds * rate)) / rate
    return (height * np.sin(2 * np.pi * hz * at)).astype("<i2")


def opened(leg_id, role="customer", rate=RATE, offset_s=0.0):
    return LegOpened(at=AT, call_id="call", leg_id=leg_id, role=role, rate=rate, offset_s=offset_s)


def frames(leg_id, samples, *, without=(), rate=RATE):
    step = rate // 50
    for number, start in enumerate(range(0, len(samples), step)):
        if number not in without:
            yield AudioFrame(
                at=AT,
                call_id="call",
                leg_id=leg_id,
                role="customer",
                rate=rate,
                sample=start,
                pcm=samples[start : start + step].tobytes(),
            )


def closed(leg_id, samples, reason=""):
    return LegClosed(
        at=AT,
        call_id="call",
        leg_id=leg_id,
        role="customer",
        samples=samples,
        complete=not reason,
        reason=reason,
    )


class Rig:
    def __init__(self, folder, engine, bus, counters, **settings):
        self.folder = folder
        self.engine = engine
        self.bus = bus
        self.counters = counters
        self.free = 10**12
        self.clock = ManualClock(AT)
        self.told = bus.subscribe("test", RecordingStored, RecordingExpired)
        self.recorder = Recorder(
            RecordingSettings(enabled=True, **settings),
            folder,
            bus,
            self.clock,
            counters,
            engine=engine,
            room=lambda _: self.free,
        )

    @contextlib.asynccontextmanager
    async def running(self):
        task = asyncio.create_task(self.recorder.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def hear(self, *events):
        for event in events:
            await self.bus.publish(event)

    async def next(self):
        async with asyncio.timeout(PATIENCE_S):
            return (await anext(self.told)).event

    async def caught_up(self):
        """What was published before has been dealt with when a leg after it is."""
        await self.hear(opened("marker"), closed("marker", 0))
        assert (await self.next()).leg_id == "marker"

    def rows(self):
        with self.engine.connect() as connection:
            rows = recordings_of(connection, "call")
        return [row for row in rows if row.leg_id != "marker"]


@pytest.fixture
async def make(tmp_path):
    counters = Counters()
    engine = open_engine(sqlite_url(tmp_path / "store.db"))
    journal = StoreJournal(engine, counters, PROJECTIONS)
    bus = Bus(counters, journal)
    journal.start()
    await bus.start()
    yield lambda **settings: Rig(tmp_path / "recordings", engine, bus, counters, **settings)
    assert counters.get("recorder_failures") == 0
    await journal.close()
    engine.dispose()


async def test_file_holds_the_leg_sample_by_sample(make):
    samples = tone(2.51)
    async with make().running() as rig:
        await rig.hear(opened("leg", offset_s=0.04), *frames("leg", samples))
        await rig.hear(closed("leg", len(samples)))
        stored = await rig.next()
    assert (stored.complete, stored.reason, stored.samples) == (True, "", len(samples))
    (row,) = rig.rows()
    assert (row.role, row.rate, row.offset_s, row.kept) == ("customer", RATE, 0.04, True)
    path = rig.folder / row.path
    heard, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    assert (heard == samples).all()
    assert path.stat().st_size == row.size
    assert path.stat().st_mode & 0o777 == 0o600
    assert rig.folder.stat().st_mode & 0o777 == 0o700


async def test_dropped_frames_are_silence_and_the_rest_stays_in_its_place(make):
    samples = tone(1.0)
    async with make().running() as rig:
        await rig.hear(opened("leg"), *frames("leg", samples, without={10, 11, 49}))
        await rig.hear(closed("leg", len(samples)))
        stored = await rig.next()
    assert (stored.complete, stored.reason) == (False, "audio_dropped")
    heard, _ = soundfile.read(rig.folder / stored.path, dtype="int16")
    expected = samples.copy()
    expected[1600:1920] = expected[7840:] = 0
    assert (heard == expected).all()


async def test_leg_that_its_tap_lost_is_marked(make):
    samples = tone(0.5)
    async with make().running() as rig:
        await rig.hear(opened("leg"), *frames("leg", samples))
        await rig.hear(closed("leg", len(samples), "tap_ended_early"))
        stored = await rig.next()
    assert (stored.complete, stored.reason, stored.samples) == (False, "leg_incomplete", 4000)


async def test_stopping_keeps_what_was_heard(make):
    samples = tone(1.5)
    async with make().running() as rig:
        await rig.hear(opened("leg"), *frames("leg", samples))
        await rig.caught_up()
    stored = await rig.next()
    assert (stored.reason, stored.samples) == ("recorder_stopped", len(samples))


async def test_full_disk_stops_recordings_and_a_roomy_one_takes_the_next(make):
    samples = tone(2.0)
    half = list(frames("leg", samples))
    async with make(keep_free_mb=500).running() as rig:
        rig.free = 500_000_000
        await rig.hear(opened("leg"), *half[:60])
        await rig.caught_up()
        rig.free -= 1
        await rig.hear(*half[60:], closed("leg", len(samples)))
        stored = await rig.next()
        assert (stored.complete, stored.reason) == (False, "disk_full")
        heard, _ = soundfile.read(rig.folder / stored.path, dtype="int16")
        assert len(heard) == stored.samples == RATE
        assert (heard == samples[:RATE]).all()
        await rig.hear(opened("other"), *frames("other", samples), closed("other", len(samples)))
        refused = await rig.next()
        assert (refused.path, refused.samples, refused.reason) == ("", 0, "disk_full")
        rig.free = 500_000_000
        await rig.hear(opened("third"), *frames("third", samples), closed("third", len(samples)))
        assert (await rig.next()).complete
    assert rig.counters.get("recordings_incomplete", reason="disk_full") == 2
    assert [row.kept for row in rig.rows()].count(True) == 2


async def test_file_that_cannot_grow_is_kept_as_far_as_it_goes(make):
    rng = np.random.default_rng(1)
    samples = rng.integers(-9000, 9000, RATE * 6).astype("<i2")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with make().running() as rig:
        await rig.hear(opened("leg"))
        await rig.caught_up()
        for frame in frames("leg", samples):
            rig.bus.emit(frame)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
            await rig.caught_up()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        await rig.hear(closed("leg", len(samples)))
        stored = await rig.next()
    assert (stored.complete, stored.reason) == (False, "write_failed")
    heard, _ = soundfile.read(rig.folder / stored.path, dtype="int16")
    assert 0 < len(heard) == stored.samples < len(samples)
    assert (heard == samples[: len(heard)]).all()
    assert [p.name for p in (rig.folder / stored.path).parent.iterdir()] == ["leg.flac"]


async def test_folder_that_cannot_be_made_is_marked(make, tmp_path):
    (tmp_path / "recordings").write_text("a file stands in the way")
    async with make().running() as rig:
        await rig.hear(opened("leg"), *frames("leg", tone(0.2)), closed("leg", 1600))
        stored = await rig.next()
    assert (stored.path, stored.reason) == ("", "write_failed")


KILLED = """
import sys
from pathlib import Path
import numpy as np
from telephony.recording.files import FlacWriter
writer = FlacWriter(Path(sys.argv[1]), 8000)
samples = (8000 * np.sin(np.arange(40000) / 3)).astype("<i2")
for start in range(0, 40000, 8000):
    writer.write(samples[start : start + 8000].tobytes())
print("written", flush=True)
sys.stdin.read()
"""


async def test_file_of_a_killed_program_is_taken_up(make):
    rig = make()
    path = rig.folder / path_of("leg", AT)
    process = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-c", KILLED, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        await asyncio.to_thread(process.stdout.readline)
        process.send_signal(signal.SIGKILL)
    left = StoredLeg(
        leg_id="leg",
        call_id="call",
        role="customer",
        rate=RATE,
        opened_at=AT,
        offset_s=0.05,
        closed_at=None,
        samples=None,
        complete=None,
        reason="",
    )
    rig.recorder.restore([left])
    async with rig.running():
        stored = await rig.next()
    assert (stored.reason, stored.offset_s, stored.rate) == ("program_stopped", 0.05, RATE)
    heard, _ = soundfile.read(rig.folder / stored.path, dtype="int16")
    samples = (8000 * np.sin(np.arange(40000) / 3)).astype("<i2")
    # One block of the coder's may not have been whole.
    assert 40_000 - 2 * 4096 <= len(heard) == stored.samples
    assert (heard == samples[: len(heard)]).all()
    assert [row.reason for row in rig.rows()] == ["program_stopped"]


async def test_recordings_are_deleted_when_their_time_is_over(make):
    async with make(retention_days=1).running() as rig:
        await rig.hear(opened("leg"), *frames("leg", tone(0.2)), closed("leg", 1600))
        stored = await rig.next()
        assert (rig.folder / stored.path).exists()
        await rig.recorder.expire()
        assert (rig.folder / stored.path).exists()
        await rig.clock.advance(86_400 + 1)
        await rig.recorder.expire()
        expired = await rig.next()
        await rig.recorder.expire()
    assert (expired.leg_id, expired.call_id) == ("leg", "call")
    assert not (rig.folder / stored.path).parent.exists()
    (row,) = rig.rows()
    assert (row.kept, row.expired_at) == (False, expired.at)
    assert rig.counters.get("recordings_expired") == 1


def test_whole_days_are_swept_with_what_stands_in_no_table(tmp_path):
    for name in ("2026-01-01", "2026-02-27", "2026-03-01", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "leg.flac.part").write_bytes(b"x")
    sweep(tmp_path, datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2026-02-27", "2026-03-01", "elsewhere"]


# Listening


def written(folder, leg_id, role, samples, *, rate=RATE, offset_s=0.0):
    writer = FlacWriter(folder / f"{leg_id}.flac", rate)
    writer.write(samples.tobytes())
    return StoredRecording(
        leg_id=leg_id,
        call_id="call",
        role=role,
        path=f"{leg_id}.flac",
        rate=rate,
        offset_s=offset_s,
        samples=len(samples),
        size=writer.finish(),
        complete=True,
        reason="",
        stored_at=AT,
        expired_at=None,
    )


def test_waveform_shows_where_it_is_loud(tmp_path):
    samples = np.concatenate([np.zeros(8000), tone(1.0, height=16_384), np.zeros(8000)])
    recording = written(tmp_path, "leg", "agent", samples.astype("<i2"))
    shown = peaks(tmp_path / recording.path, recording.samples, buckets=30)
    assert shown[:10] == [0] * 10 == shown[20:]
    assert shown[10:20] == pytest.approx([0.5] * 10, abs=0.001)


def test_waveform_of_fewer_samples_than_buckets(tmp_path):
    recording = written(tmp_path, "leg", "agent", np.array([0, -32768, 8192], dtype="<i2"))
    assert peaks(tmp_path / recording.path, 3, buckets=800) == [0.0, 1.0, 0.25]


def test_waveform_of_no_file(tmp_path):
    with pytest.raises(RecordingFileError):
        peaks(tmp_path / "gone.flac", 100)


def test_both_sides_stand_where_they_were(tmp_path):
    agent, again = tone(12.0, hz=300), tone(1.0, hz=600)
    customer = tone(1.5, hz=500)
    recordings = [
        written(tmp_path, "a", "agent", agent, offset_s=0.05),
        written(tmp_path, "c", "customer", customer, offset_s=0.55),
        written(tmp_path, "b", "agent", again, offset_s=13.05),
    ]
    assert write_both(recordings, tmp_path, tmp_path / "both.flac") == 0.05
    both, rate = soundfile.read(tmp_path / "both.flac", dtype="int16")
    assert (rate, both.shape) == (RATE, (14 * RATE, 2))
    left, right = both[:, 0], both[:, 1]
    assert (left[: len(agent)] == agent).all()
    assert not left[len(agent) : 13 * RATE].any()
    assert (left[13 * RATE :] == again).all()
    assert not right[:4000].any()
    assert (right[4000 : 4000 + len(customer)] == customer).all()
    assert not right[4000 + len(customer) :].any()


def test_narrower_leg_is_brought_to_the_wider_ones_rate(tmp_path):
    recordings = [
        written(tmp_path, "a", "agent", tone(1.0)),
        written(tmp_path, "c", "customer", tone(1.0, rate=16_000), rate=16_000),
    ]
    write_both(recordings, tmp_path, tmp_path / "both.flac")
    both, rate = soundfile.read(tmp_path / "both.flac", dtype="int16")
    assert (rate, len(both)) == (16_000, 16_000)
    middle = slice(4000, 12_000)
    alike = np.corrcoef(both[middle, 0], both[middle, 1])[0, 1]
    assert alike > 0.999


def test_nothing_kept_is_said(tmp_path):
    with pytest.raises(RecordingFileError, match="nothing"):
        write_both([], tmp_path, tmp_path / "both.flac")
