"""A small manager that does as it is told: refuses, falls silent, cuts, sends garbage."""

from __future__ import annotations

import asyncio

from patience import PATIENCE_S

SECRET = "s3cret-of-the-test"


class FakeAmi:
    """Speaks just enough of the manager protocol; `lists` are its answers to list actions."""

    def __init__(self):
        self.greeting = b"Asterisk Call Manager/11.0.0\r\n"
        self.refuse = False
        self.silent = False
        self.lists = {"CoreShowChannels": [], "Status": [], "QueueStatus": []}
        self.started = "2026-11-21 08:00:00"
        self.logins = 0
        self.pings = 0
        self.actions = []
        self.changed = asyncio.Condition()
        self._server = None
        self._writers = set()
        self.port = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc):
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self):
        for writer in list(self._writers):
            writer.transport.abort()

    def send(self, *messages):
        for writer in self._writers:
            for headers in messages:
                writer.write(render(headers))

    def send_raw(self, data):
        for writer in self._writers:
            writer.write(data)

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(condition)

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            writer.write(self.greeting)
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                action = dict(line.split(": ", 1) for line in raw.decode().split("\r\n") if line)
                if not self.silent:
                    self._answer(writer, action)
                async with self.changed:
                    self.changed.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the server's own end, not a cancelled test
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, writer, action):
        name, action_id = action["Action"], action.get("ActionID", "")
        self.actions.append(action)
        if name == "Login":
            self.logins += 1
            if self.refuse or action["Secret"] != SECRET:
                reply = [("Response", "Error"), ("Message", "Authentication failed")]
            else:
                reply = [("Response", "Success"), ("Message", "Authentication accepted")]
        elif name == "Ping":
            self.pings += 1
            reply = [("Response", "Success"), ("Ping", "Pong")]
        elif name == "CoreStatus":
            day, hour = self.started.split()
            reply = [("Response", "Success"), ("CoreStartupDate", day), ("CoreStartupTime", hour)]
        elif name in self.lists:
            self._list(writer, name, action_id)
            return
        else:
            reply = [("Response", "Error"), ("Message", "Invalid/unknown command")]
        writer.write(render([reply[0], ("ActionID", action_id), *reply[1:]]))
        if name == "Login":
            writer.write(render([("Event", "FullyBooted"), ("Status", "Fully Booted")]))

    def _list(self, writer, name, action_id):
        mark = ("ActionID", action_id)
        writer.write(render([("Response", "Success"), mark, ("EventList", "start")]))
        for headers in self.lists[name]:
            writer.write(render([*headers, mark]))
        end = [("Event", f"{name}Complete"), mark, ("EventList", "Complete")]
        writer.write(render(end))


def render(headers):
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode() + b"\r\n"
