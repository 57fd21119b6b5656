"""The lab's own manager client."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S

from tingzhen.lab import manager
from tingzhen.lab.manager import ManagerError, MessageSplitter

STREAM = (
    b"Asterisk Call Manager/11.0.0\r\n"
    b"Response: Success\r\nActionID: 1\r\nOutput: one\r\nOutput: two\r\n\r\n"
    b"Event: Hold\r\nChannel: PJSIP/1001\r\nCallerIDName: a\xe2\x80\xa8b: c\r\n\r\n"
)
MESSAGES = [
    {"Response": "Success", "ActionID": "1", "Output": "one\ntwo"},
    {"Event": "Hold", "Channel": "PJSIP/1001", "CallerIDName": "a\u2028b: c"},
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8).map(sorted))
def test_messages_are_the_same_however_the_stream_is_cut(cuts):
    splitter = MessageSplitter()
    edges = [0, *cuts, len(STREAM)]
    found = [
        message
        for start, stop in itertools.pairwise(edges)
        for message in splitter.feed(STREAM[start:stop])
    ]
    assert found == MESSAGES


def test_another_service_is_recognised_as_such():
    with pytest.raises(ManagerError, match="not Asterisk"):
        MessageSplitter().feed(b"SSH-2.0-OpenSSH\r\n")


async def served(replies):
    """Serve one connection that answers each action by `replies`, and return the port."""

    async def serve(reader, writer):
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        while True:
            try:
                request = (await reader.readuntil(b"\r\n\r\n")).decode()
            except asyncio.IncompleteReadError:
                break
            headers = dict(line.split(": ", 1) for line in request.strip().split("\r\n"))
            reply = replies.get(headers["Action"])
            if reply is None:
                break
            writer.write(reply.replace(b"#", headers["ActionID"].encode()))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


OK = b"Response: Success\r\nActionID: #\r\n\r\n"
LIST = (
    b"Response: Success\r\nActionID: #\r\nEventList: start\r\n\r\n"
    b"Event: QueueMember\r\nActionID: #\r\nName: x\r\n\r\n"
    b"Event: Other\r\n\r\n"
    b"Event: QueueStatusComplete\r\nActionID: #\r\nEventList: Complete\r\n\r\n"
)


async def test_a_list_holds_its_own_entries_and_listeners_hear_the_rest():
    server, port = await served({"Login": OK, "QueueStatus": LIST})
    heard = []
    async with server, manager.connect("127.0.0.1", port, "u", "s") as connection:
        connection.listen(heard.append)
        entries = await connection.entries("QueueStatus")
    assert [entry["Name"] for entry in entries] == ["x"]
    assert [event["Event"] for event in heard] == ["Other"]


async def test_a_refused_login_says_why():
    refusal = b"Response: Error\r\nActionID: #\r\nMessage: Authentication failed\r\n\r\n"
    server, port = await served({"Login": refusal})
    async with server:
        with pytest.raises(ManagerError, match="Authentication failed"):
            async with manager.connect("127.0.0.1", port, "u", "s"):
                pass


async def test_a_lost_connection_ends_the_waiting():
    server, port = await served({"Login": OK})
    async with server, manager.connect("127.0.0.1", port, "u", "s") as connection:
        with pytest.raises(ManagerError, match="gone"):
            async with asyncio.timeout(PATIENCE_S):
                await connection.action("Ping")


async def test_a_header_cannot_smuggle_another():
    server, port = await served({"Login": OK})
    async with server, manager.connect("127.0.0.1", port, "u", "s") as connection:
        with pytest.raises(ManagerError, match="line break"):
            await connection.action("Command", Command="x\r\nAction: Logoff")
