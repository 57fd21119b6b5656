"""The manager interface over TLS on the real Asterisk, and two PBXs side by side."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import trustme
from e2e.telephony_rig import Rig, settings_for, telephony
from patience import PATIENCE_S

from backbone.clock import SystemClock
from telephony import storage
from telephony.events import CallEnded, PbxHealth
from telephony.settings import TlsSettings
from tingzhen.lab.addresses import unused_port
from tingzhen.lab.scenario import Lab
from tingzhen.node import running_node
from tingzhen.settings import Settings

pytestmark = pytest.mark.lab


@contextlib.asynccontextmanager
async def tls_manager(lab, folder):
    """Have the lab's Asterisk speak TLS too; yields its port and the authority."""
    authority, port = trustme.CA(), unused_port()
    certificate = authority.issue_cert("127.0.0.1")
    pem = folder / "ami.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(pem)
    extra = lab.asterisk.folder / "etc" / "manager_tls.conf"
    extra.write_text(
        f"tlsenable = yes\ntlsbindaddr = 127.0.0.1:{port}\n"
        f"tlscertfile = {pem}\ntlsprivatekey = {pem}\n",
        "utf-8",
    )
    await lab.asterisk.console("manager reload")
    try:
        yield port, authority
    finally:
        extra.write_text("tlsenable = no\n", "utf-8")
        await lab.asterisk.console("manager reload")


def over_tls(lab, port, ca_file, **tls):
    settings = settings_for(lab.addresses, ami_port=port)
    return settings.model_copy(update={"tls": TlsSettings(ca_file=ca_file, **tls)})


@pytest.mark.quiet
async def test_call_over_tls_and_who_is_not_trusted(lab, tmp_path):
    async with tls_manager(lab, tmp_path) as (port, authority):
        ours, other = tmp_path / "ca.pem", tmp_path / "other.pem"
        authority.cert_pem.write_to_path(ours)
        trustme.CA().cert_pem.write_to_path(other)
        async with telephony(over_tls(lab, port, ours)) as rig:
            truth = await lab.call("support", ring_s=0.3, talk_s=0.5, number="19900000601")
            record = await rig.record(truth.uniqueid)
            assert record.complete
            assert record.talk_s == pytest.approx(truth.talk_s, abs=0.05)
        for settings, why in (
            (over_tls(lab, port, other), "not trusted"),
            (over_tls(lab, port, ours, server_name="pbx.example"), "not trusted"),
            (over_tls(lab, lab.addresses.ami_port, ours), "no TLS there"),
            (over_tls(lab, port, tmp_path / "missing.pem"), "is not there"),
        ):
            async with unlinked(settings) as rig:
                lost = await rig.until(lambda rig=rig: rig.of(PbxHealth, state="lost"))
                assert why in lost[0].detail
                assert settings.secret.get_secret_value() not in lost[0].detail


@contextlib.asynccontextmanager
async def unlinked(settings):
    """A rig whose link is not expected to come up."""
    rig = Rig(settings)
    await rig.bus.start()
    rig.start("collect", rig.collect())
    rig.start("link", rig.link.run())
    try:
        yield rig
    finally:
        await rig.stop("link")
        await rig.stop("collect")


async def test_two_pbxs_in_one_node_are_kept_apart(lab, tmp_path):
    async with Lab.up() as second:
        pbxs = [
            settings_for(one.addresses).model_copy(update={"system": name})
            for name, one in (("east", lab), ("west", second))
        ]
        settings = Settings(
            data_dir=tmp_path, components=("telephony", "metrics"), pbx=pbxs, from_file={}
        )
        async with running_node(settings, SystemClock(), None) as node:
            health = node.bus.subscribe("health", PbxHealth)
            ended = node.bus.subscribe("ended", CallEnded)
            up = set()
            async with asyncio.timeout(PATIENCE_S):
                async for envelope in health:
                    if envelope.event.up:
                        up.add(envelope.event.system)
                    if up == {"east", "west"}:
                        break
            east, west = await asyncio.gather(
                lab.call("support", ring_s=0.3, talk_s=0.8, number="19900000611"),
                second.call("report", ring_s=0.3, talk_s=0.8, number="19900000612"),
            )
            async with asyncio.timeout(PATIENCE_S):
                for _ in range(2):  # handed out once stored
                    await anext(aiter(ended))
            with node.engine.connect() as connection:
                calls = storage.recent_calls(connection)
    found = {call.system: call for call in calls}
    assert found["east"].uniqueid == east.uniqueid
    assert found["west"].uniqueid == west.uniqueid
    assert (found["east"].queue, found["west"].queue) == ("support", "report")
    assert found["east"].call_id != found["west"].call_id
    assert all(call.complete for call in calls)
