"""Whatever is sent to any route by whomever, the server answers and does not fall over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from console_world import Call, World, running
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.schemas import APIOperation

from agent_console import users
from agent_console.access import API, COOKIE
from agent_console.permissions import ROLES, Role
from agent_console.server import ConsoleServer
from agent_console.site import Site

EXAMPLES = 6


class Fuzzer:
    """Sends generated requests to a server; `statuses` by route, `failed` in words."""

    def __init__(self, server: ConsoleServer, known: dict[str, str]) -> None:
        self.statuses: dict[str, set[int]] = {}
        self.failed: list[str] = []
        self._server = server
        self._known = known

    def run(self) -> None:
        """Try every route. Blocks."""
        schema = schemathesis.openapi.from_url(f"{self._server.address}{API}/openapi.json")
        for found in schema.get_all_operations():
            self._try(found.ok())

    def _try(self, operation: APIOperation) -> None:
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(), st.sampled_from([None, *ROLES]), st.booleans())
        def ask(case: Case, role: Role | None, real: bool) -> None:  # noqa: FBT001 - drawn
            self._send(operation.label, case, role, self._known if real else {})

        ask()

    def _send(self, label: str, case: Case, role: Role | None, known: dict[str, str]) -> None:
        for name in case.path_parameters.keys() & known.keys():
            case.path_parameters[name] = known[name]
        cookies = {}
        if role is not None:
            # A new one each time: some requests end theirs.
            cookies[COOKIE], _ = self._server.context.sessions.open(f"fuzz-{role}", role)
        answer = case.call(cookies=cookies, headers={"Origin": self._server.address})
        self.statuses.setdefault(label, set()).add(answer.status_code)
        if answer.status_code >= 500:
            self.failed.append(f"{role}: {case.as_curl_command()} → {answer.text}")


async def test_no_request_of_anybody_makes_the_server_fail(desk: World, tmp_path: Path) -> None:
    with desk.engine.begin() as connection:
        for role in ROLES:
            details: dict[str, Any] = {"agent": "PJSIP/1001"} if role == "agent" else {}
            users.create_user(connection, f"fuzz-{role}", None, role, now=0.0, **details)
    call = Call(desk, "one")
    await call.join(ago=30)
    await call.connect(ago=20)
    await call.say("s1", "customer", "我要投诉", start=1.0)
    alert = await call.alert("a", segment="s1")
    await call.end()
    known = {"call_id": call.id, "alert_id": alert, "username": "fuzz-agent"}
    server = desk.server(site=Site(recordings=tmp_path), lead_password=None)
    async with running(server):
        fuzzer = Fuzzer(server, known)
        await asyncio.to_thread(fuzzer.run)
        async with httpx.AsyncClient(base_url=server.address) as client:
            assert (await client.get(f"{API}/health")).status_code == 200
    assert not fuzzer.failed, "\n".join(fuzzer.failed)
    assert len(fuzzer.statuses) > 60
    assert {200, 401, 403, 422} <= set().union(*fuzzer.statuses.values())
