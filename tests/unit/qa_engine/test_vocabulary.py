"""The words that a pack's phrases are made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.pack import load
from qa_engine.phrases import parse
from qa_engine.text import normalise, spellings
from qa_engine.vocabulary import LEAST, MOST, vocabulary

PACK = """
pack: own
lists:
  prompt:
    about: 催
    words: [(别|不要)催我]
    unless: {before: [没人说], within: [没有人说不要催我]}
rules:
  - {id: prompt, type: words, kind: taboo_phrase, severity: high, role: agent, lists: [prompt],
     title: 禁语, title_en: Taboo}
"""


@pytest.mark.parametrize(
    ("notation", "words"),
    [
        ("不归我管", {"不归我管"}),
        ("(别|不要)催我", {"别催我", "不要催我"}),
        ("(快|)点儿吧", {"点儿吧", "快点儿吧"}),
        ("我知道*没办法", {"我知道", "没办法"}),
        ("没办法 & 帮不了", {"没办法", "帮不了"}),
        ("要是(我说了算|我(能|会)做主)", {"我说了算", "我能做主", "我会做主"}),
        ("请您稍等", {"请你稍等", "请您稍等"}),
        ("走", set()),
        ("一点二", set()),
        ("call me back", set()),
    ],
)
def test_what_is_said_without_a_gap(notation, words):
    assert words <= vocabulary([parse(notation)])
    assert all(LEAST <= len(word) <= MOST for word in vocabulary([parse(notation)]))
    if not words:
        assert vocabulary([parse(notation)]) == frozenset()


def test_no_word_goes_over_a_gap():
    assert not {"知道没", "道没办"} & vocabulary([parse("我知道*没办法")])


def test_many_alternatives_are_told_one_by_one():
    notation = "".join(f"({first}|{second})" for first, second in ["医生", "开药", "挂号"] * 4)
    assert vocabulary([parse(f"{notation}*(太麻烦|太可惜)")]) >= {"太麻烦", "太可惜"}


@given(st.text(alphabet="你他的我是", min_size=1, max_size=5))
def test_all_spellings_are_one_after_normalisation(text):
    said = normalise(text).text
    assert {normalise(spelling).text for spelling in spellings(said)} == {said}


def test_a_packs_own_include_those_of_its_guards(tmp_path):
    (tmp_path / "pack.yaml").write_text(PACK, encoding="utf-8")
    words = vocabulary(load(tmp_path).phrases)
    assert words >= {"别催我", "不要催我", "没人说"}


def test_a_pack_that_did_not_change_is_loaded_once(tmp_path):
    file = tmp_path / "pack.yaml"
    file.write_text(PACK, encoding="utf-8")
    first = load(tmp_path)
    assert load(tmp_path) is first
    file.write_text(PACK.replace("催我", "烦我"), encoding="utf-8")
    assert load(tmp_path) is not first
