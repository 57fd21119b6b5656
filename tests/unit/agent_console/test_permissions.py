"""Every route of the API × every role, and what lies outside a user's scope."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from console_rig import Rig, is_problem, rig
from console_world import World
from fastapi import APIRouter, Depends

from agent_console.access import API, authorise
from agent_console.app import create_app
from agent_console.permissions import PERMISSIONS, ROLES, Role, route_key
from telephony.control.permissions import ACTIONS, PERMITTED

ANYBODY = {
    "GET /health",
    "GET /login/methods",
    "GET /login/oidc",
    "GET /login/oidc/callback",
    "POST /login",
    "POST /login/link",
    "WS /live",
}
AGENTS_MAY = {
    "DELETE /sessions/{}",
    "GET /agents",
    "GET /alerts",
    "GET /alerts/{}",
    "GET /calls",
    "GET /calls/{}",
    "GET /calls/{}/caller",
    "GET /calls/{}/register",
    "GET /complaints",
    "GET /complaints/{}",
    "GET /control/phone",
    "GET /inspections",
    "GET /inspections/{}",
    "GET /knowledge",
    "GET /knowledge/{}",
    "GET /me",
    "GET /queues",
    "GET /registers",
    "GET /registers/agents",
    "GET /registers/unwritten",
    "GET /sessions",
    "GET /topics",
    "PATCH /me",
    "POST /calls/{}/empathy/{}",
    "POST /complaints",
    "POST /inspections/{}/appeal",
    "POST /logout",
    "POST /me/password",
    "POST /ws-ticket",
    "PUT /calls/{}/register",
    "PUT /calls/{}/register/draft",
    "PUT /callers/{}/card",
}


@pytest.fixture
async def console(desk: World) -> AsyncIterator[Rig]:
    async with rig(desk) as console:
        yield console


def keys(console: Rig) -> dict[str, tuple[str, str]]:
    """Routes as the table names them, with method and path to call."""
    found = {}
    for path, item in console.app.openapi()["paths"].items():
        for method in item:
            key = route_key(method.upper(), path.removeprefix(API))
            found[key] = (method.upper(), re.sub(r"{[^}]*}", "x", path))
    return found


async def test_every_route_has_its_rule(console: Rig) -> None:
    assert set(keys(console)) <= set(PERMISSIONS)
    assert len(keys(console)) > 30


async def test_who_may_what_is_what_was_decided() -> None:
    assert {key for key, rule in PERMISSIONS.items() if rule.public} == ANYBODY
    closed = {key: rule for key, rule in PERMISSIONS.items() if not rule.public}
    assert {key for key, rule in closed.items() if "agent" in rule.roles} == AGENTS_MAY
    for beginning in ("POST /users", "PATCH /users", "DELETE /users", "GET /audit"):
        rules = [rule for key, rule in closed.items() if key.startswith(beginning)]
        assert rules, beginning
        assert {rule.roles for rule in rules} == {frozenset({"manager", "admin"})}, beginning
    for part in ("/audio", "/waveform"):
        rules = [rule for key, rule in closed.items() if part in key]
        assert rules, part
        assert {rule.roles for rule in rules} == {frozenset({"lead", "inspector", "manager"})}, part


async def test_control_is_permitted_as_the_pbx_side_says() -> None:
    named = {rule.action: rule.roles for rule in PERMISSIONS.values() if rule.action}
    spoken = {"whisper", "barge"}  # the path's last part chooses; control itself checks them
    assert set(named) == set(ACTIONS) - spoken
    for action, roles in named.items():
        assert roles == {role for role in ROLES if action in PERMITTED.get(role, ())}, action


@pytest.mark.parametrize("role", [None, *ROLES])
async def test_every_route_takes_in_whom_its_rule_names_and_nobody_else(
    console: Rig, role: Role | None
) -> None:
    routes = keys(console)
    for key, (method, path) in sorted(routes.items()):
        rule = PERMISSIONS[key]
        client = console.client() if role is None else console.log_in("somebody", role)
        async with client:
            answer = await client.request(method, path)
        if rule.public:
            assert not is_problem(answer, 401, "login_required"), key
        elif role is None:
            assert is_problem(answer, 401, "login_required"), key
        elif role not in rule.roles:
            assert is_problem(answer, 403, "not_permitted"), key
        else:
            assert answer.status_code not in {401, 403, 405}, (key, answer.text)
            assert answer.status_code < 500 or answer.status_code == 503, (key, answer.text)


async def test_a_route_that_nobody_thought_of_is_refused_to_everybody(console: Rig) -> None:
    reached = []
    forgotten = APIRouter(prefix=API, dependencies=[Depends(authorise)])
    forgotten.add_api_route("/forgotten", lambda: reached.append(1))
    console.app = create_app(console.context)
    console.app.include_router(forgotten)
    for role in ROLES:
        async with console.log_in(role, role) as client:
            assert is_problem(await client.get(f"{API}/forgotten"), 403, "no_rule")
    assert not reached


async def test_an_unknown_session_is_nobody(console: Rig) -> None:
    async with console.client() as client:
        client.cookies.set("tingzhen_session", "made up")
        assert is_problem(await client.get(f"{API}/calls"), 401, "login_required")
