"""Coming in by an OpenID Connect provider: the code flow with PKCE. Needs the extra `oidc`.

Only what `begin` handed out may come back, once and from the same browser; the identity token's
signature, issuer, audience, nonce and time are checked before anything in it is believed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import Connection

from agent_console import users
from agent_console.permissions import ROLES, Role
from agent_console.sessions import OneTimeTokens
from agent_console.settings import OidcSettings
from backbone.errors import UserError

_PENDING_S = 600.0
_TIMEOUT_S = 10.0
_LEEWAY_S = 60
_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA"]
"""Signatures with a key that only the provider has."""

_OWN_PAGE = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,1000}")

_EXTRA = "login by OpenID Connect needs the extra: pip install 'tingzhen[oidc]'"


class OidcError(Exception):
    """Nobody came in; the text is fit for people."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and what it must bring back in a cookie."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who came in, by the provider's word."""

    subject: str
    username: str
    name: str
    role: Role | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A login that was believed, and the page of ours that it was begun on."""

    identity: Identity
    page: str


@dataclass(frozen=True, slots=True)
class _Pending:
    page: str
    browser: str
    nonce: str
    verifier: str
    redirect: str


class OidcClient:
    """One provider.

    Args:
        settings: of it.
        monotonic: what waiting logins are timed with.
        transport: of HTTP requests to the provider; None for the network.

    Raises:
        UserError: the extra is not installed.
    """

    def __init__(
        self,
        settings: OidcSettings,
        monotonic: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        try:
            import authlib.oauth2  # noqa: F401, PLC0415 - is it there?
        except ImportError:
            raise UserError(_EXTRA) from None
        self.settings = settings
        self._transport = transport
        self._pending: OneTimeTokens[_Pending] = OneTimeTokens(_PENDING_S, monotonic)
        self._metadata: Mapping[str, Any] | None = None

    async def begin(self, redirect: str, page: str = "/") -> Begun:
        """Start a login; `redirect` is our callback's address, `page` where it is to lead then.

        Raises:
            OidcError: the provider does not answer.
        """
        from authlib.oauth2.rfc6749.parameters import (  # noqa: PLC0415 - an extra
            prepare_grant_uri,
        )
        from authlib.oauth2.rfc7636 import (  # noqa: PLC0415 - an extra
            create_s256_code_challenge,
        )

        metadata = await self._discover()
        pending = _Pending(
            page,
            secrets.token_urlsafe(24),
            secrets.token_urlsafe(24),
            secrets.token_urlsafe(48),
            redirect,
        )
        state = self._pending.issue(pending)
        url = prepare_grant_uri(
            metadata["authorization_endpoint"],
            self.settings.client_id,
            "code",
            redirect,
            self.settings.scope,
            state,
            nonce=pending.nonce,
            code_challenge=create_s256_code_challenge(pending.verifier),
            code_challenge_method="S256",
        )
        return Begun(url, pending.browser)

    async def finish(self, state: str, code: str, browser: str) -> Finished:
        """Take in what the provider sent back.

        Raises:
            OidcError: it does not belong to a login that was begun, or is not to be believed.
        """
        pending = self._pending.redeem(state)
        if pending is None or not secrets.compare_digest(pending.browser, browser):
            raise OidcError("This login was not begun here, or took too long. Begin again.")
        metadata = await self._discover()
        try:
            async with self._client() as client:
                token = (await self._swap(client, metadata["token_endpoint"], code, pending)).json()
                keys = (await client.get(metadata["jwks_uri"])).json()
            claims = _believed(token["id_token"], keys, self.settings, metadata, pending.nonce)
        except Exception as error:
            # Whatever a provider answers: a library's error, no JSON, no token. None is ours.
            raise OidcError("The provider's answer cannot be believed.") from error
        return Finished(self._identity(claims), pending.page)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        groups = claims.get(self.settings.role_claim, ()) if self.settings.role_claim else ()
        held = {groups} if isinstance(groups, str) else set(groups)
        roles = [role for group, role in self.settings.roles.items() if group in held]
        return Identity(
            subject=f"{self.settings.issuer} {claims['sub']}",
            username=str(claims.get(self.settings.username_claim, "")),
            name=str(claims.get("name", ""))[:64],
            role=max(roles, key=ROLES.index) if roles else None,
        )

    async def _discover(self) -> Mapping[str, Any]:
        if self._metadata is None:
            url = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            try:
                async with self._client() as client:
                    answer = await client.get(url)
                    answer.raise_for_status()
                    metadata = answer.json()
                    known = metadata["issuer"].rstrip("/") == self.settings.issuer.rstrip("/")
            except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise OidcError("The identity provider does not answer.") from error
            if not known:
                raise OidcError("The identity provider calls itself by another name.")
            self._metadata = metadata
        return self._metadata or {}

    async def _swap(
        self, client: httpx.AsyncClient, endpoint: str, code: str, pending: _Pending
    ) -> httpx.Response:
        from authlib.oauth2.rfc6749.parameters import (  # noqa: PLC0415 - an extra
            prepare_token_request,
        )

        own, secret = self.settings.client_id, self.settings.client_secret
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=pending.redirect,
            code=code,
            code_verifier=pending.verifier,
            **({} if secret is not None else {"client_id": own}),
        )
        answer = await client.post(
            endpoint,
            content=body,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            auth=httpx.Auth()
            if secret is None
            else httpx.BasicAuth(own, secret.get_secret_value()),
        )
        return answer.raise_for_status()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self._transport, timeout=_TIMEOUT_S)


def own_page(asked: str) -> str:
    r"""The page that was asked for, if it is surely one of ours; else the first one.

    Only a path of this very server: browsers take `//host`, `/\host` and what they make of these
    by dropping tabs and line ends for another server's address.
    """
    ours = _OWN_PAGE.fullmatch(asked) is not None and not asked.startswith("/api/")
    return asked if ours else "/"


def _believed(
    token: str,
    keys: Any,
    settings: OidcSettings,
    metadata: Mapping[str, Any],
    nonce: str,
) -> Mapping[str, Any]:
    """The claims of an identity token that is signed, for us, of this login, and in time."""
    from joserfc import jwt  # noqa: PLC0415 - comes with the extra
    from joserfc.jwk import KeySet  # noqa: PLC0415 - the same

    decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=_ALGORITHMS)
    jwt.JWTClaimsRegistry(
        leeway=_LEEWAY_S,
        iss={"essential": True, "value": metadata["issuer"]},
        aud={"essential": True, "value": settings.client_id},
        exp={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    ).validate(decoded.claims)
    return decoded.claims


def user_of(
    connection: Connection, identity: Identity, settings: OidcSettings, *, now: float
) -> users.User | None:
    """The user whom an identity lets in; None when there is none and none is to be made.

    A user is known by the provider's subject. The first time it is found by its name, if it has
    no password and is bound to nobody yet, so that a name at the provider takes over no account.
    """
    known = users.find_by_subject(connection, identity.subject)
    if known is None:
        named = users.find_user(connection, identity.username) if identity.username else None
        if named is not None:
            if named.has_password or named.subject is not None:
                return None
            known = users.change_user(connection, named.username, subject=identity.subject)
        elif settings.create_users and identity.role is not None:
            try:
                return users.create_user(
                    connection,
                    identity.username,
                    None,
                    identity.role,
                    now=now,
                    name=identity.name,
                    subject=identity.subject,
                )
            except users.UserError:
                return None
        else:
            return None
    if identity.role is not None and identity.role != known.role:
        try:
            known = users.change_user(connection, known.username, role=identity.role)
        except users.UserError:
            return known  # the only admin stays one
    return known
