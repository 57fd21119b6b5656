"""Getting a recogniser ready to decode."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, cast

from asr.recognisers.base import Recogniser, RecogniserError
from asr.settings import AsrSettings
from backbone.errors import UserError

GROUP = "tingzhen.recognisers"
"""Entry points of this group are loaders, named as the setting `recogniser` names them."""


class Loader(Protocol):
    """What a plug-in offers. It blocks, for seconds, and may fetch a model."""

    def __call__(self, settings: AsrSettings) -> Recogniser:
        """Load a recogniser.

        Raises:
            UserError: it cannot be loaded; one line that says what to do.
        """
        ...


def find_loader(name: str) -> Loader:
    """The loader of a plug-in.

    Args:
        name: of an entry point, or `module:function`.

    Raises:
        RecogniserError: there is none of that name, or it cannot be imported.
    """
    installed = entry_points(group=GROUP)
    if ":" in name:
        chosen = EntryPoint(name=name, value=name, group=GROUP)
    elif name in installed.names:
        chosen = installed[name]
    else:
        known = ", ".join(sorted(installed.names)) or "none; install the package again"
        raise RecogniserError(f"no recogniser is called {name!r}; there are: {known}")
    try:
        return cast("Loader", chosen.load())
    except (ImportError, AttributeError) as error:
        raise RecogniserError(f"the recogniser {name!r} cannot be imported: {error}") from error


def load_recogniser(settings: AsrSettings) -> Recogniser:
    """Load the recogniser of the settings into this process. Blocks for seconds.

    Raises:
        RecogniserError: it cannot be loaded.
    """
    loader = find_loader(settings.recogniser)
    try:
        return loader(settings)
    except UserError:
        raise
    except Exception as error:
        # A plug-in's own trouble is the user's to see, not a traceback.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RecogniserError(f"cannot load {settings.recogniser!r}: {reason}") from error


def start_recogniser(settings: AsrSettings) -> Recogniser:
    """Get the recogniser of the settings ready, in worker processes unless there are to be none.

    Raises:
        RecogniserError: it cannot be loaded.
    """
    from asr.workers.pool import WorkerPool  # noqa: PLC0415 - the workers themselves import us

    return load_recogniser(settings) if settings.workers == 0 else WorkerPool.start(settings)
