"""Whether the console works, for monitoring; no login, so nothing about calls."""

from __future__ import annotations

import importlib.metadata

from fastapi import APIRouter
from pydantic import BaseModel

from agent_console.access import Context
from asr.events import AsrHealth
from telephony.events import PbxHealth

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """`pbx_up` and `asr_ready` are null while nothing has been heard of them."""

    status: str
    version: str
    live: bool
    pbx_up: bool | None
    asr_ready: bool | None


@router.get("/health")
async def health(context: Context) -> Health:
    """Tell how the parts are."""
    known = context.projector.state.health.values()
    pbxs = [event.up for event in known if isinstance(event, PbxHealth)]
    recognisers = [event.ready for event in known if isinstance(event, AsrHealth)]
    live = context.projector.ready.is_set()
    return Health(
        status="ok" if live else "starting",
        version=importlib.metadata.version("tingzhen"),
        live=live,
        pbx_up=all(pbxs) if pbxs else None,
        asr_ready=all(recognisers) if recognisers else None,
    )
