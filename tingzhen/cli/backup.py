"""`tingzhen backup` and `tingzhen restore`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tingzhen.cli.output import console, print_json

if TYPE_CHECKING:
    from tingzhen.backup import Manifest

BACKUP_HELP = """Write the store, and what else is asked for, into one file; the node may run on.

The file holds personal data: keep it where only those may read who may read the store.

Examples:

    tingzhen backup /srv/backup/

    tingzhen backup night.tar --recordings --extra /etc/tingzhen
"""
RESTORE_HELP = """Put a backup in place, after all its checksums were right. Stop the node before.

Examples:

    tingzhen restore /srv/backup/tingzhen-20261122-020000.tar --replace
"""

_Config = Annotated[Path | None, typer.Option(help="Settings of the node (TOML).")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def backup(
    target: Annotated[Path, typer.Argument(help="The file to write, or a folder for it.")],
    recordings: Annotated[bool, typer.Option(help="Take in the recordings.")] = False,
    extra: Annotated[
        list[Path] | None,
        typer.Option(help="Configuration, rule packs, lexicons: a file or folder to take in."),
    ] = None,
    config: _Config = None,
    json: _Json = False,
) -> None:
    """Back up."""
    from backbone.errors import UserError
    from tingzhen.backup import back_up
    from tingzhen.settings import load_settings

    settings = load_settings(config)
    for path in extra or ():
        if not path.exists():
            raise UserError(f"{path}: there is no such file or folder")
    if target.is_dir():
        target /= f"tingzhen-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"
    manifest = back_up(settings, target, recordings=recordings, extra=extra or ())
    _tell("backup", target, manifest, json=json)


def restore(
    source: Annotated[Path, typer.Argument(help="A file that `tingzhen backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Move the store that is there aside.")
    ] = False,
    config: _Config = None,
    json: _Json = False,
) -> None:
    """Restore."""
    from tingzhen.backup import restore as put_back
    from tingzhen.settings import load_settings

    manifest = put_back(load_settings(config), source, replace=replace)
    _tell("restore", source, manifest, json=json)


def _tell(what: str, file: Path, manifest: Manifest, *, json: bool) -> None:
    line: dict[str, Any] = {
        "file": str(file),
        "files": len(manifest.files),
        "bytes": sum(entry.size for entry in manifest.files),
        "made_at": manifest.made_at,
        "tingzhen": manifest.tingzhen,
    }
    if json:
        print_json({"type": what, **line})
        return
    for name, value in line.items():
        console.print(f"{name.replace('_', ' ')}: {value}", markup=False)
