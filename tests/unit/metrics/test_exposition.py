from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter
from starlette.routing import Route

from backbone.errors import UserError
from metrics.exposition import MetricsApp
from metrics.settings import MetricsSettings

LOOPBACK, ELSEWHERE = "127.0.0.1", "192.0.2.7"


def client_of(address, **settings):
    registry = CollectorRegistry()
    Counter("tingzhen_things", "Things.", registry=registry).inc(3)
    app = MetricsApp(MetricsSettings(**settings), registry)
    console = FastAPI()
    console.router.routes.append(Route("/metrics", app))
    console.mount("/mounted", app)
    transport = httpx.ASGITransport(console, client=(address, 1234))
    return httpx.AsyncClient(transport=transport, base_url="http://console")


@pytest.mark.parametrize("path", ["/metrics", "/mounted/"])
async def test_loopback_reads_it(path):
    async with client_of(LOOPBACK) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert "tingzhen_things_total 3.0" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


async def test_openmetrics_is_negotiated():
    async with client_of(LOOPBACK) as client:
        accept = "application/openmetrics-text; version=1.0.0"
        answer = await client.get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("address", "settings", "headers", "status"),
    [
        (ELSEWHERE, {}, {}, 403),
        (ELSEWHERE, {"token": "sesame"}, {}, 401),
        (ELSEWHERE, {"token": "sesame"}, {"authorization": "Bearer sesame"}, 200),
        (ELSEWHERE, {"token": "sesame"}, {"authorization": "Bearer wrong"}, 401),
        (ELSEWHERE, {"token": "sesame"}, {"authorization": "Basic sesame"}, 401),
        (ELSEWHERE, {"allowed_networks": ["192.0.2.0/24"]}, {}, 200),
        (LOOPBACK, {"allowed_networks": []}, {}, 403),
        ("::1", {}, {}, 200),
        ("::ffff:127.0.0.1", {}, {}, 200),
        ("testclient", {}, {}, 403),
        (LOOPBACK, {}, {"x-forwarded-for": "192.0.2.7"}, 403),
        (LOOPBACK, {}, {"forwarded": "for=192.0.2.7"}, 403),
        (
            LOOPBACK,
            {"token": "sesame"},
            {"x-real-ip": "192.0.2.7", "authorization": "Bearer sesame"},
            200,
        ),
    ],
)
async def test_who_may_read_it(address, settings, headers, status):
    async with client_of(address, **settings) as client:
        answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("tingzhen_things" in answer.text) is (status == 200)


async def test_it_is_read_only():
    async with client_of(LOOPBACK) as client:
        assert (await client.post("/mounted/")).status_code == 405


async def test_the_token_may_stand_in_a_file(tmp_path):
    file = tmp_path / "token"
    file.write_text("sesame\n", encoding="utf-8")
    async with client_of(ELSEWHERE, token_file=file) as client:
        headers = {"authorization": "Bearer sesame"}
        assert (await client.get("/metrics", headers=headers)).status_code == 200


@pytest.mark.parametrize("content", [None, b"", b"  \n", b"\xff\xfe"])
def test_a_token_file_that_holds_none_is_refused(tmp_path, content):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match="token"):
        MetricsApp(MetricsSettings(token_file=file), CollectorRegistry())
