"""The HTTP API over a real store, without a socket."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from console_rig import ORIGIN, is_problem
from console_world import CALLER, PASSWORD, Call, World

from agent_console import links, users
from agent_console.app import create_app
from agent_console.context import ConsoleContext
from agent_console.settings import ConsoleSettings
from qa_engine.events import AlertAcknowledged


class Watch:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def context(desk: World, watch: Watch) -> AsyncIterator[ConsoleContext]:
    with desk.engine.begin() as connection:
        users.ensure_lead(connection, PASSWORD, now=0.0)
    context = ConsoleContext.build(
        ConsoleSettings(),
        desk.bus,
        desk.clock,
        desk.counters,
        desk.engine,
        metrics_app=_metrics,
        monotonic=watch,
    )
    projecting = asyncio.create_task(context.projector.run())
    await context.projector.ready.wait()
    yield context
    projecting.cancel()


async def _metrics(_scope, _receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"# metrics"})


@pytest.fixture
async def anybody(context: ConsoleContext) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(context), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


@pytest.fixture
async def lead(anybody: httpx.AsyncClient) -> httpx.AsyncClient:
    answer = await log_in(anybody)
    assert answer.status_code == 200
    return anybody


async def log_in(
    client: httpx.AsyncClient, password: str = PASSWORD, username: str = "lead"
) -> httpx.Response:
    return await client.post("/api/v1/login", json={"username": username, "password": password})


def make_link(context: ConsoleContext, username: str) -> str:
    with context.engine.begin() as connection:
        return links.issue(connection, username, time.time())


# Who may

OPEN_TO_ALL = {
    "POST /api/v1/login",
    "POST /api/v1/login/link",
    "GET /api/v1/login/methods",
    "GET /api/v1/health",
}
WITH_A_PROVIDER = {"GET /api/v1/login/oidc", "GET /api/v1/login/oidc/callback"}
"""Without an OpenID Connect provider in the settings these find nothing, whoever asks."""


async def test_every_route_but_these_needs_a_login(
    context: ConsoleContext, anybody: httpx.AsyncClient
) -> None:
    schema = create_app(context).openapi()
    known = {
        f"{method.upper()} {path}" for path, item in schema["paths"].items() for method in item
    }
    assert known >= OPEN_TO_ALL
    assert len(known - OPEN_TO_ALL) >= 7
    for route in sorted(known - OPEN_TO_ALL - WITH_A_PROVIDER):
        method, path = route.split(" ")
        path = re.sub(r"{[^}]*}", "x", path)
        assert is_problem(await anybody.request(method, path), 401, "login_required"), route


async def test_login_gives_a_cookie_that_scripts_and_other_sites_cannot_use(
    anybody: httpx.AsyncClient,
) -> None:
    answer = await log_in(anybody)
    assert answer.json()["username"] == answer.json()["role"] == "lead"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    assert (await anybody.get("/api/v1/me")).json()["username"] == "lead"


async def test_over_https_the_cookie_is_secure(context: ConsoleContext) -> None:
    transport = httpx.ASGITransport(create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="https://console.test") as client:
        assert "secure" in (await log_in(client)).headers["set-cookie"].lower()


@pytest.mark.parametrize(
    ("username", "password"), [("lead", "wrong password"), ("nobody", PASSWORD)]
)
async def test_a_refused_login_does_not_say_what_was_wrong(
    anybody: httpx.AsyncClient, username: str, password: str
) -> None:
    answer = await log_in(anybody, password, username)
    assert is_problem(answer, 401, "login_refused")
    assert answer.json()["detail"] == "User name or password is wrong."


async def test_guessing_is_slowed_down_and_told_so(
    anybody: httpx.AsyncClient, watch: Watch
) -> None:
    for _ in range(5):
        assert (await log_in(anybody, "wrong password")).status_code == 401
    refused = await log_in(anybody)
    assert is_problem(refused, 429, "too_many_logins")
    assert refused.headers["retry-after"] == "300"
    watch.now += 301
    assert (await log_in(anybody)).status_code == 200


async def test_logout_ends_the_session(lead: httpx.AsyncClient) -> None:
    cookies = dict(lead.cookies)
    assert (await lead.post("/api/v1/logout")).status_code == 204
    lead.cookies.update(cookies)
    assert is_problem(await lead.get("/api/v1/me"), 401, "login_required")


async def test_a_session_that_is_not_used_ends(lead: httpx.AsyncClient, watch: Watch) -> None:
    watch.now += 12 * 3600 + 1
    assert is_problem(await lead.get("/api/v1/me"), 401, "login_required")


async def test_a_login_link_works_once(context: ConsoleContext, anybody: httpx.AsyncClient) -> None:
    token = make_link(context, "lead")
    first = await anybody.post("/api/v1/login/link", json={"token": token})
    assert first.json()["username"] == "lead"
    second = await anybody.post("/api/v1/login/link", json={"token": token})
    assert is_problem(second, 401, "link_refused")


async def test_a_login_link_of_nobody_is_refused(
    context: ConsoleContext, anybody: httpx.AsyncClient
) -> None:
    token = make_link(context, "gone")
    answer = await anybody.post("/api/v1/login/link", json={"token": token})
    assert is_problem(answer, 401, "link_refused")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://console.test.elsewhere.test"},
    ],
)
async def test_a_write_from_another_site_is_refused(
    lead: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await lead.post("/api/v1/ws-ticket", headers=headers)
    assert is_problem(answer, 403, "foreign_origin")


@pytest.mark.parametrize("headers", [{"Origin": ORIGIN}, {"Sec-Fetch-Site": "same-origin"}, {}])
async def test_a_write_from_our_own_page_is_taken(
    lead: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await lead.post("/api/v1/ws-ticket", headers=headers)).status_code == 200


async def test_every_answer_carries_the_security_headers(anybody: httpx.AsyncClient) -> None:
    for path in ("/", "/api/v1/me", "/api/v1/health", "/nowhere"):
        headers = (await anybody.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert (await anybody.get("/api/v1/health")).headers["cache-control"] == "no-store"


# Errors


async def test_bad_requests_are_explained_without_repeating_a_password(
    anybody: httpx.AsyncClient,
) -> None:
    secret = "p" * 300
    answer = await log_in(anybody, secret)
    assert is_problem(answer, 422, "invalid_request")
    assert "password" in answer.json()["detail"]
    assert secret not in answer.text
    assert is_problem(await anybody.get("/api/v1/nowhere"), 404, "not_found")
    assert is_problem(await anybody.get("/api/v1/login"), 405, "method_not_allowed")


async def test_a_store_that_fails_is_told_with_when_to_try_again(
    context: ConsoleContext, lead: httpx.AsyncClient
) -> None:
    with context.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE calls")
    answer = await lead.get("/api/v1/calls")
    assert is_problem(answer, 503, "store_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert "calls" not in answer.json()["detail"]
    assert (await lead.get("/api/v1/me")).status_code == 200


async def test_an_unexpected_error_is_a_problem_too(
    context: ConsoleContext, lead: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_engine: object) -> None:
        raise KeyError("陈桂兰")

    monkeypatch.setattr(type(context.engine), "connect", broken)
    answer = await lead.get("/api/v1/calls")
    assert is_problem(answer, 500, "internal")
    assert "陈桂兰" not in answer.text


# Calls


async def test_calls_come_newest_first_page_by_page(desk: World, lead: httpx.AsyncClient) -> None:
    expected = []
    for number in range(7):
        call = Call(desk, f"call{number}")
        # Two joined at the same moment: the cursor must not lose or repeat one of them.
        await call.join(ago=1000 - number // 2 * 10)
        expected.append(call.id)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = (
            await lead.get(
                "/api/v1/calls", params={"limit": 3} | ({"cursor": cursor} if cursor else {})
            )
        ).json()
        seen += [item["call_id"] for item in page["items"]]
        cursor = page["next"]
    assert cursor is None
    assert len(seen) == 7
    assert set(seen) == set(expected)
    joined = [expected.index(call_id) // 2 for call_id in seen]
    assert joined == sorted(joined, reverse=True)


async def test_calls_are_filtered_and_numbers_masked(desk: World, lead: httpx.AsyncClient) -> None:
    over, going = Call(desk, "over"), Call(desk, "going")
    await over.join()
    await over.connect()
    await over.end()
    await going.join()
    for state, expected in (("ended", over), ("in_progress", going)):
        answer = await lead.get("/api/v1/calls", params={"state": state})
        assert [item["call_id"] for item in answer.json()["items"]] == [expected.id]
        assert answer.json()["items"][0]["caller"] == "•••• 8000"
        assert CALLER not in answer.text


@pytest.mark.parametrize("cursor", ["nonsense", "e30", "!!!", "WzEsIDJd"])
async def test_a_made_up_cursor_is_refused(lead: httpx.AsyncClient, cursor: str) -> None:
    for path in ("calls", "alerts"):
        answer = await lead.get(f"/api/v1/{path}", params={"cursor": cursor})
        assert is_problem(answer, 400, "bad_cursor")


@pytest.mark.parametrize("limit", ["0", "201", "many"])
async def test_a_page_has_a_sane_size(lead: httpx.AsyncClient, limit: str) -> None:
    answer = await lead.get("/api/v1/calls", params={"limit": limit})
    assert is_problem(answer, 422, "invalid_request")


async def test_a_call_tells_all_that_was_heard_and_found(
    desk: World, lead: httpx.AsyncClient
) -> None:
    call = Call(desk, "one")
    await call.join(ago=60)
    await call.ring(ago=55)
    await call.connect(ago=50)
    await call.legs()
    await call.step("opening", "开场问候", "Opening", "done", 10.0)
    text = "你自己不会看吗"
    await call.say("s1", "agent", text, start=2.0)
    await call.hit("s1", text, "不会看")
    alert = await call.alert("a1", segment="s1", phrase="不会看")
    await lead.post(f"/api/v1/alerts/{alert}/ack")
    await call.end()
    answer = await lead.get(f"/api/v1/calls/{call.id}")
    found = answer.json()
    assert CALLER not in answer.text
    assert found["call"]["state"] == "ended"
    assert found["call"]["outcome"] == "answered"
    assert [leg["role"] for leg in found["call"]["legs"]] == ["agent", "customer"]
    assert [turn["text"] for turn in found["call"]["turns"]] == [text]
    assert [hit["span"] for hit in found["call"]["hits"]] == [[3, 6]]
    assert [step["state"] for step in found["call"]["steps"]] == ["done"]
    assert [(a["alert_id"], a["state"]) for a in found["alerts"]] == [(alert, "acknowledged")]
    assert is_problem(await lead.get("/api/v1/calls/unknown"), 404, "not_found")


# Alerts


async def test_an_acknowledgement_is_published_once_and_stays(
    desk: World, lead: httpx.AsyncClient
) -> None:
    heard = desk.bus.subscribe("test", AlertAcknowledged)
    call = Call(desk, "one")
    await call.join()
    alert = await call.alert("a1")
    answers = await asyncio.gather(*(lead.post(f"/api/v1/alerts/{alert}/ack") for _ in range(3)))
    for answer in answers:
        assert answer.json()["state"] == "acknowledged"
        assert answer.json()["acknowledged_by"] == "lead"
        assert answer.json()["acknowledged_at"] == answers[0].json()["acknowledged_at"]
    assert heard.depth == 1
    event = (await anext(heard)).event
    assert isinstance(event, AlertAcknowledged)
    assert (event.alert_id, event.call_id, event.by) == (alert, call.id, "lead")
    stored = (await lead.get("/api/v1/alerts", params={"state": "acknowledged"})).json()
    assert [item["alert_id"] for item in stored["items"]] == [alert]
    assert (await lead.get("/api/v1/alerts", params={"state": "open"})).json()["items"] == []


async def test_an_unknown_alert_cannot_be_acknowledged(lead: httpx.AsyncClient) -> None:
    assert is_problem(await lead.post("/api/v1/alerts/none/ack"), 404, "not_found")


async def test_alerts_come_newest_first_page_by_page(desk: World, lead: httpx.AsyncClient) -> None:
    call = Call(desk, "one")
    await call.join()
    emitted = [await call.alert(f"a{number}") for number in range(5)]
    first = (await lead.get("/api/v1/alerts", params={"limit": 3})).json()
    rest = (await lead.get("/api/v1/alerts", params={"limit": 3, "cursor": first["next"]})).json()
    seen = [item["alert_id"] for item in first["items"] + rest["items"]]
    assert seen == emitted[::-1]
    assert rest["next"] is None


# The rest


async def test_health_and_metrics_need_no_login_and_tell_nothing_of_calls(
    desk: World, anybody: httpx.AsyncClient
) -> None:
    await Call(desk, "one").join()
    health = (await anybody.get("/api/v1/health")).json()
    assert health["status"] == "ok"
    assert health["pbx_up"] is None
    assert set(health) == {"status", "version", "live", "pbx_up", "asr_ready"}
    assert (await anybody.get("/metrics")).text == "# metrics"
