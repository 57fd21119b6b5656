"""Login by OpenID Connect, against a provider that runs in the test and checks as a real one."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from console_rig import ORIGIN, Rig, is_problem, rig
from console_world import World
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from agent_console import users
from agent_console.access import API, COOKIE
from agent_console.oidc import OidcClient, own_page
from agent_console.settings import ConsoleSettings, OidcSettings

ISSUER = "https://id.hospital.test"
KEY = RSAKey.generate_key(2048, {"kid": "1"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "1"})


class Provider:
    """Grants a code for a signed-in person and swaps it once, with PKCE, for an identity token."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"sub": "17", "preferred_username": "wang", "name": "王芳"}
        self.lie: dict[str, Any] = {}
        self.key = KEY
        self._codes: dict[str, dict[str, str]] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
            ]
        )

    async def _discovery(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/keys",
            }
        )

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        assert query["response_type"] == "code"
        assert query["client_id"] == "tingzhen"
        assert query["code_challenge_method"] == "S256"
        code = base64.urlsafe_b64encode(hashlib.sha256(query["state"].encode()).digest()).decode()
        self._codes[code] = query
        back = httpx.URL(query["redirect_uri"], params={"state": query["state"], "code": code})
        return RedirectResponse(str(back), 303)

    async def _token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        asked = self._codes.pop(form["code"][0], None)
        secret = base64.b64decode(request.headers["authorization"].split()[1]).decode()
        if (
            asked is None
            or secret != "tingzhen:shared"
            or asked["redirect_uri"] != form["redirect_uri"][0]
            or create_s256_code_challenge(form["code_verifier"][0]) != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": "tingzhen",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.person,
            **self.lie,
        }
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": token})

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [KEY.as_dict(private=False)]})


def refused(answer: httpx.Response) -> bool:
    """Whether the browser was sent to the login page, which says so, and nobody is logged in."""
    sent = (answer.status_code, answer.headers["location"])
    return sent == (303, "/#oidc_refused") and COOKIE not in answer.cookies


@pytest.fixture
def provider() -> Provider:
    return Provider()


def settings(**changes: Any) -> OidcSettings:
    return OidcSettings(issuer=ISSUER, client_id="tingzhen", client_secret="shared", **changes)


@pytest.fixture
async def console(desk: World, provider: Provider) -> AsyncIterator[Rig]:
    async with rig(desk, oidc=settings()) as console:
        connect(console, provider, settings())
        yield console


def connect(console: Rig, provider: Provider, chosen: OidcSettings) -> None:
    transport = httpx.ASGITransport(provider.app)
    console.context.oidc = OidcClient(chosen, time.monotonic, transport)


async def come_in(client: httpx.AsyncClient, provider: Provider, **params: str) -> httpx.Response:
    """What a browser does: to the provider, and back with what it was given."""
    begun = await client.get(f"{API}/login/oidc", params=params)
    assert begun.status_code == 303
    assert begun.headers["location"].startswith(f"{ISSUER}/authorize?")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(provider.app)) as elsewhere:
        back = (await elsewhere.get(begun.headers["location"])).headers["location"]
    assert back.startswith(f"{ORIGIN}{API}/login/oidc/callback?")
    parts = urlsplit(back)
    # From another site, so without our strict cookies, but with the lax one.
    return await client.get(f"{parts.path}?{parts.query}", headers={"Sec-Fetch-Site": "cross-site"})


