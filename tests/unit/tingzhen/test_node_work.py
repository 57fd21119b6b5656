"""The work around the calls on a real node: its key, its samples, its pushes."""

from __future__ import annotations

import threading
from pathlib import Path

from push_service import Service

from agent_console.work import knowledge
from agent_console.work.notify import store
from agent_console.work.notify.store import NewTarget
from backbone.clock import SystemClock
from qa_engine.events import Alert, Evidence
from tingzhen.node import running_node
from tingzhen.settings import Settings


def an_alert(at: float) -> Alert:
    return Alert(
        at=at,
        alert_id="a-1",
        call_id="c-1",
        queue="预约",
        agent="PJSIP/1001",
        rule="r",
        kind="red_line",
        severity="critical",
        role="agent",
        title="t",
        title_en="t",
        phrase="包治好",
        start=0.0,
        end=1.0,
        suspected=False,
        evidence=Evidence(text="包治好"),
    )


async def test_a_node_sows_its_samples_keeps_its_key_and_pushes_its_alerts(tmp_path: Path) -> None:
    service = Service()
    threading.Thread(target=service.server.serve_forever, daemon=True).start()
    settings = Settings(
        data_dir=tmp_path,
        components=("console", "qa"),
        console={"port": 0, "lead_password": "correct horse battery"},
        work={"seed_knowledge": True, "notify": {"schemes": ["json"]}},
    )
    clock = SystemClock()
    try:
        async with running_node(settings, clock, None) as node:
            assert node.console is not None
            keyring = node.console.context.desk.keyring
            target = NewTarget("", "phone", "json", service.url, ("critical",))
            with node.engine.begin() as connection:
                store.replace(connection, keyring, "lead", [target], None, now=clock.time())
            await node.bus.publish(an_alert(clock.time()))
            [sent] = await service.wait(1)
        async with running_node(settings, clock, None) as node:
            assert node.console is not None
            with node.engine.connect() as connection:
                [known] = store.targets_of(connection, "lead")
                again = node.console.context.desk.keyring
                kept = store.address(connection, again, known.target_id)
                found = knowledge.search(connection, "医保", now=clock.time())
    finally:
        service.server.shutdown()
        service.server.server_close()
    assert "a-1" in sent["message"]
    assert "包治好" not in repr(sent)
    assert kept == ("json", service.url)
    assert len({article.article_id for article in found}) == len(found) > 0
