import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qa_guidance import guidance

from qa_engine.phrases import parse
from qa_engine.topics.detector import TopicDetector, groups
from qa_engine.topics.models import Topic
from qa_engine.topics.nearest import NearestExemplar
from qa_engine.words import WordGroup, WordIndex


def detector():
    return TopicDetector(guidance().topics, guidance().nearest)


def scan(text):
    return guidance().index.scan(text)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("我想预约下周的心内科专家门诊", "appointment_new"),
        ("我约的是星期五想改到下周一", "appointment_change"),
        ("明天的号我不看了帮我取消预约", "appointment_cancel"),
        ("核磁共振的报告出来了吗", "report_query"),
        ("外地医保怎么备案", "insurance_remote"),
        ("我要投诉收费窗口", "complaint"),
        ("我爸突然胸口疼喘不上气", "emergency"),
        ("我不想活了", "crisis"),
        ("眼科在几楼", "in_hospital_navigation"),
        ("I'd like to make an appointment with a cardiologist", "appointment_new"),
        ("Can I reschedule my appointment to Monday", "appointment_change"),
        ("I want to cancel my appointment", "appointment_cancel"),
        ("Are my blood test results ready", "report_query"),
        ("Where can I park when I come", "parking"),
        ("What are your opening hours", "clinic_hours"),
        ("I want my money back, I need a refund", "refund"),
        ("I need copies of my medical records", "medical_records"),
        ("I left my umbrella in the waiting room", "lost_found"),
        ("I want to make a complaint about a nurse", "complaint"),
        ("My husband collapsed and he is not breathing", "emergency"),
    ],
)
def test_a_plain_sentence_is_enough(text, topic):
    assert detector().hear("customer", scan(text)).topic == topic


@pytest.mark.parametrize(
    "text",
    ["你好", "喂你好听得到吗", "谢谢再见", "嗯对", "今天天气不错", "我去年晕倒过一次现在已经好了"],
)
def test_small_talk_is_no_topic(text):
    assert detector().hear("customer", scan(text)) is None


@pytest.mark.parametrize(
    "text", ["气死我了不想活了都", "路上车祸堵车我来不及了", "急诊科的电话是多少", "投诉电话是多少"]
)
def test_what_only_sounds_grave_is_not_urgent(text):
    detected = detector().hear("customer", scan(text))
    assert detected is None or detected.topic != "emergency"


def test_the_agents_own_words_tell_a_call_that_the_hospital_made():
    told = detector().hear("agent", scan("这里是医院随访中心，想了解一下您的恢复情况"))
    assert told.topic == "followup_discharge"


def test_a_topic_changes_while_evidence_is_thin_and_then_stays():
    detecting = detector()
    assert detecting.hear("customer", scan("我想预约一个专家号")).topic == "appointment_new"
    assert detecting.hear("customer", scan("不是，我约过了，我想改到下周一")) is None
    changed = detecting.hear("customer", scan("周五来不了，原来的号能不能换个时间，改期"))
    assert changed.topic == "appointment_change"
    settled = None
    for text in ("好的您稍等", "我看一下", "改到周一可以吗", "可以", "行"):
        settled = detecting.hear("agent", scan(text)) or settled
    assert (settled.topic, settled.stable) == ("appointment_change", True)
    for text in ("还有停车场有车位吗", "停车费多少钱", "停车方便吗"):
        assert detecting.hear("customer", scan(text)) is None


@pytest.fixture
def two():
    """A detector of two topics, and the scan of a text by their words."""
    topics = [
        Topic(id="fruit", title="水果", title_en="Fruit", strong=["买水果"]),
        Topic(
            id="dish", title="菜", title_en="Dish",
            words=["豆腐", "青菜", "土豆", "茄子", "黄瓜"],
        ),
    ]  # fmt: skip
    words = [
        WordGroup(name, tuple(map(parse, getattr(topic, part))))
        for topic in topics
        for part, name in zip(("words", "strong", "agent"), groups(topic.id), strict=True)
    ]
    detecting = TopicDetector(topics, NearestExemplar({}))
    return lambda text: detecting.hear("customer", WordIndex(words).scan(text))


