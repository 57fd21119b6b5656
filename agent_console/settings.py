"""What can be set about the console."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from agent_console.permissions import Role


class OidcSettings(BaseModel):
    """`[console.oidc]`: an OpenID Connect provider that lets users in (extra `oidc`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(pattern=r"^https?://", description="The provider's address.")
    client_id: str = Field(min_length=1, description="What the provider calls this console.")
    client_secret: SecretStr | None = Field(None, description="Unset: a public client.")
    label: str = Field("单点登录 SSO", description="What stands on the button.")
    scope: str = Field("openid profile", description="What is asked for.")
    username_claim: str = Field(
        "preferred_username", description="Names the user who is bound at the first login."
    )
    role_claim: str = Field("", description="Claim with groups; unset: roles are set here.")
    roles: dict[str, Role] = Field({}, description="Which group has which role.")
    create_users: bool = Field(
        False, description="Make users who come for the first time and have one of the roles."
    )
    redirect_url: str = Field(
        "",
        description=(
            "Address of /api/v1/login/oidc/callback as browsers reach it; unset: as they asked."
        ),
    )


class ConsoleSettings(BaseModel):
    """The console's address, its limits, and when a number on the page turns red."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8787, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    allowed_origins: tuple[str, ...] = Field(
        (),
        description="Further origins (scheme://host[:port]) that may use the API from a browser.",
    )
    secure_cookies: bool | None = Field(
        None, description="Send the session cookie over HTTPS only; unset: when the request was."
    )
    lead_password: SecretStr | None = Field(
        None, description="Makes a user `lead` with this password; unset: no such user is made."
    )
    oidc: OidcSettings | None = Field(
        None, description="An OpenID Connect provider; unset: passwords and links only."
    )
    session_hours: float = Field(12, gt=0, description="A session ends after this long unused.")
    ticket_s: float = Field(30, gt=0, description="How long a websocket ticket is good for.")
    login_failures: int = Field(
        5, ge=1, description="Failed logins of one user from one address before it must wait."
    )
    login_window_s: float = Field(300, gt=0, description="Over which failed logins are counted.")
    ws_max_size: int = Field(
        65_536, ge=1024, description="Largest websocket message taken from a browser, in bytes."
    )
    client_queue: int = Field(
        1000, ge=1, description="Messages kept in memory for a slow browser, per delivery class."
    )
    send_timeout_s: float = Field(
        5, gt=0, description="A browser that takes no byte for this long is let go."
    )
    behind_limit_s: float = Field(
        30, gt=0, description="A browser that cannot catch up for this long is let go."
    )
    compress_live: bool = Field(
        False,
        description="Compress the live feed (permessage-deflate): for browsers on slow lines.",
    )
    heartbeat_s: float = Field(10, gt=0, description="How often the server's time is sent.")
    resume_limit: int = Field(
        5000, ge=0, description="A page further behind than this gets a fresh snapshot instead."
    )
    keep_tapes: bool = Field(
        True,
        description="Keep what the live page showed of a call on the way, so that a replay shows "
        "how sentences were revised; a few kilobytes a call.",
    )
    ended_shown: int = Field(30, ge=0, description="Ended calls kept on the live page.")
    in_progress_hours: float = Field(
        4, gt=0, description="A call without an end that began longer ago is not shown as live."
    )
    wait_limit_s: float = Field(15, gt=0, description="A longer wait is shown as over the limit.")
    ring_limit: int = Field(3, ge=1, description="More rings are shown as over the limit.")
    talk_limit_s: float = Field(300, gt=0, description="A longer talk is shown as over the limit.")
