"""Packs that are part of other packs."""

import pytest

from qa_engine.guidance.content import FOLDER, guidance_folder
from qa_engine.pack import DEFAULT_PACK, PackError, check, fingerprint, load

RULE = """\
lists:
  {name}: {{about: 禁语, words: [{word}]}}
rules:
  - {{id: {name}, type: words, kind: taboo_phrase, severity: high, role: agent, lists: [{name}],
     title: 禁语, title_en: Taboo}}
"""


@pytest.fixture
def write(tmp_path):
    def write(folder, text, name="pack.yaml"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(text, encoding="utf-8")
        return tmp_path / folder

    write("base", "pack: base\nversion: '7'\n" + RULE.format(name="basic", word="不归我管"))
    return write


def ids(pack):
    return sorted(rule.id for rule in pack.rules)


def test_an_included_pack_is_part_of_the_whole(write):
    own = write("own", "pack: own\ninclude: [../base]\n" + RULE.format(name="mine", word="随便你"))
    pack = load(own)
    assert (pack.name, ids(pack)) == ("own", ["basic", "mine"])
    assert set(pack.files) == {"pack.yaml", "../base/pack.yaml"}
    assert pack.index.scan("这个不归我管").hits("basic")


def test_what_comes_with_the_program_can_be_built_upon_and_left_out(write):
    own = write(
        "own",
        "pack: own\ninclude: [hospital-zh]\nwithout: [taboo_manner]\n"
        + RULE.format(name="mine", word="随便你"),
    )
    pack = load(own)
    assert {"mine", "medical_emergency"} <= set(ids(pack))
    assert "taboo_manner" not in ids(pack)
    assert pack.scorecard is not None


CARD = """\
scorecard:
  id: {name}
  title: 评分
  title_en: Score
  sections:
    - {{id: s, title: 节, title_en: Section, weight: 1, items: [
        {{id: i, title: 项, title_en: Item, points: 1, forbidden: [taboo_phrase]}}]}}
"""


def test_ones_own_scorecard_takes_the_place_of_an_included_one(write):
    write("base", CARD.format(name="theirs"), name="card.yaml")
    own = write("own", "pack: own\ninclude: [../base]\n")
    assert load(own).scorecard.id == "theirs"
    write("own", CARD.format(name="mine"), name="card.yaml")
    assert load(own).scorecard.id == "mine"


def test_an_edit_anywhere_is_seen_and_makes_another_version(write):
    own = write("own", "pack: own\ninclude: [../base]\n")
    before, version = fingerprint(own), load(own).digest
    assert fingerprint(own) == before
    write("base", "pack: base\n" + RULE.format(name="basic", word="管不着你"))
    assert fingerprint(own) != before
    assert load(own).digest != version


def test_packs_in_a_circle_are_read_once(write):
    write("base", "pack: base\ninclude: [../own]\n" + RULE.format(name="basic", word="不归我管"))
    own = write("own", "pack: own\ninclude: [../base]\n" + RULE.format(name="mine", word="随便你"))
    assert ids(load(own)) == ["basic", "mine"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("pack: own\ninclude:\n  - ../nowhere\n", 3, "there is no pack ../nowhere"),
        ("pack: own\ninclude: [../base]\nwithout: [x]\n", 3, "no included pack has a rule x"),
        ("pack: own\ninclude: [../own]\n", 2, "../own is this pack itself"),
        ("pack: own\ninclude: [.]\n", 2, ". is this pack itself"),
    ],
)
def test_what_cannot_be_included_is_told_with_its_line(write, text, line, reason):
    own = write("own", text)
    (problem,) = [p for p in check(own) if p.level == "error"]
    assert (problem.file, problem.line, problem.reason) == ("pack.yaml", line, reason)
    with pytest.raises(PackError, match=reason):
        load(own)


def test_a_mistake_in_an_included_pack_is_told_where_it_stands(write):
    write("base", "pack: base\nrules: 7\n")
    own = write("own", "pack: own\ninclude: [../base]\n")
    assert "../base/pack.yaml" in {problem.file for problem in check(own)}


@pytest.mark.parametrize(
    ("includes", "with_guidance", "whose"),
    [
        ("../base", {"base"}, "base"),
        ("../middle", {"base"}, "base"),
        ("../middle", {"base", "middle"}, "middle"),
        ("../plain, ../base", {"base"}, "base"),
        ("../plain, ../middle, ../base", {"middle", "base"}, "middle"),
        ("../base, ../middle", {"middle", "base"}, "base"),
        ("../base", {"own", "base"}, "own"),
        ("hospital-zh", set(), "hospital-zh"),
        ("../plain", set(), "hospital-zh"),
    ],
)
def test_guidance_is_ones_own_else_that_of_the_first_included_pack_that_has_some(
    write, tmp_path, includes, with_guidance, whose
):
    write("plain", "pack: plain\n")
    write("middle", "pack: middle\ninclude: [../base]\n")
    own = write("own", f"pack: own\ninclude: [{includes}]\n")
    for name in with_guidance:
        (tmp_path / name / FOLDER).mkdir()
    expected = DEFAULT_PACK if whose == "hospital-zh" else tmp_path / whose
    assert guidance_folder(own).resolve() == (expected / FOLDER).resolve()
