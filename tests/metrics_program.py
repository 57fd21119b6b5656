"""Bus, projector and /metrics as a node has them, for a real Prometheus to scrape."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from metrics_script import round_of_calls
from patience import PATIENCE_S
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from metrics.exposition import MetricsApp
from metrics.host import HostCollector
from metrics.projector import MetricsProjector
from metrics.settings import MetricsSettings


class Program:
    """Bus, projector and /metrics in a loop of their own, as in a node."""

    def __init__(self, store, token):
        self.port = 0
        self._store = store
        self._token = token
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._rounds = itertools.count(1)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self._loop.close()

    def work(self):
        """Let another stretch of scripted calls happen, and wait until it is counted."""
        asyncio.run_coroutine_threadsafe(self._work(), self._loop).result(PATIENCE_S)

    async def _work(self):
        for event in round_of_calls(next(self._rounds), time.time()):
            await self._bus.publish(event)

    async def _run(self):
        self._stop = asyncio.Event()
        counters, registry = Counters(), CollectorRegistry()
        self._bus = Bus(counters)
        # A reader on another host: only the token lets Prometheus in.
        settings = MetricsSettings(token=self._token, allowed_networks=())
        projector = MetricsProjector(
            settings, self._bus, counters, SystemClock(), registry, store=self._store
        )
        registry.register(HostCollector(Path(__file__).parent))
        console = FastAPI()
        console.router.routes.append(Route("/metrics", MetricsApp(settings, registry)))
        config = uvicorn.Config(
            console, host="127.0.0.1", port=0, log_level="warning", lifespan="off"
        )
        server = uvicorn.Server(config)
        projecting = asyncio.create_task(projector.run())
        serving = asyncio.create_task(server._serve())  # serve() would take the test's signals
        while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)
        self.port = server.servers[0].sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.should_exit = True
        await serving
        projecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await projecting
