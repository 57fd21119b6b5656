from asr.events import TranscriptFinal
from asr.storage import PROJECTIONS, segments_of
from backbone.store.engine import open_engine, sqlite_url


def final(segment_id, start, **changes):
    values = {
        "at": 1_700_000_000.0,
        "call_id": "call",
        "role": "agent",
        "leg_id": "leg",
        "segment_id": segment_id,
        "start": start,
        "end": start + 1,
        "text": "您好",
        "language": "zh",
        "confidence": 0.9,
        "level_db": -20.0,
        "lag_s": 1.0,
        "decode_s": 0.3,
    }
    return TranscriptFinal(**{**values, **changes})


def test_finals_are_read_back_in_the_order_they_were_spoken(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "s.db"))
    (store,) = PROJECTIONS[TranscriptFinal]
    with engine.begin() as connection:
        store(connection, 1, final("b", 5.0))
        store(connection, 2, final("a", 1.0, role="customer", unintelligible=True, text=""))
        store(connection, 3, final("c", 0.0, call_id="other"))
        store(connection, 4, final("b", 5.0, text="您好请讲"))
    with engine.connect() as connection:
        found = segments_of(connection, "call")
    assert [(s.segment_id, s.text, s.unintelligible) for s in found] == [
        ("a", "", True),
        ("b", "您好请讲", False),
    ]
    engine.dispose()