def test_another_topic_takes_over_only_with_a_lead(two):
    assert two("我想买水果").topic == "fruit"  # three for a strong word
    assert two("豆腐、青菜、土豆和茄子") is None  # four are ahead, not far enough
    assert two("还有黄瓜").topic == "dish"


def test_saying_the_same_again_is_no_more_evidence(two):
    assert two("我想买水果").topic == "fruit"
    assert [two("豆腐，豆腐和青菜") for _ in range(3)] == [None] * 3


def test_a_caller_who_turns_to_something_else_is_followed():
    detecting = detector()
    assert detecting.hear("customer", scan("我想挂个骨科的号")).topic == "appointment_new"
    assert detecting.hear("agent", scan("好的，您想约哪天")) is None
    turned = detecting.hear("customer", scan("算了，上次那医生什么态度，我要投诉，叫你们领导来"))
    assert turned.topic == "complaint"


def test_from_a_settled_topic_the_caller_turns_by_more_than_one_sentence():
    detecting = detector()
    for text in ("我想挂个骨科的号", "周三上午", "可以", "好的", "行"):
        detecting.hear("customer", scan(text))
    assert detecting.current.stable
    assert detecting.hear("customer", scan("我上周做的核磁报告出来了吗")) is None
    assert detecting.hear("customer", scan("你们怎么这个态度，我要投诉你")) is None
    assert detecting.hear("customer", scan("我要投诉，叫你们领导来")).topic == "complaint"


def test_an_emergency_takes_over_at_any_time():
    detecting = detector()
    for text in ("我想预约挂号", "骨科", "专家号", "明天", "好的", "可以"):
        detecting.hear("customer", scan(text))
    assert detecting.current.stable
    assert detecting.hear("customer", scan("哎呀我爸晕倒了叫不醒")).topic == "emergency"


def test_a_queue_is_a_hint_but_no_proof():
    detecting = detector()
    detecting.enter("complaint")
    assert detecting.current is None
    assert detecting.hear("customer", scan("你们停车场怎么停车")).topic == "parking"


def test_words_that_recognition_spelt_otherwise_count_by_their_sound():
    assert detector().hear("customer", scan("我想问问一地就一备案怎么办")) is not None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["agent", "customer"]),
            st.text(max_size=30)
            | st.sampled_from(
                ["我要投诉", "预约挂号", "报告出来了吗", "胸口疼得厉害", "退费", "几楼"]
            ),
        ),
        max_size=12,
    )
)
def test_confidence_is_a_share_and_no_single_sentence_moves_what_is_stable_unless_urgent(said):
    detecting = detector()
    urgent = {topic.id for topic in guidance().topics if topic.urgent}
    stable_for = 0
    for role, text in said:
        before = detecting.current
        told = detecting.hear(role, scan(text))
        assert told is None or told == detecting.current
        now = detecting.current
        if now is not None:
            assert 0 <= now.confidence <= 1
        if before is not None and before.stable and now.topic != before.topic:
            assert now.topic in urgent or stable_for > 1
        stable_for = stable_for + 1 if now is not None and now.stable else 0


def test_the_nearest_exemplar_is_found_and_equal_text_is_like_itself():
    nearest = NearestExemplar({"a": ["报告什么时候出来"], "b": ["停车多少钱", "有没有车位"]})
    assert nearest.likeness("报告什么时候出来")["a"] == pytest.approx(1.0)
    assert set(nearest.likeness("请问有车位吗")) == {"b"}
    assert nearest.likeness("谢谢") == {}
    assert nearest.likeness("") == {}


@given(st.text(max_size=40))
def test_likeness_is_between_0_and_1(text):
    for cosine in guidance().nearest.likeness(text).values():
        assert 0 < cosine <= 1
