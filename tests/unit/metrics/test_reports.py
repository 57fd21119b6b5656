"""Reports: what they say, and that every form of them says it."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from patience import PATIENCE_S
from pydantic import ValidationError
from pypdf import PdfReader
from sqlalchemy import insert
from typer.testing import CliRunner

from backbone.clock import ManualClock
from backbone.counters import Counters
from backbone.errors import UserError
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.schema import alerts, calls, segments
from backbone.store.tables.guidance import call_topics
from backbone.store.tables.scoring import call_scores
from metrics.periods import period_of
from metrics.reports.content import read_report
from metrics.reports.files import order_by
from metrics.reports.job import ReportJob
from metrics.reports.page import html_page, pdf
from metrics.reports.results import AgentMarks, read_marks
from metrics.reports.settings import ReportSettings
from metrics.reports.voices import Question, top_questions
from metrics.reports.workbook import workbook
from metrics.settings import MetricsSettings
from metrics.synthetic import HistoryPlan, write_history
from tingzhen.cli import app

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 21, 7, 0, tzinfo=SHANGHAI).timestamp()
TEN = datetime(2026, 11, 20, 10, 0, tzinfo=SHANGHAI).timestamp()
NUMBER = "13800138000"


def said(number, text, *, role="customer", start=5.0):
    return {
        "segment_id": f"s{number}-{start}-{role}",
        "call_id": str(number),
        "leg_id": f"l{number}",
        "role": role,
        "start": start,
        "end": start + 4,
        "text": text,
        "language": "zh",
        "confidence": 0.9,
        "level_db": -20.0,
        "unintelligible": False,
        "at": TEN,
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A day of 24 calls of two agents at ten o'clock; five asked the like, one complained."""
    path = tmp_path_factory.mktemp("report")
    engine = open_engine(sqlite_url(path / "tingzhen.sqlite3"))
    with engine.begin() as connection:
        connection.execute(
            insert(calls),
            [
                {
                    "call_id": str(number),
                    "system": "main",
                    "uniqueid": str(number),
                    "visit": 1,
                    "queue": "<b>support</b>",
                    "caller": NUMBER,
                    "agent": f"PJSIP/100{number % 2}",
                    "joined_at": TEN + number,
                    "answered_at": TEN + number + 5,
                    "ended_at": TEN + number + 205,
                    "outcome": "answered",
                    "wait_s": 5.0,
                    "rings": 2,
                    "talk_s": 200.0,
                }
                for number in range(24)
            ],
        )
        connection.execute(
            insert(call_topics),
            [
                {
                    "call_id": str(number),
                    "topic": "fees",
                    "title": "费用",
                    "title_en": "Fees",
                    "confidence": 1.0,
                    "stable": True,
                    "at": TEN,
                }
                for number in range(12)
            ],
        )
        connection.execute(
            insert(segments),
            [
                *[said(number, "请问住院押金要交多少钱") for number in range(4)],
                said(4, "请问住院的押金要交多少钱呀"),
                said(5, "=1+1你们的收费太不合理了", start=20.0),
                said(5, f"我电话是{NUMBER}你们几点上班", start=30.0),
                said(6, "请问有什么可以帮您", role="agent"),
            ],
        )
        connection.execute(
            insert(alerts),
            [
                {
                    "alert_id": "a1",
                    "call_id": "5",
                    "rule": "complaint",
                    "kind": "customer_complaint",
                    "severity": "high",
                    "role": "customer",
                    "title": "客户投诉",
                    "title_en": "Complaint",
                    "phrase": "收费太不合理",
                    "start": 21.0,
                    "end": 23.0,
                    "suspected": False,
                    "evidence": "{}",
                    "at": TEN + 60,
                    "state": "judged",
                    "verdict": "correct",
                }
            ],
        )
        connection.execute(
            insert(call_scores),
            [
                {
                    "call_id": str(number),
                    "queue": "support",
                    "agent": "PJSIP/1001",
                    "card": "default",
                    "revision": "1",
                    "score": score,
                    "failed": False,
                    "items": "[]",
                    "at": TEN,
                }
                for number, score in ((1, 80.0), (3, 100.0), (5, None))
            ],
        )
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def report(store):
    marks = {"PJSIP/1001": AgentMarks(learning=60.0), "PJSIP/1000": AgentMarks(quality=50.0)}
    with store.connect() as connection:
        period = period_of("day", DAY, SHANGHAI)
        return read_report(connection, period, MetricsSettings(), now=NOW, marks=marks)


