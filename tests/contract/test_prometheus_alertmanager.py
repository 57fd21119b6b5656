"""An alert of Debian's Prometheus goes through Debian's Alertmanager to a webhook, and its end."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from patience import PATIENCE_S
from prometheus_fixture import alertmanaging, scraping

from metrics.alertmanager import read_webhook

pytestmark = pytest.mark.prometheus

CONFIG = Path(__file__).parents[2] / "docker" / "alertmanager" / "alertmanager.yml"
TOKEN = "sesame"
FORGOTTEN = 'tingzhen_alerts_oldest_open_timestamp_seconds{severity="critical"} 0\n'
"""A red alert that nobody has acknowledged since 1970."""


class Site:
    """A program to be scraped, and the receiver of its alerts."""

    def __init__(self):
        self.page = FORGOTTEN
        self.posts = queue.SimpleQueue()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = site.page.encode()
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                site.posts.put((self.path, self.headers["authorization"], body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"

    @contextlib.contextmanager
    def serving(self):
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def test_amtool_accepts_the_configuration():
    checked = subprocess.run(
        ["amtool", "check-config", CONFIG],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_alert_arrives_at_the_webhook_and_so_does_its_end():
    with (
        Site().serving() as site,
        alertmanaging(f"http://{site.address}/api/v1/hooks/alertmanager", TOKEN) as manager,
        scraping(site.address, alertmanager=manager),
    ):
        path, authorization, body = site.posts.get(timeout=PATIENCE_S)
        assert path == "/api/v1/hooks/alertmanager"
        assert authorization == f"Bearer {TOKEN}"
        (begun,) = read_webhook(body)
        assert (begun.name, begun.severity, begun.firing) == (
            "RedAlertsUnacknowledged",
            "critical",
            True,
        )
        assert begun.runbook == "docs/runbooks/RedAlertsUnacknowledged.md"
        assert "无人确认" in begun.summary
        assert "red alert" in begun.summary_en
        site.page = "# HELP nothing Nothing is waiting.\n"
        while (notice := read_webhook(site.posts.get(timeout=PATIENCE_S)[2])[0]).firing:
            pass
        assert notice.key == begun.key
