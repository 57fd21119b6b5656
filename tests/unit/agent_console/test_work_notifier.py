"""The notifier against a real HTTP server: what goes out, again and again, and what never does."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest
import structlog
from browser_push import Subscriber, browser_push_service
from console_world import CALLER, Call, World
from notify_rig import SETTINGS, counted, keep, notifying, service
from push_service import SECRET, Service

from agent_console.events import ComplaintOverdue
from agent_console.work.notify import store
from agent_console.work.notify.plan import Facts, Message
from agent_console.work.notify.push import AddressError, AppriseSender
from agent_console.work.secrets import Keyring
from agent_console.work.settings import NotifySettings, WorkSettings
from metrics.events import ServiceAlert
from qa_engine.events import AlertEscalated

__all__ = ["service"]  # a fixture

WORDS = "你自己不会看吗"


async def test_an_alert_reaches_the_phone_without_a_word_a_name_or_a_number(
    desk: World, service: Service
) -> None:
    keyring = Keyring.made_up()
    keep(desk, keyring, service.url)
    async with notifying(desk, keyring):
        call = Call(desk, "one", queue="预约挂号")
        await call.join()
        await call.alert("quiet", severity="low", phrase="不会看")
        alert_id = await call.alert("loud", phrase="不会看", title=f"{WORDS}王小明{CALLER}")
        [sent] = await service.wait(1)
    told = sent["title"] + sent["message"]
    assert alert_id in told
    assert "kind: taboo_phrase" in told
    assert "severity: high" in told
    assert f"https://tingzhen.example/watch?alert={alert_id}" in told
    for secret in (CALLER, "王小明", "不会看", WORDS, call.id, call.agent, "1001", call.queue):
        assert secret not in json.dumps(sent, ensure_ascii=False)


async def test_an_alert_of_prometheus_reaches_the_same_phone_and_its_end_none(
    desk: World, service: Service
) -> None:
    keyring = Keyring.made_up()
    keep(desk, keyring, service.url)

    def alert(name: str, *, firing: bool = True) -> ServiceAlert:
        return ServiceAlert(
            at=desk.clock.time(),
            alert_key=f"{name}-key",
            name=name,
            severity="critical",
            firing=firing,
            queue="support",
            summary="",
            summary_en="",
        )

    async with notifying(desk, keyring):
        await desk.bus.publish(alert("WaitLong", firing=False))
        await desk.bus.publish(alert("AnswerRateEmergency"))
        [sent] = await service.wait(1)
    told = sent["title"] + sent["message"]
    assert "服务 service" in told
    assert "kind: AnswerRateEmergency" in told
    assert "severity: critical" in told
    assert "https://tingzhen.example/wallboard?alert=AnswerRateEmergency-key" in told


async def test_a_service_that_stumbles_is_asked_again_and_one_that_stays_down_is_given_up(
    desk: World, service: Service
) -> None:
    keyring = Keyring.made_up()
    keep(desk, keyring, service.url)
    service.answers = [500, 503]
    async with notifying(desk, keyring):
        call = Call(desk, "one")
        await call.alert("a")
        await service.wait(1)
        await counted(desk, "notify_sent", scheme="json")
        assert desk.counters.get("notify_retries", scheme="json") == 2
        service.answers = [500] * 3
        await call.alert("b")
        await counted(desk, "notify_failed", scheme="json")
        await call.alert("c")
        assert len(await service.wait(2)) == 2


async def test_a_browser_that_is_gone_is_forgotten_and_one_that_stays_is_pushed_to(
    desk: World, tmp_path: Path
) -> None:
    keyring, browser = Keyring.made_up(), Subscriber()
    notify = NotifySettings(web_push=True, web_push_hosts=("localhost",), workers=1)
    with browser_push_service(tmp_path) as service:
        with desk.engine.begin() as connection:
            subscription = browser.subscription(service.endpoint)
            store.subscribe(connection, keyring, "lead", "", subscription, now=1.0)
        async with notifying(desk, keyring, WorkSettings(notify=notify)):
            alert_id = await Call(desk, "one").alert("a", phrase=WORDS)
            await counted(desk, "notify_sent", scheme="webpush")
            [push] = service.received
            assert json.loads(browser.read(push.body)) == {
                "subject": "alert",
                "id": alert_id,
                "kind": "taboo_phrase",
                "severity": "high",
                "level": 0,
            }
            service.status = 410
            await Call(desk, "two").alert("b")
            await counted(desk, "notify_dropped", reason="expired")
        assert len(service.received) == 2
    with desk.engine.connect() as connection:
        assert store.targets_of(connection, "lead") == []


async def test_escalations_and_overdue_complaints_are_pushed_too(
    desk: World, service: Service
) -> None:
    keyring = Keyring.made_up()
    keep(desk, keyring, service.url)
    call = Call(desk, "one")
    alert_id = await call.alert("low", severity="low")
    async with notifying(desk, keyring):
        await desk.bus.publish(
            AlertEscalated(
                at=desk.clock.time(), alert_id=alert_id, call_id=call.id, by="timer", level=1
            )
        )
        await desk.bus.publish(
            AlertEscalated(
                at=desk.clock.time(), alert_id="unknown", call_id=call.id, by="timer", level=1
            )
        )
        await desk.bus.publish(
            ComplaintOverdue(
                at=desk.clock.time(),
                complaint_id="c-1",
                call_id=call.id,
                card="red",
                deadline="answer",
                due=2.0,
                queue=call.queue,
                agent=call.agent,
            )
        )
        told = [sent["message"] for sent in await service.wait(2)]
    assert sorted(line for text in told for line in text.splitlines() if "kind" in line) == [
        "kind: red_card_answer_overdue",
        "kind: taboo_phrase",
    ]


async def test_neither_logs_nor_the_database_hold_an_address(
    desk: World, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    keyring = Keyring.made_up()
    keep(desk, keyring, service.url)
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    service.answers = [500] * 3
    try:
        with structlog.testing.capture_logs() as lines:
            async with notifying(desk, keyring):
                await Call(desk, "one").alert("a")
                await counted(desk, "notify_failed", scheme="json")
                await Call(desk, "two").alert("b")
                await service.wait(1)
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
    said = written.getvalue() + repr(lines) + "".join(capsys.readouterr())
    assert "notify_failed" in said
    assert SECRET not in said
    with desk.engine.connect() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())
    assert SECRET not in dump


async def test_an_address_of_another_key_or_one_that_is_gone_is_counted(
    desk: World, service: Service
) -> None:
    keep(desk, Keyring.made_up(), service.url)
    async with notifying(desk, Keyring.made_up()):
        await Call(desk, "one").alert("a")
        await counted(desk, "notify_dropped", reason="gone")
    assert service.received == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "json",
        "json://",
        "file:///etc/passwd",
        "syslog://",
        "dbus://",
        "json://host/?keyfile=/etc/passwd",
        "json://host/?verify=no",
        "json://host/?redirect=yes",
        "json://host/?+X=1&:body=2",
        "json://host/ json://other/",
        "json://[::1",
        "json://host/\n",
        "json://host/" + "x" * 3000,
    ],
)
def test_an_address_that_may_not_be_used_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(AddressError) as refused:
        AppriseSender(SETTINGS.notify, Keyring.made_up()).check(url)
    assert "passwd" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "wecombot://693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa",
        "dingtalk://" + "a" * 20,
        "feishu://" + "a" * 30,
        "ntfys://ntfy.example.org/topic",
        "barks://bark.example.org/devicekey",
        "schan://" + "a" * 30,
        "mailtos://user:pass@example.org?smtp=mail.example.org&to=lead@example.org",
    ],
)
def test_the_services_of_the_default_settings_can_be_used(url: str) -> None:
    assert AppriseSender(NotifySettings(), Keyring.made_up()).check(url) == url.partition("://")[0]


def test_a_service_that_cannot_be_reached_did_not_take_it() -> None:
    words = Message("t", "b", Facts("alert", "a", "taboo", "high"))
    unreachable = "json://127.0.0.1:9/x"  # discard: nothing listens there
    assert AppriseSender(SETTINGS.notify, Keyring.made_up()).send(unreachable, words) is False
