"""A real Prometheus over a program's /metrics, and the dashboards' queries to put to it.

`with scraping("127.0.0.1:8787") as prometheus:` starts Debian's Prometheus on an unused port with
the recording and alerting rules of docker/; `dashboard_queries()` lists every query of every panel.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from patience import PATIENCE_S

_ROOT = Path(__file__).parents[1]
_DASHBOARDS = _ROOT / "docker" / "grafana" / "dashboards"
_ALERTMANAGER = _ROOT / "docker" / "alertmanager" / "alertmanager.yml"
_RULES = _ROOT / "docker" / "prometheus" / "rules"

# What Grafana fills in when the wallboard is opened: all queues, its intervals.
_VARIABLES = {"queue": ".*", "__rate_interval": "1m", "__interval": "15s", "__range": "6h"}


class Query(NamedTuple):
    """One query of a panel, with Grafana's variables filled in."""

    dashboard: str
    panel: str
    ref_id: str
    expr: str


class Sample(NamedTuple):
    """One series' value at the moment of the query."""

    labels: dict[str, str]
    value: float


def dashboard_queries(variables: Mapping[str, str] = _VARIABLES) -> list[Query]:
    """Every query of every panel of every committed dashboard."""
    queries = []
    for file in sorted(_DASHBOARDS.glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        panels: list[dict[str, Any]] = board["panels"]
        for panel in [*panels, *(inner for row in panels for inner in row.get("panels", []))]:
            queries += [
                Query(file.stem, panel["title"], target["refId"], fill(target["expr"], variables))
                for target in panel.get("targets", [])
            ]
    return queries


def fill(expr: str, variables: Mapping[str, str] = _VARIABLES) -> str:
    """Put values in place of `$name` and `${name}`.

    Raises:
        KeyError: a variable nobody named.
    """
    return re.sub(r"\$\{?(\w+)\}?", lambda found: variables[found[1]], expr)


class Prometheus:
    """A running Prometheus, asked over its HTTP API."""

    def __init__(self, address: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.address = address
        self._process = process
        self._log = log
        self._client = httpx.Client(base_url=f"http://{address}/api/v1", timeout=PATIENCE_S)

    def query(self, expr: str) -> list[Sample]:
        """Evaluate a query now; a vector's samples, or the scalar as one without labels."""
        answer = self._client.get("/query", params={"query": expr})
        body = answer.json()
        assert body["status"] == "success", f"{expr}: {body.get('error')}"
        data = body["data"]
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(series["metric"], float(series["value"][1])) for series in data["result"]]

    def known(self, expr: str) -> list[Sample]:
        """The samples that are numbers: NaN says that nothing is known."""
        return [sample for sample in self.query(expr) if not math.isnan(sample.value)]

    def targets(self) -> list[dict[str, Any]]:
        """The targets it scrapes, with `health` and `lastError`."""
        active: list[dict[str, Any]] = self._client.get("/targets").json()["data"]["activeTargets"]
        return active

    def rules(self) -> list[dict[str, Any]]:
        """Its rules, with `health` and `lastError`."""
        groups = self._client.get("/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def wait(
        self,
        condition: Callable[[], object],
        what: str | Callable[[], object],
        *,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Ask again until the condition holds.

        Args:
            condition: true when done; a connection that is not there yet counts as false.
            what: said, or asked for, when the time is over.
            meanwhile: called before each try, to keep the watched program busy.

        Raises:
            AssertionError: it did not come true, or Prometheus ended; with the end of its log.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            meanwhile()
            with contextlib.suppress(httpx.TransportError, json.JSONDecodeError):
                if condition():
                    return
            ended = self._process.poll()
            if ended is not None or time.monotonic() > deadline:
                log = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                said = what() if callable(what) else what
                raise AssertionError(f"{said} (exit status {ended})\n{log}")
            time.sleep(0.1)

    def wait_for_scrapes(self, number: int = 2) -> None:
        """Wait until the program was scraped so often."""
        self.wait(
            lambda: (
                any(
                    sample.value >= number
                    for sample in self.query('count_over_time(up{job="tingzhen"}[10m])')
                )
                and all(target["health"] == "up" for target in self.targets())
            ),
            f"not scraped {number} times",
        )

    def without_data(
        self, *, unknown_allowed: Callable[[Query], bool] = lambda _: False
    ) -> list[Query]:
        """The dashboard queries that return no number now.

        Args:
            unknown_allowed: queries that may answer NaN (first-contact resolution of a system
                that is younger than its window); a series they must have all the same.
        """
        return [
            query
            for query in dashboard_queries()
            if not (self.query if unknown_allowed(query) else self.known)(query.expr)
        ]

    def close(self) -> None:
        """Close the HTTP client."""
        self._client.close()


@contextlib.contextmanager
def scraping(
    target: str,
    *,
    metrics_path: str = "/metrics",
    token: str | None = None,
    interval: str = "200ms",
    alertmanager: str | None = None,
) -> Iterator[Prometheus]:
    """Run Prometheus over one target until the block ends; it leaves nothing behind.

    Args:
        target: `host:port` of the program.
        metrics_path: where its metrics are.
        token: bearer token, if it asks for one.
        interval: between scrapes and between evaluations of the rules.
        alertmanager: `host:port` of where alerts go.
    """
    with tempfile.TemporaryDirectory(prefix="tingzhen-prometheus-") as folder:
        home = Path(folder)
        (home / "rules").mkdir()
        for rules in _RULES.glob("*.yml"):
            text = rules.read_text(encoding="utf-8")
            hurried = re.sub(r"^( +interval:).*$", rf"\1 {interval}", text, flags=re.MULTILINE)
            (home / "rules" / rules.name).write_text(hurried, encoding="utf-8")
        config = {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]
                if alertmanager
                else []
            },
            "rule_files": [str(home / "rules" / "*.yml")],
            "scrape_configs": [
                {
                    "job_name": "tingzhen",
                    "metrics_path": metrics_path,
                    "scrape_timeout": interval,
                    "static_configs": [{"targets": [target]}],
                    **({"authorization": {"credentials": token}} if token else {}),
                }
            ],
        }
        file = home / "prometheus.yml"
        file.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        address = f"127.0.0.1:{_unused_port()}"
        arguments = (f"--config.file={file}", f"--storage.tsdb.path={home / 'data'}")
        with _program(
            "prometheus", *arguments, f"--web.listen-address={address}", log=home / "log"
        ) as process:
            prometheus = Prometheus(address, process, home / "log")
            try:
                prometheus.wait(
                    lambda: prometheus.targets() is not None, "Prometheus did not start"
                )
                yield prometheus
            finally:
                prometheus.close()


