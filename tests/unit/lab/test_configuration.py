"""The templates of Asterisk's configuration, filled."""

import re
from pathlib import Path

import pytest

from tingzhen.lab import configuration
from tingzhen.lab.configuration import LabSettings
from tingzhen.lab.install import Installation

DIALPLAN_VARIABLES = {
    "EXTEN",
    "CUT",
    "CHANNEL",
    "IF",
    "MEMBERINTERFACE",
    "QUEUENAME",
    "QUEUESTATUS",
    "RATE",
    "TINGZHEN_KEY",
    "VISIT_LIMIT",
}


@pytest.fixture
def written(tmp_path):
    addresses = configuration.choose_addresses(
        LabSettings(audiosocket=("127.0.0.1", 9999), agents=12), tmp_path
    )
    installation = Installation(Path("/x/asterisk"), Path("/x/modules"), Path("/x/data"), "22.1.0")
    configuration.write_configuration(addresses, installation, tmp_path)
    texts = {path.name: path.read_text("utf-8") for path in (tmp_path / "etc").iterdir()}
    return addresses, texts


def test_every_place_is_filled_and_the_dialplans_own_variables_stay(written):
    _, texts = written
    left = {name for text in texts.values() for name in re.findall(r"\$\{(\w+)", text)}
    assert left == DIALPLAN_VARIABLES


def test_every_place_occurs_in_a_template():
    used = {
        name
        for text in configuration.templates().values()
        for name in re.findall(r"\$\{(\w+)", text)
    }
    assert used >= configuration.PLACES


def test_a_missing_value_is_an_error():
    with pytest.raises(KeyError, match="AMI_PORT"):
        configuration.fill("port = ${AMI_PORT}", {})


@pytest.mark.parametrize("value", ["a\nread = all", "a;b", "a\x00"])
def test_a_value_cannot_break_out_of_its_line(value):
    values = dict.fromkeys(configuration.PLACES, "x") | {"ARI_SECRET": value}
    with pytest.raises(ValueError, match="ARI_SECRET"):
        configuration.fill("password = ${ARI_SECRET}", values)


def test_stamps_are_on_and_the_listener_may_change_nothing(written):
    addresses, texts = written
    manager = texts["manager.conf"]
    assert re.search(r"^timestampevents = yes$", manager, re.MULTILINE)
    listener = manager.partition(f"[{addresses.ami_user}]")[2].partition("\n[")[0]
    assert re.search(r"^write = reporting$", listener, re.MULTILINE)
    assert f"secret = {addresses.ami_secret}\n" in listener


def varset_filter() -> str:
    text = configuration.templates()["manager.conf"]
    return re.search(r"name\(VarSet\).*? = (.*)$", text, re.MULTILINE)[1]


@pytest.mark.parametrize(
    ("variable", "kept"),
    [
        ("QUEUESTATUS", True),
        ("QUEUENAME", False),
        ("QUEUEHOLDTIME", False),
        ("QEHOLDTIME", False),
        ("MEMBERINTERFACE", False),
        ("RTPAUDIOQOS", False),
        ("~HASH~SIP_CAUSE~", False),
    ],
)
def test_of_the_variables_only_the_queues_status_is_heard(variable, kept):
    assert (re.search(varset_filter(), variable) is None) is kept


def test_what_the_call_records_need_is_not_filtered_out():
    text = configuration.templates()["manager.conf"]
    excluded = set(re.findall(r"action\(exclude\),name\((\w+)\)", text))
    needed = {
        "QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon", "AgentCalled", "AgentConnect",
        "AgentComplete", "AgentRingNoAnswer", "AgentDump", "DialBegin", "DialState", "DialEnd",
        "QueueMemberAdded", "QueueMemberRemoved", "QueueMemberPause", "QueueMemberStatus", "Hold",
        "Unhold", "Hangup", "HangupRequest", "SoftHangupRequest", "BlindTransfer",
        "AttendedTransfer", "MusicOnHoldStart", "MusicOnHoldStop", "DTMFEnd", "ChanSpyStart",
        "ChanSpyStop", "Newchannel", "Newstate", "NewCallerid", "Rename", "LocalBridge",
        "LocalOptimizationBegin", "LocalOptimizationEnd", "BridgeCreate", "BridgeEnter",
        "BridgeLeave", "BridgeMerge", "BridgeDestroy", "ParkedCall", "Pickup", "FullyBooted",
        "Shutdown",
    }  # fmt: skip
    assert not excluded & needed


def test_the_export_context_dials_the_given_media_server(written):
    _, texts = written
    export = texts["extensions.conf"].partition("[export]")[2]
    assert "AudioSocket(${EXTEN},127.0.0.1:9999)" in export


def test_every_agent_has_an_endpoint(written):
    addresses, texts = written
    assert re.findall(r"^\[(\d+)\]\(phone\)", texts["pjsip_agents.conf"], re.MULTILINE) == list(
        addresses.agents
    )
    assert addresses.agents[0] == "1001"
    assert addresses.agents[-1] == "1012"


def test_every_queue_exists_and_can_be_dialled(written):
    addresses, texts = written
    # Some more exist for single fates (a key, a full queue), which only tests dial.
    found = re.findall(r"^\[(\w+)\]\(common\)", texts["queues.conf"], re.MULTILINE)
    assert addresses.queues
    assert set(addresses.queues) <= set(found)


def test_secrets_are_fresh_and_not_readable_by_others(written, tmp_path):
    addresses, _ = written
    other = configuration.choose_addresses(LabSettings(), tmp_path)
    assert addresses.ami_secret != other.ami_secret
    assert (tmp_path / "etc" / "manager.conf").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("agents", [0, 1000])
def test_an_impossible_number_of_agents_is_refused(agents):
    with pytest.raises(ValueError, match="agents"):
        LabSettings(agents=agents)
