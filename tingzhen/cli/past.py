"""What the benches over stored calls have in common: making or reusing the calls, with progress."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tingzhen.cli.output import console, print_json, stderr

if TYPE_CHECKING:
    from rich.progress import TaskID

    from tingzhen.past.store import PastStore

Calls = Annotated[int, typer.Option(min=100, help="Stored calls.")]
Keep = Annotated[
    Path | None,
    typer.Option(help="Keep the stored calls in this folder, and use what it holds already."),
]


@contextlib.contextmanager
def stored_calls(keep: Path | None, calls: int) -> Iterator[PastStore]:
    """A store of so many calls, made where it is not kept from an earlier time.

    Raises:
        UserError: the folder holds something else.
    """
    from rich.progress import Progress

    from tingzhen.past.store import kept_or_made

    with contextlib.ExitStack() as stack, Progress(console=stderr, transient=True) as bar:
        shown: dict[str, TaskID] = {}

        def progress(what: str, done: int, of: int) -> None:
            if what not in shown:
                shown[what] = bar.add_task(what, total=None)
            bar.update(shown[what], completed=done, total=of)

        store = stack.enter_context(kept_or_made(keep, calls, progress))
        bar.stop()
        yield store


def show(kind: str, line: Mapping[str, object], *, json: bool) -> None:
    """Print one line of a bench, for a program or for people."""
    if json:
        print_json({"type": kind, **line})
        return
    console.print(", ".join(f"{name} {value}" for name, value in line.items()), markup=False)
