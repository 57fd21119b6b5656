"""The bench of the screen pop: what it tells a node, and what it says without a browser."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from backbone.errors import UserError
from backbone.events import Event
from telephony.ami.parser import AmiParser
from telephony.calls.reducer import CallReducer
from telephony.events import CallConnected, CallEnded, CallJoined, RingStarted
from tingzhen.screenpop import browser
from tingzhen.screenpop.ringing import AGENT, RecordedCall


def test_each_call_joins_rings_and_ends_under_its_own_number() -> None:
    parser, reducer, call = AmiParser(), CallReducer("bench"), RecordedCall()

    def told(data: bytes) -> list[Event]:
        return [e for m in parser.feed(data) for e in reducer.feed(m, time.time())]

    ids = set()
    first = int(time.time())
    for number, caller in ((first, "19901234567"), (first + 1, "19907654321")):
        [joined] = [e for e in told(call.joins(number, caller)) if isinstance(e, CallJoined)]
        assert joined.caller == caller
        [rings] = [e for e in told(call.rings(number, caller)) if isinstance(e, RingStarted)]
        assert (rings.call_id, rings.agent) == (joined.call_id, AGENT)
        assert abs(rings.at - time.time()) < 60
        rest = told(call.is_taken_and_ends(number, caller))
        assert {CallConnected, CallEnded} <= {type(event) for event in rest}
        ids.add(joined.call_id)
    assert len(ids) == 2


async def test_without_chromium_it_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(browser, "_NAMES", ("no-such-browser",))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt-get install chromium"):
        async with browser.agent_page("http://127.0.0.1:9/"):
            pass
