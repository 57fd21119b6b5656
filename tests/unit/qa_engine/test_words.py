import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.phrases import parse
from qa_engine.syllables import syllables
from qa_engine.text import normalise
from qa_engine.words import Guard, Phonetic, WordGroup, WordIndex


def index(*phrases, phonetic=Phonetic.AUTO, **guard):
    guards = {name: tuple(map(parse, words)) for name, words in guard.items() if name != "reach"}
    made = Guard(**guards, reach=guard.get("reach", 8))
    return WordIndex([WordGroup("words", tuple(map(parse, phrases)), phonetic, (made,))])


def found(words, text):
    return [(text[slice(*hit.span)], hit.suspected) for hit in words.scan(text).hits("words")]


@pytest.mark.parametrize(
    ("phrases", "text", "hits"),
    [
        (["不归我管"], "报告不归我管。", [("不归我管", False)]),
        (["不归我管"], "报告不归，我管。", [("不归，我管", False)]),
        (["不归我管"], "这不归。我管别的", []),
        (["拨打120"], "请拨打幺二零", [("拨打幺二零", False)]),
        (["随便你"], "隨便您", [("隨便您", False)]),
        (["保证*治好"], "我们保证给您治好", [("保证给您治好", False)]),
        (["保证*治好"], "我们保证以后有机会再慢慢给您治好", []),
        (["保证*治好"], "先治好，再保证", []),
        (["保证*治好"], "我保证。保证给您治好", [("保证给您治好", False)]),
        (["治好 & 保证"], "先治好，再保证", [("治好，再保证", False)]),
        (["治好 & 保证"], "先治好。再保证", []),
        (["治好", "保证治好"], "保证治好", [("保证治好", False)]),
        (["二百五"], "手机尾号二五零八", []),
        (["120"], "我的电话是13120669", []),
        (["120"], "打120，120会派车", [("120", False), ("120", False)]),
        (["120"], "一二零一二零", [("一二零", False), ("一二零", False)]),
        (["12345"], "我打12345，1390000", [("12345", False)]),
        (["00块"], "给我五百块", [("五百块", False)]),
        (["黄片", "口交"], "三黄片和路口交通", [("黄片", False), ("口交", False)]),
    ],
)
def test_words_are_found_by_their_characters(phrases, text, hits):
    assert found(index(*phrases, phonetic=Phonetic.OFF), text) == hits


@pytest.mark.parametrize(
    ("phrases", "text", "hits"),
    [
        (["永不复发"], "保证永不复法", [("永不复法", True)]),
        (["喘不上气"], "他现在传不上气了", [("传不上气", True)]),
        (["拨打120"], "请波打120", [("波打120", True)]),
        (["包治"], "拿着报纸", []),
        (["永不复发"], "永不复发", [("永不复发", False)]),
        (["保证*治好"], "包正给您治好", [("包正给您治好", True)]),
    ],
)
def test_words_are_found_by_their_sound_and_marked(phrases, text, hits):
    assert found(index(*phrases), text) == hits


def test_short_words_by_sound_only_where_asked():
    assert found(index("包治", phonetic=Phonetic.ON), "包制百病") == [("包制", True)]
    assert found(index("包治"), "包制百病") == []
    assert found(index("包治好", phonetic=Phonetic.ON), "包制好") == [("包制好", True)]
    assert found(index("包治好", phonetic=Phonetic.OFF), "包制好") == []
    assert found(index("(包|)治", phonetic=Phonetic.ON), "制度") == []


def test_what_only_sounds_like_words_without_a_gap_is_said_in_one_breath():
    words = index("控告你们", "控告*医院", phonetic=Phonetic.ON)
    assert found(words, "我恐告你们") == [("恐告你们", True)]
    assert found(words, "我恐高，你们那儿有电梯吗") == []
    assert found(words, "我控告，你们听着") == [("控告，你们", False)]
    assert found(words, "恐告，你家医院") == [("恐告，你家医院", True)]


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("保正治好制12aé"))))
def test_whatever_is_heard_by_sound_keeps_its_place(text):
    heard = normalise(text).text
    spelled = syllables(heard)
    assert len(spelled) == len(heard)
    assert spelled.encode().decode() == spelled
    letters = [(one, other) for one, other in zip(heard, spelled, strict=True) if one.isascii()]
    assert all(one == other or one.isdigit() for one, other in letters)


@pytest.mark.parametrize(
    ("guard", "harmless", "harmful"),
    [
        ({"within": ["路口交通"]}, "中山路口交通拥堵", "口交"),
        ({"within": ["三黄片"]}, "家里有三黄片", "看黄片"),
        ({"before": ["不能"]}, "我不能给您看黄片", "能给您看黄片"),
        ({"before": ["不能"]}, "不能看黄片", "不能，看黄片"),
        ({"after": ["是药"]}, "黄片是药", "黄片不好"),
        ({"segment": ["说明书"]}, "黄片。请看说明书", "黄片。请看书"),
    ],
)
def test_guards_take_away_what_is_harmless(guard, harmless, harmful):
    words = index("口交", "黄片", phonetic=Phonetic.OFF, **guard)
    assert found(words, harmless) == []
    assert found(words, harmful)


@pytest.mark.parametrize(
    ("phrase", "said", "not_said"),
    [
        ("die", "I want to die.", "I am on a diet, and my cat died."),
        ("ill", "he is ill", "he will"),
        ("I can", "Yes, I can.", "No, I can't. Can I? Mexican"),
        ("I (don't|do not) know", "I don’t  know that", "I don't knowingly"),
        ("CT", "做CT检查", "the act is perfect"),
        ("your * is ill", "your little brother is ill", "your skill"),
        ("your * is ill", "your aunt is willing, your uncle is ill", "your aunt is illegal"),
        ("chest & pain", "a pain in the middle of his chest", "a painter with a chest"),
        ("chest & pain", "his chest, there is such a pain", "his chest is fine. A pain in the leg"),
    ],
)
def test_latin_letters_are_compared_by_words(phrase, said, not_said):
    words = index(phrase)
    assert words.scan(said).hits("words")
    assert not words.scan(not_said).hits("words")


def test_a_guard_of_latin_letters_stands_in_the_same_clause():
    words = index("chest pain", before=["never had"], reach=10)
    assert found(words, "I've never had chest pain") == []
    assert found(words, "never had it, but chest pain")


def test_a_guard_reaches_only_so_far():
    words = index("保证", phonetic=Phonetic.OFF, before=["不能"], reach=3)
    assert found(words, "不能给您保证") == []
    assert found(words, "不能在电话里给您保证")


def test_a_guard_is_heard_by_its_sound_but_not_instead_of_the_word():
    words = index("给您保证", before=["我们不能"])
    assert found(words, "我门不能给您保证") == []
    alike = index("随便你", within=["随变你"])
    assert found(alike, "随便你") == [("随便你", False)]


def test_groups_of_one_name_are_searched_as_one():
    both = WordIndex(
        [
            WordGroup("words", (parse("甲乙丙"),), Phonetic.OFF),
            WordGroup("words", (parse("丁戊己"),), Phonetic.ON),
        ]
    )
    assert [hit.start for hit in both.scan("甲乙丙丁戊己").hits("words")] == [0, 3]
