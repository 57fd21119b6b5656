"""A push service on loopback: a real HTTP server for Apprise's json:// address."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from patience import PATIENCE_S

SECRET = "s3cret-token-of-a-robot"


class Service:
    """A push service: what it was sent, and what it answers, 200 at the end."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.arrived = threading.Condition()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with service.arrived:
                    status = service.answers.pop(0) if service.answers else 200
                    if status == 200:
                        service.received.append({"path": self.path, **json.loads(body)})
                    service.arrived.notify_all()
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}/{SECRET}"

    async def wait(self, count: int) -> list[dict[str, Any]]:
        def ready() -> bool:
            with self.arrived:
                return self.arrived.wait_for(
                    lambda: len(self.received) >= count, timeout=PATIENCE_S
                )

        assert await asyncio.to_thread(ready), f"only {len(self.received)} of {count} arrived"
        return self.received
