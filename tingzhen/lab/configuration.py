"""Asterisk's configuration: templates with ``${NAME}`` places, filled for one instance.

The same templates make the container image (docker/asterisk). Dialplan variables such as
``${EXTEN}`` look like places too: only the names of `PLACES` are filled.
"""

from __future__ import annotations

import secrets
import socket
import string
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from tingzhen.lab.addresses import LOOPBACK, LabAddresses, unused_port

if TYPE_CHECKING:
    from pathlib import Path

    from tingzhen.lab.install import Installation

QUEUES = (
    "support",
    "supportall",
    "ordered",
    "load",
    "appointment",
    "report",
    "insurance",
    "complaint",
    "enquiry",
    "followup",
)
FIRST_AGENT = 1001
MAX_AGENTS = 999
RTP_PORTS = 2000
"""Size of the RTP range: two ports a leg, so 500 calls at once."""
RTP_LOWEST, RTP_HIGHEST = 10_000, 30_000
"""Below Linux's ephemeral ports, so that no phone's own socket falls into the range."""

PLACES = frozenset(
    {
        "AMI_ADMIN",
        "AMI_ADMIN_SECRET",
        "AMI_BIND",
        "AMI_LISTENER",
        "AMI_LISTENER_SECRET",
        "AMI_PORT",
        "ARI_SECRET",
        "ARI_USER",
        "AUDIOSOCKET_HOST",
        "AUDIOSOCKET_PORT",
        "DATA_DIR",
        "HTTP_BIND",
        "HTTP_PORT",
        "MODULE_DIR",
        "PERMIT",
        "RTP_FIRST",
        "RTP_LAST",
        "SIP_BIND",
        "SIP_PORT",
        "STATE_DIR",
        "WEBSOCKET_HOST",
        "WEBSOCKET_PORT",
    }
)


class LabSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What may be chosen of a lab before it starts.

    Attributes:
        audiosocket: Host and port of the media server that the taps dial; by default an unused
            port on loopback, found in `LabAddresses`.
        websocket: The same for taps that come by chan_websocket.
        agents: How many agents (1001, 1002, …) exist.
        sip_port: Port of the SIP transport; by default an unused one.
        ami_port: Port of the manager interface; by default an unused one.
        http_port: Port of the ARI; by default an unused one.
    """

    audiosocket: tuple[str, int] | None = None
    websocket: tuple[str, int] | None = None
    agents: int = 10
    sip_port: int | None = None
    ami_port: int | None = None
    http_port: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.agents <= MAX_AGENTS:
            raise ValueError(f"agents must be 1 to {MAX_AGENTS}, not {self.agents}")


def templates() -> dict[str, str]:
    """Return the text of every template by file name."""
    folder = resources.files("tingzhen.lab") / "asterisk_conf"
    return {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".conf")
    }


def fill(template: str, values: dict[str, str]) -> str:
    """Fill the places of a template and leave the dialplan's own variables alone.

    Raises:
        KeyError: A value is missing for a place.
        ValueError: A value would break out of its line.
    """
    missing = PLACES - values.keys()
    if missing:
        raise KeyError(f"no value for {', '.join(sorted(missing))}")
    for name, value in values.items():
        if any(ord(character) < ord(" ") or character == ";" for character in value):
            raise ValueError(f"{name} holds a character that a configuration line cannot")
    return string.Template(template).safe_substitute(values)


def agent_sections(count: int) -> str:
    """Return PJSIP's sections for the agents 1001 and up, who register without a password."""
    sections = [
        f"[{number}](phone)\naors = {number}\ndevice_state_busy_at = 1\n\n[{number}](binding)\n"
        for number in range(FIRST_AGENT, FIRST_AGENT + count)
    ]
    return "\n".join(["; Written by the lab: it listens on loopback only.\n", *sections])


def choose_addresses(settings: LabSettings, state_dir: Path) -> LabAddresses:
    """Choose unused ports and fresh secrets for one instance."""
    host, port = settings.audiosocket or (LOOPBACK, unused_port())
    websocket_host, websocket_port = settings.websocket or (LOOPBACK, unused_port())
    sip_port = settings.sip_port or unused_port(socket.SOCK_DGRAM)
    ami_port = settings.ami_port or unused_port()
    http_port = settings.http_port or unused_port()
    return LabAddresses(
        ami_host=LOOPBACK,
        ami_port=ami_port,
        ami_user="tingzhen",
        ami_secret=secrets.token_hex(12),
        ami_admin_user="lab",
        ami_admin_secret=secrets.token_hex(12),
        ari_url=f"http://{LOOPBACK}:{http_port}/ari",
        ari_user="tingzhen",
        ari_secret=secrets.token_hex(12),
        sip_host=LOOPBACK,
        sip_port=sip_port,
        audiosocket_host=host,
        audiosocket_port=port,
        websocket_host=websocket_host,
        websocket_port=websocket_port,
        queues=QUEUES,
        agents=tuple(str(FIRST_AGENT + index) for index in range(settings.agents)),
        state_dir=str(state_dir),
    )


def place_values(
    addresses: LabAddresses, installation: Installation, state_dir: Path
) -> dict[str, str]:
    """Return the value of each place for one instance on loopback."""
    blocks = (RTP_HIGHEST - RTP_LOWEST) // RTP_PORTS
    # Asterisk itself steps over ports in use, so labs side by side may share a block.
    rtp_first = RTP_LOWEST + RTP_PORTS * secrets.randbelow(blocks)
    return {
        "AMI_ADMIN": addresses.ami_admin_user,
        "AMI_ADMIN_SECRET": addresses.ami_admin_secret,
        "AMI_BIND": addresses.ami_host,
        "AMI_LISTENER": addresses.ami_user,
        "AMI_LISTENER_SECRET": addresses.ami_secret,
        "AMI_PORT": str(addresses.ami_port),
        "ARI_SECRET": addresses.ari_secret,
        "ARI_USER": addresses.ari_user,
        "AUDIOSOCKET_HOST": addresses.audiosocket_host,
        "AUDIOSOCKET_PORT": str(addresses.audiosocket_port),
        "DATA_DIR": str(installation.data),
        "HTTP_BIND": LOOPBACK,
        "HTTP_PORT": addresses.ari_url.rpartition(":")[2].partition("/")[0],
        "MODULE_DIR": str(installation.modules),
        "PERMIT": f"{LOOPBACK}/255.255.255.255",
        "RTP_FIRST": str(rtp_first),
        "RTP_LAST": str(rtp_first + RTP_PORTS - 1),
        "SIP_BIND": addresses.sip_host,
        "SIP_PORT": str(addresses.sip_port),
        "STATE_DIR": str(state_dir),
        "WEBSOCKET_HOST": addresses.websocket_host,
        "WEBSOCKET_PORT": str(addresses.websocket_port),
    }


def write_configuration(
    addresses: LabAddresses, installation: Installation, state_dir: Path
) -> Path:
    """Write an instance's configuration and folders and return its asterisk.conf."""
    for name in ("etc", "lib", "spool", "run", "log", "cache", "moh"):
        (state_dir / name).mkdir(parents=True, exist_ok=True)
    values = place_values(addresses, installation, state_dir)
    for name, text in templates().items():
        target = state_dir / "etc" / name
        target.touch(mode=0o600)
        target.write_text(fill(text, values), encoding="utf-8")
    (state_dir / "etc" / "pjsip_agents.conf").write_text(
        agent_sections(len(addresses.agents)), encoding="utf-8"
    )
    return state_dir / "etc" / "asterisk.conf"