@contextlib.contextmanager
def alertmanaging(webhook: str, token: str) -> Iterator[str]:
    """Run Alertmanager with the configuration of docker/ until the block ends.

    Args:
        webhook: where it posts instead of to Tingzhen's container.
        token: the bearer token that it sends along.

    Yields:
        Its `host:port`. Prometheus sends again what it missed while starting.
    """
    with tempfile.TemporaryDirectory(prefix="tingzhen-alertmanager-") as folder:
        home = Path(folder)
        secret = home / "token"
        secret.write_text(token, encoding="utf-8")
        text = _ALERTMANAGER.read_text(encoding="utf-8")
        text = re.sub(r"url: http\S+", f"url: {webhook}", text)
        text = text.replace("/run/secrets/metrics_token", str(secret))
        text = re.sub(r"group_(wait|interval): \S+", r"group_\1: 200ms", text)
        file = home / "alertmanager.yml"
        file.write_text(text, encoding="utf-8")
        address = f"127.0.0.1:{_unused_port()}"
        with _program(
            "prometheus-alertmanager",
            f"--config.file={file}",
            f"--storage.path={home / 'data'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
            log=home / "log",
        ):
            yield address


@contextlib.contextmanager
def _program(name: str, *arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    program = shutil.which(name)
    assert program, f"{name} is missing: apt-get install {name}"
    with log.open("wb") as output:
        process = subprocess.Popen([program, *arguments], stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
