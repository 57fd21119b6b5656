"""Who came in by a one-time link chooses a password before the server does anything else."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from console_rig import Rig, is_problem, rig
from console_world import PASSWORD, World, running

from agent_console import devices, links, session_rows, users
from agent_console.access import API
from agent_console.permissions import PERMISSIONS, ROLES, Role, route_key
from agent_console.sessions import SessionStore

CHOSEN = "a good long one"
FIRST = {"GET /me", "PATCH /me", "POST /me/password", "POST /logout"}


@pytest.fixture
async def console(desk: World) -> AsyncIterator[Rig]:
    async with rig(desk) as console:
        yield console


def newcomer(console: Rig, role: Role) -> httpx.AsyncClient:
    """The browser of somebody whom a link let in and who has a password to choose."""
    client = console.log_in("newcomer", role, password_due=True)
    for session in console.context.sessions.all():
        session.via = "link"
    return client


async def link_of(console: Rig, username: str) -> dict[str, str]:
    """A link as an admin makes it."""
    async with console.log_in("boss", "admin") as admin:
        made = (await admin.post(f"{API}/users/{username}/link")).json()
    return {"token": made["path"].partition("#t=")[2]}


def test_what_is_open_before_is_what_choosing_needs() -> None:
    assert {key for key, rule in PERMISSIONS.items() if rule.first} == FIRST


@pytest.mark.parametrize("role", ROLES)
async def test_every_other_route_is_refused_to_every_role(console: Rig, role: Role) -> None:
    refused = 0
    async with newcomer(console, role) as client:
        for path, item in sorted(console.app.openapi()["paths"].items()):
            for method in item:
                key = route_key(method.upper(), path.removeprefix(API))
                if PERMISSIONS[key].public or key in FIRST:
                    continue
                answer = await client.request(method.upper(), re.sub(r"{[^}]*}", "x", path))
                assert is_problem(answer, 403, "password_required"), key
                refused += 1
        assert refused > 60
        assert (await client.get(f"{API}/me")).json()["choose_password"]
        answer = await client.patch(f"{API}/me", json={"language": "en"})
        assert answer.json()["language"] == "en"


async def test_a_new_user_chooses_and_everything_opens(console: Rig) -> None:
    console.user("li", "lead")
    async with console.client() as client:
        entered = await client.post(f"{API}/login/link", json=await link_of(console, "li"))
        assert entered.json()["choose_password"]
        assert is_problem(await client.get(f"{API}/calls"), 403, "password_required")
        assert is_problem(await client.post(f"{API}/ws-ticket"), 403, "password_required")
        short = await client.post(f"{API}/me/password", json={"new": "short"})
        assert is_problem(short, 422, "invalid_request")
        assert is_problem(await client.get(f"{API}/calls"), 403, "password_required")
        assert (await client.post(f"{API}/me/password", json={"new": CHOSEN})).status_code == 204
        assert not (await client.get(f"{API}/me")).json()["choose_password"]
        assert (await client.get(f"{API}/calls")).status_code == 200
        assert (await client.post(f"{API}/ws-ticket")).status_code == 200
        # From now on a change needs the password that was chosen.
        again = await client.post(f"{API}/me/password", json={"new": CHOSEN + "2"})
        assert is_problem(again, 403, "password_refused")


async def test_who_forgot_a_password_chooses_another_and_the_old_one_is_over(
    console: Rig, desk: World
) -> None:
    with desk.engine.begin() as connection:
        users.create_user(connection, "li", PASSWORD, "lead", now=0.0)
    known = {"username": "li", "password": PASSWORD}
    async with console.client() as elsewhere, console.client() as client:
        assert not (await elsewhere.post(f"{API}/login", json=known)).json()["choose_password"]
        entered = await client.post(f"{API}/login/link", json=await link_of(console, "li"))
        assert entered.json()["choose_password"]
        # Who came in by the password goes on until there is another one.
        assert (await elsewhere.get(f"{API}/calls")).status_code == 200
        assert (await client.post(f"{API}/me/password", json={"new": CHOSEN})).status_code == 204
        assert is_problem(await elsewhere.get(f"{API}/calls"), 401, "login_required")
        assert is_problem(await elsewhere.post(f"{API}/login", json=known), 401, "login_refused")


async def test_a_restart_lets_nobody_past_a_password_that_is_due(desk: World) -> None:
    async with running(desk.server(lead_password=None)) as server:
        token = {"token": server.login_link(server.newcomer or "").partition("#t=")[2]}
        async with httpx.AsyncClient(base_url=server.address) as client:
            client.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
            assert (await client.post(f"{API}/login/link", json=token)).json()["choose_password"]
            cookies = client.cookies
    async with (
        running(desk.server(lead_password=None)) as server,
        httpx.AsyncClient(base_url=server.address, cookies=cookies) as client,
    ):
        assert is_problem(await client.get(f"{API}/users"), 403, "password_required")
        assert (await client.post(f"{API}/me/password", json={"new": CHOSEN})).status_code == 204
        [mine] = (await client.get(f"{API}/sessions")).json()
        assert (mine["via"], mine["device"]) == ("password", "Firefox · Linux")
    with desk.engine.connect() as connection:
        store = SessionStore(3600, lambda: 0.0)
        session_rows.restore(connection, store, time.time())
    assert [(one.via, one.device) for one in store.all()] == [("password", "Firefox · Linux")]


async def test_a_link_that_asks_for_nothing_goes_on_asking_for_nothing(
    console: Rig, desk: World
) -> None:
    console.user("li", "lead")
    with desk.engine.begin() as connection:
        token = links.issue(connection, "li", time.time())
    async with console.client() as client:
        entered = await client.post(f"{API}/login/link", json={"token": token})
        assert not entered.json()["choose_password"]
        assert (await client.get(f"{API}/calls")).status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge · Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome · Android"),
        ("curl/8.5.0", ""),
        ("", ""),
        ("x" * 5000, ""),
    ],
)
def test_a_login_is_named_by_its_browser(user_agent: str, name: str) -> None:
    assert devices.name_of(user_agent) == name
