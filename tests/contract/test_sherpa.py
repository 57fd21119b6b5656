"""The sherpa-onnx adapter: on the real library, and on a real model where one is named."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sherpa_onnx
from audio_probes import read

from asr.recognisers.base import RecogniserError
from asr.recognisers.load import load_recogniser, start_recogniser
from asr.recognisers.sherpa import SherpaRecogniser, find_model
from asr.settings import AsrSettings

MODEL = os.environ.get("TINGZHEN_SHERPA_MODEL", "")


def settings(folder):
    return AsrSettings(recogniser="sherpa", model=str(folder))


def folder_with(tmp_path, name, *files):
    folder = tmp_path / name
    folder.mkdir()
    for file in files:
        (folder / file).touch()
    return folder


@pytest.mark.parametrize(
    ("name", "files", "kind"),
    [
        ("sherpa-onnx-sense-voice-zh-en", ["tokens.txt", "model.onnx"], "sense_voice"),
        ("sherpa-onnx-paraformer-zh", ["tokens.txt", "model.int8.onnx"], "paraformer"),
        (
            "streaming-paraformer",
            ["tokens.txt", "encoder.onnx", "decoder.onnx"],
            "streaming_paraformer",
        ),
        (
            "zipformer",
            [
                "tokens.txt",
                "encoder-99.onnx",
                "encoder-99.int8.onnx",
                "decoder.onnx",
                "joiner.onnx",
            ],
            "streaming_zipformer",
        ),
    ],
)
def test_the_files_tell_the_kind(tmp_path, name, files, kind):
    found, parts = find_model(folder_with(tmp_path, name, *files))
    assert found == kind
    # Of two precisions the one that computes less.
    chosen = [file for file in files if file != "encoder-99.onnx"]
    assert {Path(path).name for path in parts.values()} == set(chosen)


@pytest.mark.parametrize(
    "files", [[], ["model.onnx"], ["tokens.txt"], ["tokens.txt", "joiner.onnx"]]
)
def test_a_folder_without_a_model_is_told(tmp_path, files):
    with pytest.raises(RecogniserError, match="sherpa-onnx"):
        load_recogniser(settings(folder_with(tmp_path, "empty", *files)))


def test_a_missing_library_is_told_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sherpa_onnx", None)
    with pytest.raises(RecogniserError, match=r"pip install 'tingzhen\[sherpa\]'"):
        load_recogniser(settings(tmp_path))


@pytest.mark.parametrize(
    "files",
    [
        ["model.onnx"],
        ["encoder.onnx", "decoder.onnx"],
        ["encoder.onnx", "decoder.onnx", "joiner.onnx"],
    ],
)
def test_the_real_library_refusing_a_model_costs_a_worker_and_not_the_node(tmp_path, files):
    # The library ends its process over a broken file: what the workers are there for.
    folder = folder_with(tmp_path, "broken", "tokens.txt", *files)
    chosen = settings(folder).model_copy(update={"workers": 1})
    with pytest.raises(RecogniserError):
        start_recogniser(chosen)


def test_what_the_engine_says_becomes_a_recognition():
    assert sherpa_onnx.OfflineRecognizer.from_sense_voice
    result = SimpleNamespace(
        text="開飯時間",
        lang="<|zh|>",
        tokens=["開", "飯", "時", "間"],
        timestamps=[0.1, 0.3, 0.5, 0.8],
    )
    recogniser = SherpaRecogniser(Engine(result), "sense_voice", "fake")
    found = recogniser.decode(np.zeros(16_000, np.float32), languages=["en", "zh"], partial=False)
    assert (found.text, found.language) == ("开饭时间", "zh")
    assert found.char_times == (0.1, 0.3, 0.5, 0.8)
    result.text = " 。"
    nothing = recogniser.decode(np.zeros(160, np.float32), languages=["zh"], partial=False)
    assert (nothing.text, nothing.refused) == ("", "empty")


class Engine:
    """The part of an offline recogniser that the adapter uses."""

    def __init__(self, result):
        self._result = result

    def create_stream(self):
        return SimpleNamespace(accept_waveform=lambda _rate, _audio: None, result=self._result)

    def decode_stream(self, stream):
        assert stream.result is self._result


@pytest.mark.skipif(
    not MODEL,
    reason="NOT TESTED: no SenseVoice, Paraformer or zipformer model is to be had from a package "
    "registry; name a folder in TINGZHEN_SHERPA_MODEL to test the adapter on it",
)
def test_a_real_model_understands_mandarin():
    found = load_recogniser(settings(MODEL)).decode(
        read("aishell1-st-7.flac"), languages=["zh"], partial=False
    )
    assert len(found.text) > 5
    assert len(found.char_times) in {0, len(found.text)}
