"""Getting a recogniser ready to decode."""

from __future__ import annotations

from asr.model import ProgressCallback, ensure_model
from asr.recognisers.base import Recogniser
from asr.settings import AsrSettings


def load_recogniser(settings: AsrSettings, progress: ProgressCallback | None = None) -> Recogniser:
    """Fetch the model if it is not there and load it. Blocks for seconds: call it in a thread.

    Args:
        settings: which model, on what device.
        progress: called while a model is being fetched.

    Raises:
        ModelError: the model cannot be got.
        RecogniserError: the model cannot be loaded.
    """
    # CTranslate2 takes a second to import: what needs no recogniser does not wait for it.
    from asr.recognisers.whisper import WhisperRecogniser  # noqa: PLC0415 - see above

    folder = ensure_model(settings.model, progress, directory=settings.models_dir)
    return WhisperRecogniser.load(folder, settings)
