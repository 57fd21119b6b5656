"""Puts a real Asterisk on this machine without touching the machine's own packages.

Debian carries Asterisk in some releases only, so a small Debian of its own is laid into a folder.
Its programs are started through that folder's dynamic loader, without chroot and without mounts:
root is needed to install, never to run.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import platformdirs

from backbone.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RELEASE = "forky"
"""The Debian release that carries Asterisk 22."""
PACKAGES = ("asterisk", "asterisk-modules", "sip-tester", "asterisk-core-sounds-en-gsm")
MARKER = ".tingzhen-complete"
LOWEST_VERSION = 20
NEEDED_MODULES = (
    "app_queue.so",
    "app_audiosocket.so",
    "chan_pjsip.so",
    "res_ari_channels.so",
    "res_ari_events.so",
    "res_stasis_snoop.so",
    "res_rtp_asterisk.so",
)
_MODULE_PATTERNS = ("usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules")
_DATA_FOLDERS = ("usr/share/asterisk", "var/lib/asterisk")


class InstallError(UserError):
    """Asterisk cannot be installed here; the text says what to do."""


class Installation(msgspec.Struct, frozen=True):
    """An Asterisk that can be started.

    Attributes:
        program: Path of the executable (for an installed folder, a small starter).
        modules: Folder of its modules.
        data: Folder of its sounds and documentation.
        version: What it says of itself, for example ``22.10.1``.
    """

    program: Path
    modules: Path
    data: Path
    version: str


def lab_home() -> Path:
    """Return the lab's folder: $TINGZHEN_LAB, a checkout's ``.lab`` or the user's cache."""
    chosen = os.environ.get("TINGZHEN_LAB")
    if chosen:
        return Path(chosen).expanduser().resolve()
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        return checkout / ".lab"
    return Path(platformdirs.user_cache_path("tingzhen")) / "lab"


def find_installation(home: Path | None = None) -> Installation | None:
    """Return the machine's own Asterisk if it serves, else the lab's, else None."""
    own = _system_installation()
    if own is not None:
        return own
    root = (home or lab_home()) / "root"
    if not (root / MARKER).is_file():
        return None
    return _inspect(root / "asterisk", root)


def install(home: Path | None = None) -> Installation:
    """Return a usable Asterisk, installing it first where there is none.

    Idempotent: a finished installation is returned at once, a half-finished one is redone.
    Progress is written to stderr.

    Raises:
        InstallError: Not root, or a step failed.
    """
    home = home or lab_home()
    found = find_installation(home)
    if found is not None:
        return found
    if os.geteuid() != 0:
        raise InstallError(
            "installing Asterisk needs root once (running it does not): "
            f"sudo TINGZHEN_LAB={home} {sys.executable} -m tingzhen.lab.install"
        )
    with _locked(home):
        found = find_installation(home)  # another process may have finished it meanwhile
        if found is None:
            _install_root(home / "root")
            found = find_installation(home)
    user = os.environ.get("SUDO_UID", "")
    if user.isdecimal():
        os.chown(home, int(user), -1)  # who called sudo is to run labs in it, without root
    if found is None:
        raise InstallError("Asterisk was installed but does not start: see the messages above")
    return found


def installed_version_number(text: str) -> int:
    """Return the major version from what ``asterisk -V`` prints, 0 when it is none.

    >>> installed_version_number("Asterisk 22.10.1+dfsg-1")
    22
    """
    match = re.match(r"Asterisk (?:certified[-/])?(\d+)\.", text)
    return int(match.group(1)) if match else 0


def _system_installation() -> Installation | None:
    program = shutil.which("asterisk")
    return _inspect(Path(program), Path("/")) if program else None


