"""Logs say what happened, not what people said."""

import logging

import pytest
import structlog

from tingzhen.log_setup import configure_logging


@pytest.fixture(autouse=True)
def _restore():
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=[], force=True)


@pytest.mark.parametrize("as_json", [False, True])
def test_personal_fields_are_withheld(capsys, as_json):
    configure_logging("info", json=as_json)
    structlog.get_logger("t").info(
        "call_seen", caller="13800138000", text="我胸口疼", phrase="不知道", call_id="c-1"
    )
    written = capsys.readouterr().err
    assert "call_seen" in written
    assert "c-1" in written
    for personal in ("13800138000", "胸口疼", "不知道"):
        assert personal not in written


@pytest.mark.parametrize("as_json", [False, True])
def test_a_traceback_shows_no_local_variables(capsys, as_json):
    configure_logging("info", json=as_json)

    heard = "我" + "胸口疼"  # a traceback does show lines of source

    def fails(words):
        return 1 / 0 if words else None

    try:
        fails(heard)
    except ZeroDivisionError:
        structlog.get_logger("t").exception("rule_failed")
    written = capsys.readouterr().err
    assert "ZeroDivisionError" in written
    assert "胸口疼" not in written


def test_other_libraries_log_through_the_same_renderer(capsys):
    configure_logging("info")
    logging.getLogger("some.library").warning("half a warning")
    assert "half a warning" in capsys.readouterr().err


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="chatty"):
        configure_logging("chatty")