def test_kpis_stand_beside_their_targets_and_the_period_before(report):
    rows = {row.target.kpi: row for row in report.targets}
    assert (rows["answer_rate"].value, rows["answer_rate"].kept) == (1.0, True)
    assert rows["answer_rate"].last is None
    assert rows["satisfaction"].kept is None
    assert [row.key for row in report.best_hours] == ["10"]
    assert report.worst_hours == ()


def test_the_like_questions_are_one_and_complaints_are_counted_by_topic(report):
    (row,) = report.topics
    assert (row.title, row.calls, row.complaints, row.last, row.sampled) == ("费用", 12, 1, 0, 12)
    assert row.questions[0] == Question(text="请问住院押金要交多少钱", calls=5)


def test_callers_words_are_quoted_where_they_complained_and_personal_data_is_covered(report):
    (quotation,) = report.quotations
    assert quotation.text == "=1+1你们的收费太不合理了"
    assert NUMBER not in html_page(report, "zh")
    assert top_questions([("c", f"我电话是{NUMBER}你们几点上班")])[0].text.count("＊") == 7


def test_results_weigh_what_is_known_and_say_where_it_is_from(report):
    first, second = report.agents
    assert first.agent == "PJSIP/1001"
    by_part = {part.part: (part.mark, part.source) for part in first.parts}
    assert by_part["quality"] == (90.0, "measured")
    assert by_part["efficiency"] == (100.0, "measured")
    assert by_part["learning"] == (60.0, "entered")
    assert by_part["innovation"] == (None, "none")
    assert (first.weight, first.scored) == (85, 2)
    assert first.total == pytest.approx(0.5 * 90 + 0.2 * 100 + 0.15 * 60)
    assert (second.weight, second.total) == (70, pytest.approx(45.0))


def test_the_page_needs_nothing_beside_it_and_takes_no_markup_from_a_name(report):
    for language, title in (("zh", "客服日报"), ("en", "Daily report")):
        page = html_page(report, language, "仁和<医院>")
        assert title in page
        assert "仁和&lt;医院&gt;" in page
        assert "<b>support" not in page
        assert "http" not in page.replace("http-equiv", "")


def test_every_word_of_the_page_is_in_its_language(report):
    english = html_page(report, "en").split("</style>")[1]
    quoted = {
        "=1+1你们的收费太不合理了",
        "请问住院押金要交多少钱",
        "我电话是＊＊＊＊＊＊＊8000你们几点上班",
    }
    for text in quoted:
        english = english.replace(text, "")
    assert [each for each in english if "一" <= each <= "鿿"] == []


def test_a_period_without_a_call_is_said_to_be_so(store):
    with store.connect() as connection:
        period = period_of("month", date(2020, 1, 1), SHANGHAI)
        nothing = read_report(connection, period, MetricsSettings(), now=NOW)
    assert "没有来电" in html_page(nothing, "zh")
    assert pdf(html_page(nothing, "zh")).startswith(b"%PDF")
    assert workbook(nothing, "zh").startswith(b"PK")


def test_the_pdf_has_its_text_and_pages(report):
    written = pdf(html_page(report, "zh", "仁和医院"))
    document = PdfReader(io.BytesIO(written))
    text = "".join(page.extract_text() for page in document.pages)
    assert "客服日报" in text
    assert "接通率" in text
    assert "/StructTreeRoot" in document.trailer["/Root"]  # can be read aloud


def test_a_callers_words_are_no_formula_in_the_workbook(report):
    with zipfile.ZipFile(io.BytesIO(workbook(report, "zh"))) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if "worksheets/" in name]
        strings = book.read("xl/sharedStrings.xml").decode()
    assert "=1+1你们的收费太不合理了" in strings
    assert not any("<f>" in sheet for sheet in sheets)
    assert len(sheets) == 9


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("agent,charm\na,1\n", "charm"),
        ("name,quality\na,1\n", "agent"),
        ("agent,quality\na,101\n", "0 to 100"),
        ("agent,quality\na,good\n", "good"),
        ("agent,quality\na,nan\n", "nan"),
    ],
)
def test_marks_that_cannot_be_used_are_refused_with_their_line(tmp_path, content, word):
    path = tmp_path / "marks.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=word):
        read_marks(path)
    with pytest.raises(UserError, match="nowhere"):
        read_marks(tmp_path / "nowhere.csv")


