"""`tingzhen console`: what concerns the console beside running it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from backbone.errors import UserError
from tingzhen.cli.output import console

app = typer.Typer(help="The console: its API's description, a way in.", no_args_is_help=True)


@app.command("openapi")
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API.

    Examples:

        tingzhen console openapi > openapi.json
    """
    from agent_console.openapi import document

    sys.stdout.write(json.dumps(document(), ensure_ascii=False, indent=1, sort_keys=True) + "\n")


@app.command("link")
def link(
    username: Annotated[str, typer.Argument(help="Whom the link lets in.")],
    config: Annotated[Path | None, typer.Option(help="The node's TOML settings.")] = None,
) -> None:
    """Make a one-time link for a user, good for an hour; the node may be running.

    It is the way back in when every admin has lost the password; a new one is chosen first.

    Examples:

        tingzhen console link admin --config tingzhen.toml
    """
    import time

    from agent_console import links, users
    from backbone.store.engine import open_engine
    from tingzhen.settings import load_settings

    settings = load_settings(config)
    engine = open_engine(settings.store_url)
    try:
        with engine.begin() as connection:
            if users.find_user(connection, username) is None:
                known = ", ".join(user.username for user in users.list_users(connection))
                raise UserError(f"no user {username}; known are: {known or 'none yet'}")
            users.require_password(connection, username)
            token = links.issue(connection, username, time.time())
    finally:
        engine.dispose()
    host = settings.console.host
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.console.port}"
    console.print(address + links.path(token), markup=False, soft_wrap=True)
