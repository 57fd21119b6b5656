import functools
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qa_calls import dialogue, play
from qa_guidance import guidance

from qa_engine.emotion.models import SCENES
from qa_engine.events import Alert, Hit
from qa_engine.guidance import content
from qa_engine.guidance.content import (
    FOLDER,
    check_guidance,
    guidance_folder,
    guidance_schemas,
    load_guidance,
)
from qa_engine.pack import DEFAULT_PACK, PackError, load


@pytest.fixture(scope="module")
def rules():
    return load(DEFAULT_PACK)


@pytest.fixture(autouse=True, scope="module")
def _read_once():
    """The files that a test leaves alone are not parsed again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "read_as", functools.cache(content.read_as))
        yield


@pytest.fixture
def pack(tmp_path):
    shutil.copytree(DEFAULT_PACK, tmp_path / "pack")
    return tmp_path / "pack"


def test_nothing_is_wrong_with_the_guidance_that_comes_with_the_program():
    assert check_guidance() == []


def test_there_are_42_scripts_one_for_each_topic_and_one_for_any_call():
    scripts = guidance().scripts
    topics = [topic.id for topic in guidance().topics]
    assert len(topics) == 42
    assert set(scripts) == {*topics, ""}
    full = [topic for topic, script in scripts.items() if script.script.detail == "full"]
    assert set(full) == set(topics)


def test_every_full_script_has_steps_that_no_other_call_has():
    generic = {step.id for step in guidance().script("").steps}
    for script in guidance().scripts.values():
        if script.script.detail == "full":
            own = [s for s in script.steps if s.id not in generic or s.step.slots]
            assert own, script.script.id


def test_the_library_holds_132_sentences_in_nine_scenes():
    library = guidance().library
    assert sorted(library) == sorted(SCENES)
    assert sum(map(len, library.values())) == 132
    assert {len(sentences) for sentences in library.values()} == {14, 15}
    assert len({s.zh for part in library.values() for s in part}) == 132


@pytest.mark.parametrize("scene", SCENES)
def test_no_sentence_of_the_library_raises_anything_when_an_agent_says_it(rules, scene):
    for sentence in guidance().library[scene]:
        finals = dialogue(("agent", sentence.zh))
        found = [
            v for v in play(rules, finals, finals[-1].end + 2)
            if isinstance(v, Hit | Alert) and v.evidence.segment_id
        ]  # fmt: skip
        kinds = {f.kind for f in found} - {"greeting_done", "closing_done"}
        assert not kinds, (sentence.id, kinds)


def test_what_agents_are_shown_to_say_raises_nothing_either(rules):
    said = {
        step.step.say
        for script in guidance().scripts.values()
        for step in script.steps
        if step.step.by == "agent" and step.step.say
    }
    assert len(said) > 40
    for sentence in sorted(said):
        finals = dialogue(("agent", sentence))
        kinds = {
            v.kind for v in play(rules, finals, finals[-1].end + 2)
            if isinstance(v, Alert) and v.evidence.segment_id
        }  # fmt: skip
        assert not kinds, (sentence, kinds)


BROKEN = [
    ("topics.yaml", "    title: 停车\n", "    titel: 停车\n", "is not known here"),
    ("topics.yaml", "id: parking", "id: refund", "is defined already"),
    ("topics.yaml", "words: [停车,", "words: [停(车,", "never closed"),
    ("scripts.yaml", "topic: parking", "topic: parkin", "no topic is named parkin"),
    ("scripts.yaml", "slots: [reply_time]", "slots: [reply_tim]", "no slot is named"),
    ("scripts.yaml", "      - promise_reply\n", "      - promis_reply\n", "no step is named"),
    ("scripts.yaml", "once: need", "once: nead", "no step is named nead"),
    ("scripts.yaml", "    some: 2\n    with_words", "    some: 9\n    with_words", "asks for 9 of"),
    ("scripts.yaml", "'(?:(?:今|明", "'((?:(?:今|明", "is no regular expression"),
    (
        "scripts.yaml",
        "id: any_call\n",
        "id: any_call\n    topic: parking\n",
        "has a script already",
    ),
    ("scenes.yaml", "scene: grateful", "scene: angry", "must hold each of"),
    ("scenes.yaml", "valence: 0.8", "valence: 8", "less than or equal to 1"),
    ("empathy.yaml", "id: anx02", "id: anx01", "is used already"),
    ("empathy.yaml", "scene: grateful", "scene: calm", "must hold grateful once"),
    ("empathy.yaml", "topics: [report_query]", "topics: [reports]", "no topic is named reports"),
    ("topics.yaml", "topics:\n", "topics: [\n", ""),
]


@pytest.mark.parametrize(("name", "old", "new", "reason"), BROKEN)
def test_a_mistake_is_told_with_its_line_and_reason(pack, name, old, new, reason):
    file = pack / FOLDER / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    errors = [p for p in check_guidance(pack) if p.level == "error"]
    told = [p for p in errors if reason in p.reason and p.file == f"{FOLDER}/{name}"]
    assert told, errors
    assert all(problem.line > 0 for problem in told)


def test_what_cannot_be_used_is_not_loaded(pack):
    (pack / FOLDER / "topics.yaml").write_text("topics: []", encoding="utf-8")
    with pytest.raises(PackError, match=r"topics\.yaml"):
        load_guidance(pack)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(["topics.yaml", "scripts.yaml", "scenes.yaml", "empathy.yaml"]),
    raw=st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
)
def test_whatever_a_file_holds_is_told_and_never_raised(tmp_path, name, raw):
    folder = tmp_path / FOLDER
    folder.mkdir(exist_ok=True)
    for other in guidance_schemas():
        (folder / other).write_bytes(b"")
    (folder / name).write_bytes(raw)
    assert any(problem.level == "error" for problem in check_guidance(tmp_path))


def test_a_pack_without_guidance_has_ours(tmp_path):
    assert guidance_folder(tmp_path) == guidance_folder(None) == DEFAULT_PACK / FOLDER


def test_each_file_has_a_schema_that_names_its_fields():
    schemas = guidance_schemas()
    assert set(schemas) == {"topics.yaml", "scripts.yaml", "scenes.yaml", "empathy.yaml"}
    assert "within_s" in schemas["scripts.yaml"]["$defs"]["Step"]["properties"]
    assert schemas["scripts.yaml"]["$defs"]["Script"]["required"] == [
        "id", "title", "title_en", "detail", "steps",
    ]  # fmt: skip
