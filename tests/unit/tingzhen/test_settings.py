"""Settings come from a file, the environment and the command line, in that order of weight."""

import pytest

from backbone.errors import UserError
from tingzhen.settings import COMPONENTS, load_settings


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.delenv("TINGZHEN_CONSOLE__PORT", raising=False)

    def write(text: str):
        path = tmp_path / "tingzhen.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def test_defaults_need_no_file():
    settings = load_settings()
    assert settings.components == COMPONENTS
    assert settings.pbx == []


def test_the_environment_overrides_the_file_and_the_command_line_overrides_both(write, monkeypatch):
    path = write('log_level = "debug"\n[console]\nport = 1000\nring_limit = 4\n')
    assert load_settings(path).console.port == 1000
    monkeypatch.setenv("TINGZHEN_CONSOLE__PORT", "2000")
    monkeypatch.setenv("TINGZHEN_LOG_LEVEL", "error")
    settings = load_settings(path)
    assert (settings.console.port, settings.console.ring_limit) == (2000, 4)
    assert settings.log_level == "error"
    assert load_settings(path, log_level="info").log_level == "info"


def test_a_pbx_is_read_and_its_secret_stays_out_of_sight(write):
    path = write(
        '[[pbx]]\nsystem = "main"\nhost = "10.0.0.5"\nusername = "tingzhen"\nsecret = "s3cr3t"\n'
    )
    settings = load_settings(path)
    assert settings.pbx[0].host == "10.0.0.5"
    assert "s3cr3t" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = = 1", "not TOML"),
        ("colour = 'red'", "colour"),
        ("[console]\nport = 'many'", "console.port"),
        ("[console]\nport = 99999", "console.port"),
        ("components = ['telephony', 'teleportation']", "components"),
        ("[[pbx]]\nhost = 5", "pbx.0"),
    ],
)
def test_a_bad_file_is_one_line_with_the_place(write, text, says):
    path = write(text)
    with pytest.raises(UserError) as refused:
        load_settings(path)
    message = str(refused.value)
    assert message.startswith(str(path))
    assert says in message
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.toml"):
        load_settings(tmp_path / "nowhere.toml")


def test_a_bad_secret_is_not_repeated(write):
    path = write('[[pbx]]\nsystem = "a"\nhost = "h"\nsecret = ["s3cr3t"]\n')
    with pytest.raises(UserError) as refused:
        load_settings(path)
    assert "s3cr3t" not in str(refused.value)
