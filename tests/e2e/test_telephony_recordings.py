"""A call on the real Asterisk, recorded: the files hold what the taps heard, to the sample."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from e2e.telephony_rig import settings_for, spoken_call, telephony
from e2e.test_control import PITCH, voices

from backbone.counters import Counters
from backbone.media import LegClosed
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal
from telephony.recording.events import RecordingStored
from telephony.recording.listening import peaks, write_both
from telephony.recording.recorder import Recorder
from telephony.recording.storage import PROJECTIONS, recordings_of
from telephony.settings import RecordingSettings

pytestmark = pytest.mark.lab
__all__ = ["voices"]  # the fixture


def pitch_of(samples):
    return np.argmax(np.abs(np.fft.rfft(samples[8_000:16_000].astype(float))))


async def test_both_legs_of_a_call_stand_in_files(lab, voices, tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "store.db"))
    journal = StoreJournal(engine, Counters(), PROJECTIONS)
    journal.start()
    folder = tmp_path / "recordings"
    async with telephony(settings_for(lab.addresses), journal=journal) as rig:
        stored = rig.bus.subscribe("stored", RecordingStored)
        recorder = Recorder(
            RecordingSettings(enabled=True, keep_free_mb=0),
            folder,
            rig.bus,
            rig.clock,
            rig.counters,
            engine=engine,
        )
        rig.start("recorder", recorder.run())
        truth = await spoken_call(lab, voices, "19900000921")
        record = await rig.record(truth.uniqueid)
        await rig.until(lambda: len(rig.of(LegClosed)) == 2)
        for _ in range(2):
            await anext(stored)
        await rig.stop("recorder")
        with engine.connect() as connection:
            rows = recordings_of(connection, record.call_id)
        assert {row.role for row in rows} == {"agent", "customer"}
        for row in rows:
            assert (row.complete, row.reason, row.rate) == (True, "", 8_000)
            samples, rate = soundfile.read(folder / row.path, dtype="int16")
            assert rate == 8_000
            assert samples.tobytes() == rig.audio(row.leg_id)
            assert row.offset_s + row.duration_s == pytest.approx(truth.talk_s, abs=0.3)
            assert max(peaks(folder / row.path, row.samples, 100)) > 0.05
        write_both(rows, folder, tmp_path / "both.flac")
        both, _ = soundfile.read(tmp_path / "both.flac", dtype="int16")
        assert pitch_of(both[:, 0]) == pytest.approx(PITCH["agent"], abs=5)
        assert pitch_of(both[:, 1]) == pytest.approx(PITCH["caller"], abs=5)
    await journal.close()
    engine.dispose()
