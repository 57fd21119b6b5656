"""Stands in for Asterisk's REST interface: snoop channels that lead to recorded legs.

The taps ask for audio as they would ask a PBX: an events websocket, `snoop` on the caller's
channel, `continue` into the dialplan. What the dialplan would do then (AudioSocket) is done here
with a leg from a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Literal

import numpy as np
import structlog
import uvicorn
from fastapi import FastAPI, HTTPException, Query, WebSocket, WebSocketDisconnect

from backbone.clock import Clock

_log = structlog.get_logger(__name__)

_FRAME_SAMPLES = 160  # 20 ms at 8 kHz
_AUDIOSOCKET_UUID = b"\x01\x00\x10"
_AUDIOSOCKET_SLIN = b"\x10\x01\x40"

_SHUTDOWN_S = 1

Side = Literal["in", "out"]
_AriEvent = dict[str, object]


class PlayableLeg:
    """One side of a taped call: 8 kHz samples that sound from `starts` to `ends` (epoch)."""

    def __init__(self, samples: np.ndarray, starts: float, ends: float) -> None:
        self.samples = samples
        self.starts = starts
        self.ends = ends


FindLeg = Callable[[str, Side], PlayableLeg | None]


class AriStandIn:
    """ARI on loopback; `find_leg(uniqueid, side)` gives the audio of a call in progress."""

    def __init__(self, clock: Clock, audiosocket: tuple[str, int], find_leg: FindLeg) -> None:
        self._clock = clock
        self._audiosocket = audiosocket
        self._find_leg = find_leg
        self._listeners: set[asyncio.Queue[_AriEvent | None]] = set()
        self._snoops: dict[str, PlayableLeg] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self.url = ""

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Listen on an unused port of 127.0.0.1."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/ari"
        server = uvicorn.Server(
            uvicorn.Config(
                self._app(),
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=_SHUTDOWN_S,
            )
        )
        # The signal handlers belong to the program, not to a stand-in inside it.
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]  # see above
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(server.serve(sockets=[listening]))
            try:
                yield
            finally:
                self._tell(None)  # ends the websockets
                server.should_exit = True

    def _app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)

        @app.websocket("/ari/events")
        async def events(websocket: WebSocket) -> None:
            await websocket.accept()
            queue: asyncio.Queue[_AriEvent | None] = asyncio.Queue(100)
            self._listeners.add(queue)
            try:
                while (event := await queue.get()) is not None:
                    await websocket.send_json(event)
            except WebSocketDisconnect:
                pass
            finally:
                self._listeners.discard(queue)

        @app.get("/ari/asterisk/info")
        async def info() -> dict[str, object]:
            return {"system": {"version": "recorded"}}

        @app.post("/ari/channels/{uniqueid}/snoop")
        async def snoop(
            uniqueid: str,
            spy: Side,
            snoop_id: Annotated[str, Query(alias="snoopId")],
        ) -> dict[str, object]:
            leg = self._find_leg(uniqueid, spy)
            if leg is None:
                raise HTTPException(404, "Channel not found")
            self._snoops[snoop_id] = leg
            channel: dict[str, object] = {
                "id": snoop_id,
                "name": f"Snoop/{uniqueid}",
                "state": "Up",
            }
            self._tell({"type": "StasisStart", "args": [], "channel": channel})
            return channel

        @app.post("/ari/channels/{snoop_id}/continue", status_code=204)
        async def proceed(snoop_id: str) -> None:
            leg = self._snoops.pop(snoop_id, None)
            if leg is None or self._tasks is None:
                raise HTTPException(404, "Channel not found")
            self._tasks.create_task(self._play(snoop_id, leg))
            self._tell({"type": "StasisEnd", "channel": {"id": snoop_id}})

        @app.delete("/ari/channels/{snoop_id}", status_code=204)
        async def hang_up(snoop_id: str) -> None:
            self._snoops.pop(snoop_id, None)

        return app

    def _tell(self, event: _AriEvent | None) -> None:
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(event)

    async def _play(self, snoop_id: str, leg: PlayableLeg) -> None:
        """Send a leg as Asterisk's AudioSocket() does: 20 ms frames, nothing after the call."""
        try:
            _, writer = await asyncio.open_connection(*self._audiosocket)
        except OSError:
            _log.warning("audiosocket_unreachable")
            return
        rate = 8000
        try:
            writer.write(_AUDIOSOCKET_UUID + uuid.UUID(snoop_id).bytes)
            position = max(0, round((self._clock.time() - leg.starts) * rate))
            while leg.starts + position / rate < leg.ends:
                frame = leg.samples[position : position + _FRAME_SAMPLES]
                frame = np.pad(frame, (0, _FRAME_SAMPLES - len(frame)))
                position += _FRAME_SAMPLES
                await self._clock.sleep(leg.starts + position / rate - self._clock.time())
                writer.write(_AUDIOSOCKET_SLIN + frame.astype("<i2").tobytes())
                await writer.drain()
        except OSError:
            _log.info("audiosocket_closed_by_listener")
        finally:
            writer.close()
