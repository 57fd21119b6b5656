"""Whatever the routes of the work are sent, the answer is a problem document, never a crash."""

from __future__ import annotations

import json

from console_world import World
from work_rig import API, office

IDS = ("x", "0", "'; DROP TABLE calls; --", "%00", "..%2f..", "投诉", "a" * 300, "%ff%fe")
ROUTES = (
    ("GET", "/knowledge/{}"),
    ("PUT", "/knowledge/{}"),
    ("DELETE", "/knowledge/{}"),
    ("GET", "/knowledge/{}/history"),
    ("GET", "/calls/{}/caller"),
    ("PUT", "/callers/{}/card"),
    ("GET", "/calls/{}/register"),
    ("PUT", "/calls/{}/register"),
    ("PATCH", "/complaints/{}"),
    ("GET", "/inspections/{}"),
    ("PUT", "/inspections/{}/answers"),
    ("POST", "/inspections/{}/submit"),
    ("POST", "/inspections/{}/review"),
    ("POST", "/knowledge"),
    ("POST", "/complaints"),
    ("POST", "/inspections/samples"),
    ("PUT", "/me/notifications"),
)
BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"1e999",
    b'"\\ud800"',
    b"\xff\xfe",
    b"[" * 5000,
    json.dumps({"a": 1}).encode(),
    json.dumps({"title": "\x00", "body": "\x00", "version": 10**400}).encode(),
    b'{"title": "\\ud800", "body": "x", "version": 1, "valid_from": NaN}',
    b'{"version": 0, "age": 1e400, "follow_up_due": Infinity}',
    b'{"call_id": {"$ne": 1}, "card": "red", "text": "x"}',
    b'{"answers": [{"item": "greeting", "answer": "yes", "earned": NaN}], "text": "x"}',
    b'{"targets": [{"url": "json://[::1"}], "quiet": {"start": "25:00", "end": ""}}',
)
QUERIES = (
    "/knowledge?q=%00",
    "/knowledge?q=%ff%fe&topic=%00&limit=1",
    "/knowledge?every=true&cursor=%00",
    "/registers?cursor=AAAA&state=all",
    "/registers?topic=%27&agent=%25&limit=0",
    "/complaints?state=nonsense",
    "/complaints?cursor=WzEsMV0",
    "/inspections?state=%00&mine=perhaps",
    "/inspections?cursor=WyJhIiwiYiJd",
    "/inspections/agreement?since=NaN&until=-inf",
    "/inspections/agreement?since=1e308",
)


async def test_nothing_that_is_sent_makes_the_server_stumble(desk: World) -> None:
    async with office(desk) as shop:
        manager = await shop.as_("ma", "manager")
        sent = [
            await manager.request(
                method,
                API + path.format(name),
                content=body,
                headers={"Content-Type": "application/json"},
            )
            for method, path in ROUTES
            for name, body in zip(IDS, BODIES, strict=False)
        ]
        for body in BODIES:
            for method, path in (("POST", "/complaints"), ("PUT", "/me/notifications")):
                sent.append(await manager.request(method, API + path, content=body))
        sent += [await manager.get(API + query) for query in QUERIES]
        for answer in sent:
            where = (answer.request.method, str(answer.request.url)[:120], answer.text[:200])
            assert answer.status_code < 500, where
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", where
        assert sum(answer.status_code >= 400 for answer in sent) > len(sent) / 2
        assert (await manager.get(f"{API}/knowledge")).json()["items"] == []
        assert (await manager.get(f"{API}/complaints")).json()["items"] == []
