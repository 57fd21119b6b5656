"""Where a running lab is reached."""

from __future__ import annotations

import socket

import msgspec

LOOPBACK = "127.0.0.1"


class LabAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses and secrets of one running lab; everything is on loopback.

    Attributes:
        ami_host: Host of the manager interface.
        ami_port: TCP port of the manager interface.
        ami_user: The listening user: least rights, noise filtered out.
        ami_secret: Its secret.
        ami_admin_user: The user who may do everything, without a filter.
        ami_admin_secret: Its secret.
        ari_url: Base of the ARI, for example ``http://127.0.0.1:8088/ari``.
        ari_user: ARI user.
        ari_secret: Its secret.
        sip_host: Host of the SIP transport.
        sip_port: UDP and TCP port of the SIP transport.
        audiosocket_host: Host that the dialplan's export context dials.
        audiosocket_port: Port that it dials; a media server listens there.
        websocket_host: Host that chan_websocket connects to.
        websocket_port: Port that it connects to.
        queues: Names of the queues; a caller dials the name.
        agents: Extensions of the agents, for example ``1001`` for PJSIP/1001.
        state_dir: Folder of the instance, which holds its logs.
    """

    ami_host: str
    ami_port: int
    ami_user: str
    ami_secret: str
    ami_admin_user: str
    ami_admin_secret: str
    ari_url: str
    ari_user: str
    ari_secret: str
    sip_host: str
    sip_port: int
    audiosocket_host: str
    audiosocket_port: int
    websocket_host: str
    websocket_port: int
    queues: tuple[str, ...]
    agents: tuple[str, ...]
    state_dir: str


def unused_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = LOOPBACK) -> int:
    """Return a port that nothing is bound to at this moment.

    Args:
        kind: ``SOCK_STREAM`` or ``SOCK_DGRAM``.
        host: The address it is to be unused on.
    """
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