async def test_whom_the_provider_knows_comes_in_and_is_bound_to_the_account(
    console: Rig, provider: Provider
) -> None:
    console.user("wang", "lead")
    async with console.client() as client:
        assert (await client.get(f"{API}/login/methods")).json() == {
            "password": True,
            "oidc": "单点登录 SSO",
        }
        done = await come_in(client, provider)
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert (await client.get(f"{API}/me")).json()["username"] == "wang"
        [session] = (await client.get(f"{API}/sessions")).json()
        assert session["via"] == "oidc"
    # Another name at the provider later: it is the subject that counts.
    provider.person["preferred_username"] = "li"
    async with console.client() as client:
        await come_in(client, provider)
        assert (await client.get(f"{API}/me")).json()["username"] == "wang"


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/", "/"),
        ("/history?q=%E6%8A%95%E8%AF%89&state=ended", "/history?q=%E6%8A%95%E8%AF%89&state=ended"),
        ("/calls/0b1e?t=22.5", "/calls/0b1e?t=22.5"),
        ("", "/"),
        ("history", "/"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("///evil.test", "/"),
        ("/\\evil.test", "/"),
        ("\\/evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("/\n/evil.test", "/"),
        (" //evil.test", "/"),
        ("/history\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("/api/v1/login/oidc", "/"),
        ("/" + "x" * 2000, "/"),
    ],
)
async def test_a_login_leads_back_to_the_page_that_was_asked_for_and_to_nobody_elses(
    console: Rig, provider: Provider, asked: str, led: str
) -> None:
    console.user("wang", "lead")
    async with console.client() as client:
        done = await come_in(client, provider, to=asked)
        assert (done.status_code, done.headers["location"]) == (303, led)
        assert "set-cookie" in done.headers
        assert "a=b" not in done.headers["set-cookie"]


@given(st.text(alphabet=st.sampled_from("/\\.:@?#%25 \t\nehvil") | st.characters()))
def test_nothing_leads_to_another_server(asked: str) -> None:
    page = own_page(asked)
    # As browsers read an address: white space goes, and a backslash is a slash.
    seen = re.sub(r"[\t\r\n]", "", page.strip("".join(map(chr, range(33))))).replace("\\", "/")
    led = urlsplit(urljoin("https://console.test/login", seen))
    assert (led.scheme, led.netloc) == ("https", "console.test")
    assert page in {asked, "/"}


async def test_a_name_at_the_provider_takes_over_no_account(
    console: Rig, provider: Provider
) -> None:
    with console.context.engine.begin() as connection:
        users.create_user(connection, "wang", "long enough", "admin", now=0.0)
    async with console.client() as client:
        assert refused(await come_in(client, provider))
    provider.person = {"sub": "18", "preferred_username": "nobody"}
    async with console.client() as client:
        assert refused(await come_in(client, provider))


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://elsewhere.test"},
        {"aud": "another"},
        {"nonce": "another"},
        {"exp": 1000},
        {"sub": None},
    ],
)
async def test_what_is_not_said_to_us_now_is_not_believed(
    console: Rig, provider: Provider, lie: dict[str, Any]
) -> None:
    console.user("wang", "lead")
    provider.lie = lie
    async with console.client() as client:
        assert refused(await come_in(client, provider))
        assert is_problem(await client.get(f"{API}/me"), 401, "login_required")


async def test_a_token_that_another_signed_is_not_believed(
    console: Rig, provider: Provider
) -> None:
    console.user("wang", "lead")
    provider.key = OTHER_KEY
    async with console.client() as client:
        assert refused(await come_in(client, provider))


async def test_a_login_begun_in_another_browser_ends_in_nothing(
    console: Rig, provider: Provider
) -> None:
    console.user("wang", "lead")
    async with console.client() as mine, console.client() as victim:
        begun = (await mine.get(f"{API}/login/oidc")).headers["location"]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(provider.app)) as elsewhere:
            back = (await elsewhere.get(begun)).headers["location"]
        assert refused(await victim.get(back))
        # And it was good once only.
        assert refused(await mine.get(back))


async def test_groups_give_roles_and_new_users_when_the_site_says_so(
    console: Rig, provider: Provider
) -> None:
    chosen = settings(
        create_users=True, role_claim="groups", roles={"staff": "agent", "qa": "inspector"}
    )
    connect(console, provider, chosen)
    provider.person |= {"groups": ["staff", "qa", "other"]}
    async with console.client() as client:
        await come_in(client, provider)
        me = (await client.get(f"{API}/me")).json()
        assert (me["username"], me["role"], me["name"]) == ("wang", "inspector", "王芳")
    provider.person["groups"] = ["staff"]
    async with console.client() as client:
        await come_in(client, provider)
        assert (await client.get(f"{API}/me")).json()["role"] == "agent"


async def test_a_provider_that_is_away_is_said_so(console: Rig) -> None:
    def away(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    console.context.oidc = OidcClient(settings(), time.monotonic, httpx.MockTransport(away))
    async with console.client() as client:
        assert refused(await client.get(f"{API}/login/oidc"))


async def test_without_a_provider_there_is_no_such_login(desk: World) -> None:
    async with rig(desk) as console, console.client() as client:
        assert (await client.get(f"{API}/login/methods")).json()["oidc"] is None
        assert is_problem(await client.get(f"{API}/login/oidc"), 404, "not_found")


def test_the_secret_is_in_no_text() -> None:
    assert "shared" not in repr(ConsoleSettings(oidc=settings()))
