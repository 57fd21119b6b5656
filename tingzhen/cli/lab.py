"""`tingzhen lab`: a real Asterisk on loopback, with SIP phones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from tingzhen.cli.output import console, print_json
from tingzhen.lab import commands
from tingzhen.lab.addresses import LabAddresses

app = typer.Typer(
    help="A real Asterisk on loopback with SIP phones, for trying and testing.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Option(help="Labs of different names run side by side.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.command()
def install() -> None:
    """Put an Asterisk into a folder of its own. Needs root, once.

    Example:

        sudo tingzhen lab install
    """
    found = commands.install()
    console.print(f"Asterisk {found.version}: {found.program}")


@app.command()
def up(
    name: Name = commands.DEFAULT_NAME,
    audiosocket: Annotated[
        str, typer.Option(help="HOST:PORT where `tingzhen run` listens for audio.")
    ] = "{}:{}".format(*commands.TINGZHEN_AUDIOSOCKET),
    json: Json = False,
) -> None:
    """Start a lab that goes on running, or say where the running one is.

    Examples:

        tingzhen lab up

        tingzhen lab up --name second --audiosocket 127.0.0.1:9192
    """
    host, _, port = audiosocket.rpartition(":")
    if not host or not port.isdecimal():
        raise typer.BadParameter("HOST:PORT is expected", param_hint="--audiosocket")
    addresses = commands.up(
        name=name, audiosocket=(host, int(port)), console=None if json else console
    )
    config = _write_config(addresses)
    if json:
        print_json({"type": "lab", **msgspec.to_builtins(addresses), "config": str(config)})
    else:
        console.print("听诊接入 have Tingzhen listen:")
        console.print(f"  tingzhen run --config {config}", markup=False, soft_wrap=True)


@app.command()
def call(
    queue: Annotated[str, typer.Option(help="Queue to dial.")] = "support",
    agent: Annotated[
        str, typer.Option(help="Agent played by the lab; empty when a softphone is to answer.")
    ] = "1001",
    agent_audio: Annotated[Path | None, typer.Option(help="What the agent says.")] = None,
    customer_audio: Annotated[Path | None, typer.Option(help="What the caller says.")] = None,
    ring: Annotated[float, typer.Option(min=0, help="Seconds the agent's phone rings.")] = 2.0,
    talk: Annotated[
        float | None, typer.Option(min=0, help="Seconds of talk; the audio's length if unset.")
    ] = None,
    hangup_by: Annotated[
        Literal["caller", "agent"], typer.Option(help="Who ends the talk.")
    ] = "caller",
    number: Annotated[str, typer.Option(help="The caller's number.")] = "19900000100",
    give_up_after: Annotated[
        float | None, typer.Option(min=0, help="The caller hangs up after so much waiting.")
    ] = None,
    name: Name = commands.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Place a call in the running lab and print what its parties measured.

    Examples:

        tingzhen lab call --queue support --ring 10

        tingzhen lab call --agent-audio a.flac --customer-audio c.flac --hangup-by agent
    """
    truth = commands.call(
        queue=queue,
        agent=agent or None,
        agent_audio=agent_audio,
        customer_audio=customer_audio,
        ring_s=ring,
        talk_s=talk,
        hangup_by=hangup_by,
        number=number,
        give_up_after_s=give_up_after,
        name=name,
    )
    if json:
        print_json({"type": "lab_call", **msgspec.to_builtins(truth)})
        return
    measured = {"wait": truth.wait_s, "ring": truth.ring_s, "talk": truth.talk_s}
    times = "  ".join(f"{what} {s:.3f} s" for what, s in measured.items() if s is not None)
    console.print(f"{truth.outcome}  {truth.agent or '–'}  {times}  hung up by {truth.hangup_by}")


@app.command()
def down(name: Name = commands.DEFAULT_NAME) -> None:
    """Stop the lab and remove what it left.

    Example:

        tingzhen lab down
    """
    ran = commands.down(name=name)
    console.print("已停止 stopped" if ran else "没有在运行 none was running")


def _write_config(addresses: LabAddresses) -> Path:
    """Settings with which a node listens to this lab."""
    path = Path(addresses.state_dir) / "tingzhen.toml"
    path.touch(mode=0o600)  # it holds the lab's secrets
    path.write_text(
        f"""\
# Made by `tingzhen lab up`; gone with `tingzhen lab down`.
data_dir = "{addresses.state_dir}/data"

[[pbx]]
system = "lab"
host = "{addresses.ami_host}"
port = {addresses.ami_port}
username = "{addresses.ami_user}"
secret = "{addresses.ami_secret}"

[pbx.ari]
url = "{addresses.ari_url}"
username = "{addresses.ari_user}"
secret = "{addresses.ari_secret}"

[pbx.audiosocket]
host = "{addresses.audiosocket_host}"
port = {addresses.audiosocket_port}
""",
        "utf-8",
    )
    return path
