"""That recognition is started with the words of the rules."""

from pathlib import Path

import pytest

from asr.settings import AsrSettings
from qa_engine.pack import PackError
from tingzhen.cli import recogniser

PACK = """
pack: own
lists:
  prompt: {about: 催, words: [别催我, 不要*催我]}
rules:
  - {id: prompt, type: words, kind: taboo_phrase, severity: high, role: agent, lists: [prompt],
     title: 禁语, title_en: Taboo}
"""


@pytest.fixture
def started(monkeypatch, tmp_path):
    """The words that a recogniser is started with."""
    monkeypatch.setattr(recogniser, "fetch_model", lambda _settings: Path("base"))
    monkeypatch.setattr(recogniser, "start_recogniser", lambda settings: settings.words)
    (tmp_path / "pack.yaml").write_text(PACK, encoding="utf-8")
    return lambda **settings: recogniser.load_recogniser(AsrSettings(**settings), tmp_path)


def test_the_words_of_the_rules_are_known_beside_ones_own(started):
    assert started(words=("云海",)) == ("云海", "别催我")


@pytest.mark.parametrize(
    "setting", [{"rule_words": False}, {"homophones": False}, {"recogniser": "sherpa"}]
)
def test_they_are_left_out_where_they_are_of_no_use(started, setting):
    assert started(**setting) == ()


def test_a_pack_that_cannot_be_used_is_told(started, tmp_path):
    (tmp_path / "pack.yaml").write_text("pack: [", encoding="utf-8")
    with pytest.raises(PackError):
        started()
