"""Recognisers that go wrong in a worker process, loaded there by `module:function`.

`settings.models_dir` is a folder that the processes share, so that a new worker knows what became
of the one before it.
"""

import os
import signal
import time

from asr.recognisers.base import RecogniserError
from asr.recognisers.scripted import ScriptedRecogniser
from asr.resample import RATE


def well(_settings):
    return ScriptedRecogniser(lambda heard: f"{heard.duration_s * RATE:.0f}")


def _once(settings, trouble):
    """Trouble with the first final of all, whichever process gets it."""
    mark = settings.models_dir / "troubled"

    def script(heard):
        if not heard.partial:
            try:
                mark.touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                trouble()
        return f"{heard.duration_s * RATE:.0f}"

    return ScriptedRecogniser(script)


def crash(settings):
    return _once(settings, lambda: os.kill(os.getpid(), signal.SIGSEGV))


def hang(settings):
    return _once(settings, lambda: time.sleep(600))


def _work(cpu_s):
    until = time.process_time() + cpu_s
    while time.process_time() < until:
        pass


def spin(settings):
    return _once(settings, lambda: _work(600))


def starved(_settings):
    """Gets a quarter of a core, as on a machine that others keep busy: four seconds for one."""

    def script(heard):
        for _ in range(20):
            _work(0.05)
            time.sleep(0.15)
        return f"{heard.duration_s * RATE:.0f}"

    return ScriptedRecogniser(script)


def crash_always(_settings):
    return ScriptedRecogniser(lambda _: os.kill(os.getpid(), signal.SIGKILL))


def slow(settings):
    """Takes until the file `go` is there, and says in `started` that it has begun."""

    def script(heard):
        (settings.models_dir / f"started-{os.getpid()}").touch()
        while not (settings.models_dir / "go").exists():
            time.sleep(0.01)
        return f"{heard.duration_s * RATE:.0f}"

    return ScriptedRecogniser(script)


def fail(_settings):
    def script(_):
        raise ValueError("what the patient said")

    return ScriptedRecogniser(script)


def refuse(_settings):
    raise RecogniserError("no such model: get it")


def by_window(settings):
    """Makes one error in two characters, over short windows only."""
    short = bool(settings.whisper.window_floor_frames)
    return ScriptedRecogniser(lambda _: "好的" if not short else "好地")