def test_marks_from_a_spreadsheet_are_read(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text("\ufeffagent,learning,innovation\nPJSIP/1001,80,\n")
    assert read_marks(path) == {"PJSIP/1001": AgentMarks(learning=80.0)}


def test_the_command_writes_what_is_asked_for(store, monkeypatch, tmp_path):
    monkeypatch.setenv("TINGZHEN_DATA_DIR", str(store.url.database).rsplit("/", 1)[0])
    run = ["report", "day", "--on", "2026-11-20", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*run, "--format", "html", "--format", "xlsx", "--json"])
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["report", "report"]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["day-2026-11-20.zh.html", "day-2026-11-20.zh.xlsx"]
    for wrong in (["--format", "docx"], ["--on", "tomorrow"]):
        assert isinstance(CliRunner().invoke(app, ["report", *wrong]).exception, UserError)


def job(tmp_path, store, at, **settings):
    return ReportJob(
        ReportSettings(formats=("html",), **settings),
        MetricsSettings(),
        store.url,
        tmp_path / "here",
        clock=ManualClock(at),
        counters=Counters(),
    )


def test_what_is_over_and_not_there_is_due(tmp_path, store):
    made = job(tmp_path, store, NOW, kinds=("day", "week", "month"))
    due = made.due()
    assert [(order.kind, order.on) for order in due] == [
        ("day", date(2026, 11, 20)),
        ("week", date(2026, 11, 9)),
        ("month", date(2026, 10, 1)),
    ]
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "day-2026-11-20.zh.html").write_text("there")
    assert [order.kind for order in made.due()] == ["week", "month"]


class AsleepClock(ManualClock):
    """Tells when somebody has nothing left to do and sleeps."""

    def __init__(self, start):
        super().__init__(start)
        self.asleep = asyncio.Event()

    async def sleep(self, seconds):
        self.slept_s = seconds
        self.asleep.set()
        await super().sleep(seconds)


async def reported(store, folder, **settings):
    """The job's clock and counters when it has made a day's report, and sleeps."""
    clock, counters = AsleepClock(NOW), Counters()
    made = ReportJob(
        ReportSettings(kinds=("day",), formats=("html",), **settings),
        MetricsSettings(),
        store.url,
        folder,
        clock=clock,
        counters=counters,
    )
    task = asyncio.create_task(made.run())
    async with asyncio.timeout(PATIENCE_S):
        await clock.asleep.wait()
    task.cancel()
    return clock, counters


async def test_the_job_makes_the_file_in_a_process_of_its_own_and_sleeps_until_its_hour(
    tmp_path, store
):
    clock, counters = await reported(store, tmp_path / "here")
    assert (tmp_path / "here" / "day-2026-11-20.zh.html").stat().st_size > 1000
    assert counters.get("reports_made", period="day") == 1
    assert clock.slept_s == 23.5 * 3600


async def test_a_report_that_cannot_be_made_is_counted_and_stops_nothing(tmp_path, store):
    _, counters = await reported(store, tmp_path / "here", marks_file=tmp_path / "none.csv")
    assert counters.get("reports_failed", period="day") == 1


def test_a_time_that_is_none_is_refused():
    with pytest.raises(ValidationError):
        ReportSettings(at="25:00")
    assert ReportSettings(at="06:30").minute_of_day == 390


def test_a_made_up_month_gives_a_report(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "t.sqlite3"))
    plan = HistoryPlan(calls=600, first=date(2026, 11, 16), days=5, zone=SHANGHAI)
    write_history(engine, plan)
    with engine.connect() as connection:
        period = period_of("week", DAY, SHANGHAI)
        made = read_report(connection, period, MetricsSettings(), now=NOW)
    engine.dispose()
    assert made.total.joined == 600
    assert sum(row.calls for row in made.topics) > 0
    assert pdf(html_page(made, "zh")).startswith(b"%PDF")


def test_an_order_follows_the_settings(tmp_path):
    order = order_by(ReportSettings(hospital="仁和"), "day", DAY, tmp_path)
    assert (order.formats, order.languages, order.hospital) == (("pdf", "xlsx"), ("zh",), "仁和")