def _inspect(program: Path, root: Path) -> Installation | None:
    """Return the installation when the program runs, is new enough and has the modules."""
    try:
        answer = subprocess.run(  # noqa: S603 - the program was found on PATH or installed by us
            [str(program), "-V"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if installed_version_number(answer.stdout) < LOWEST_VERSION:
        return None
    folders = [folder for pattern in _MODULE_PATTERNS for folder in sorted(root.glob(pattern))]
    modules = next(
        (f for f in folders if all((f / name).exists() for name in NEEDED_MODULES)), None
    )
    data = next(
        (root / name for name in _DATA_FOLDERS if (root / name / "documentation").is_dir()), None
    )
    if modules is None or data is None:
        return None
    version = answer.stdout.split()[1].partition("+")[0]
    return Installation(program=program, modules=modules, data=data, version=version)


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install_root(root: Path) -> None:
    mirror = _debian_mirror()
    if shutil.which("debootstrap") is None:
        _run("installing debootstrap", ["apt-get", "install", "-y", "debootstrap"])
    remove_tree(root)
    # debootstrap has no script of its own for a release younger than itself; all are alike.
    script = Path("/usr/share/debootstrap/scripts/sid")
    scripts = [str(script)] if script.is_file() else []
    try:
        _run(
            f"laying Debian {RELEASE} into {root}",
            ["debootstrap", "--variant=minbase", RELEASE, str(root), mirror, *scripts],
        )
        # A package that wants to start its service must not: the lab starts its own instances.
        policy = root / "usr" / "sbin" / "policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        policy.chmod(0o755)
        # The release file of a frozen mirror may be past its date.
        apt = ["chroot", str(root), "apt-get", "-o", "Acquire::Check-Valid-Until=false"]
        _run("reading the package lists", [*apt, "update"])
        _run("installing Asterisk", [*apt, "install", "-y", "--no-install-recommends", *PACKAGES])
        _run("removing downloaded packages", [*apt, "clean"])
    finally:
        unmount_below(root)
    write_starter(root)
    (root / MARKER).write_text(RELEASE + "\n", encoding="ascii")


def write_starter(root: Path) -> None:
    """Write the script that starts the folder's Asterisk under the folder's own C library.

    A script and not a longer command line, because ``core restart now`` runs argv[0] again.
    """
    loaders = sorted(root.glob("usr/lib*/ld-linux*.so*")) + sorted(
        root.glob("usr/lib/*/ld-linux*.so*")
    )
    libraries = sorted(root.glob("usr/lib/*-linux-gnu*"))
    if not loaders or not libraries:
        raise InstallError(f"no dynamic loader below {root}")
    starter = root / "asterisk"
    starter.write_text(
        "#!/bin/sh\n"
        'here=$(dirname "$0")\n'
        f'exec "$here/{loaders[0].relative_to(root)}" --argv0 "$0"'
        f' --library-path "$here/{libraries[0].relative_to(root)}"'
        ' "$here/usr/sbin/asterisk" "$@"\n',
        encoding="utf-8",
    )
    starter.chmod(0o755)


def _debian_mirror() -> str:
    """Return the Debian mirror that this machine's own apt uses.

    Raises:
        InstallError: apt knows none.
    """
    chosen = os.environ.get("TINGZHEN_DEBIAN_MIRROR")
    if chosen:
        return chosen
    try:
        answer = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],  # noqa: S607 - the system's own apt
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        answer = None
    mirrors = answer.stdout.split() if answer else []
    for mirror in mirrors:
        if mirror.rstrip("/").endswith("/debian"):
            return mirror
    raise InstallError(
        "apt on this machine knows no Debian mirror: install Asterisk 20 or newer yourself, "
        "or name a mirror in TINGZHEN_DEBIAN_MIRROR"
    )


def _run(what: str, command: Sequence[str]) -> None:
    sys.stderr.write(f"lab: {what} …\n")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands, no shell
            list(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            check=False,
        )
    except FileNotFoundError as error:
        raise InstallError(f"{what}: {command[0]} is not on this machine") from error
    if done.returncode != 0:
        tail = done.stdout.decode(errors="replace").splitlines()[-15:]
        sys.stderr.write("\n".join(tail) + "\n")
        raise InstallError(f"{what} failed with status {done.returncode}")


def unmount_below(folder: Path) -> None:
    """Unmount whatever is mounted inside a folder, the deepest first."""
    inside = f"{folder.resolve()}/"
    mounted = [
        line.split()[1].replace("\\040", " ")
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    ]
    for point in sorted((p for p in mounted if p.startswith(inside)), key=len, reverse=True):
        subprocess.run(["umount", "--lazy", point], check=False)  # noqa: S603, S607 - a mount point of our own folder


def remove_tree(folder: Path) -> None:
    """Remove a folder, never reaching through a mount inside it."""
    if folder.exists():
        unmount_below(folder)
        shutil.rmtree(folder)


if __name__ == "__main__":
    try:
        done = install()
    except InstallError as error:
        sys.exit(f"lab: {error}")
    sys.stderr.write(f"lab: Asterisk {done.version} at {done.program}\n")
