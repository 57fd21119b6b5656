"""What can be known of the containers without an engine to run them."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest
from compose_spec import PyCompose
from ruamel.yaml import YAML

from telephony.settings import PbxSettings

ROOT = Path(__file__).parents[3]
DOCKER = ROOT / "docker"
COMPOSE = YAML(typ="safe").load(DOCKER / "compose.yml")
SERVICES = sorted(COMPOSE["services"])
DOCKERFILES = [
    DOCKER / "asterisk" / "Dockerfile",
    DOCKER / "tingzhen" / "Dockerfile",
    DOCKER / "tingzhen" / "Dockerfile.cuda",
]


def dockerfile(service):
    build = COMPOSE["services"][service].get("build")
    if build is None:
        return ""
    return (DOCKER / build["context"] / build["dockerfile"]).read_text(encoding="utf-8")


def last_stage(text):
    return text[text.rindex("\nFROM ") :]


def test_the_profiles_are_demo_pbx_cuda_and_observability():
    profiles = {name: service["profiles"] for name, service in COMPOSE["services"].items()}
    assert profiles == {
        "demo": ["demo"],
        "tingzhen": ["pbx"],
        "tingzhen-cuda": ["cuda"],
        "asterisk": ["pbx", "cuda"],
        "prometheus": ["observability"],
        "alertmanager": ["observability"],
        "grafana": ["observability"],
    }


def test_the_compose_file_is_of_the_compose_specification():
    filled = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", json.dumps(COMPOSE))
    compose = PyCompose.from_json(filled)
    compose.validate()  # what services name is there: volumes, networks, secrets
    assert set(compose.service_names()) == set(SERVICES)


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_dockerfile_satisfies_the_linter(file):
    linter = Path(sysconfig.get_path("scripts")) / "hadolint"
    linted = subprocess.run(
        [linter, "--no-color", "-c", DOCKER / "hadolint.yaml", file],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_publishes_on_loopback_only(name):
    for port in COMPOSE["services"][name]["ports"]:
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_not_root_and_has_no_capabilities(name):
    service = COMPOSE["services"][name]
    users = re.findall(r"^USER (\S+)", last_stage(dockerfile(name) or "\nFROM x"), re.MULTILINE)
    user = str(service.get("user") or users[-1])
    assert user.split(":", maxsplit=1)[0] not in {"root", "0"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_tells_whether_it_is_well(name):
    own = "healthcheck" in COMPOSE["services"][name]
    assert own or "\nHEALTHCHECK " in last_stage(dockerfile(name))


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_and_volumes_and_mounted_files_exist(name):
    service = COMPOSE["services"][name]
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        known = (
            (DOCKER / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
        )
        assert known, volume
    for path in re.findall(r"/run/secrets/(\w+)", str(service)):
        assert path in service["secrets"]


def test_no_image_is_taken_at_its_latest():
    for service in COMPOSE["services"].values():
        assert re.search(r":\$\{\w+:-(?!latest)[\w.]+\}$", service["image"])


def test_files_copied_into_images_exist():
    for name in ("tingzhen", "tingzhen-cuda", "asterisk"):
        sources = re.findall(r"^COPY (?:--chmod=\S+ )?([^-\s]\S*) ", dockerfile(name), re.MULTILINE)
        assert sources, name
        assert [source for source in sources if not (ROOT / source).exists()] == []


def test_tingzhens_settings_reach_the_asterisk_beside_it():
    settings = tomllib.loads((DOCKER / "tingzhen" / "tingzhen.toml").read_text(encoding="utf-8"))
    assert set(settings) == {"pbx"}
    [pbx] = [PbxSettings.model_validate(each) for each in settings["pbx"]]
    asterisk = COMPOSE["services"]["asterisk"]["environment"]
    assert pbx.host == "asterisk"
    assert str(pbx.secret_file) == asterisk["AMI_LISTENER_SECRET_FILE"]
    assert str(pbx.ari.secret_file) == asterisk["ARI_SECRET_FILE"]
    assert asterisk["AUDIOSOCKET_HOST"] == "tingzhen"
    mounted = COMPOSE["services"]["tingzhen"]["secrets"]
    assert {pbx.secret_file.name, pbx.ari.secret_file.name} <= set(mounted)


def test_every_secret_is_made_once_and_kept(tmp_path):
    script = DOCKER / "make-secrets.sh"
    folder = tmp_path / "secrets"
    subprocess.run([script, folder], check=True, timeout=30)
    made = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    assert {f"./secrets/{name}" for name in made} == {
        secret["file"] for secret in COMPOSE["secrets"].values()
    }
    assert all(re.fullmatch(r"[0-9a-f]{48}", secret) for secret in made.values())
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    subprocess.run([script, folder], check=True, timeout=30)
    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == made


def test_prometheus_and_alertmanager_find_each_other():
    config = YAML(typ="safe").load(DOCKER / "prometheus" / "prometheus.yml")
    [manager] = config["alerting"]["alertmanagers"]
    assert manager["static_configs"] == [{"targets": ["alertmanager:9093"]}]
    alertmanager = YAML(typ="safe").load(DOCKER / "alertmanager" / "alertmanager.yml")
    [receiver] = alertmanager["receivers"]
    [webhook] = receiver["webhook_configs"]
    assert webhook["url"] == "http://tingzhen:8787/api/v1/hooks/alertmanager"
    secret = webhook["http_config"]["authorization"]["credentials_file"].rsplit("/", 1)[1]
    assert secret in COMPOSE["services"]["alertmanager"]["secrets"]


def test_promtool_accepts_the_configuration():
    checked = subprocess.run(
        ["promtool", "check", "config", "--syntax-only", DOCKER / "prometheus" / "prometheus.yml"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_prometheus_scrapes_the_console_with_the_mounted_token():
    config = YAML(typ="safe").load(DOCKER / "prometheus" / "prometheus.yml")
    [job] = [job for job in config["scrape_configs"] if job["job_name"] == "tingzhen"]
    assert job["static_configs"] == [{"targets": ["tingzhen:8787"]}]
    assert job["authorization"]["credentials_file"] == "/run/secrets/metrics_token"
    assert "metrics_token" in COMPOSE["services"]["prometheus"]["secrets"]
