"""Disk and certificates, as a scrape finds them."""

from __future__ import annotations

from datetime import UTC, datetime

import trustme
from prometheus_client import CollectorRegistry

from metrics.host import HostCollector


def registry_of(*arguments):
    registry = CollectorRegistry()
    registry.register(HostCollector(*arguments))
    return registry


def test_room_on_the_datas_disk_is_told(tmp_path):
    registry = registry_of(tmp_path)
    free = registry.get_sample_value("tingzhen_disk_free_bytes")
    assert 0 < free <= registry.get_sample_value("tingzhen_disk_size_bytes")


def test_a_folder_that_is_gone_has_no_sample(tmp_path):
    registry = registry_of(tmp_path / "gone")
    assert registry.get_sample_value("tingzhen_disk_free_bytes") is None


def test_the_end_of_the_certificate_that_ends_first_is_told(tmp_path):
    authority = trustme.CA()
    ends = datetime(2031, 5, 4, tzinfo=UTC)
    chain = tmp_path / "console.pem"
    authority.issue_cert("console.test", not_after=ends).cert_chain_pems[0].write_to_path(chain)
    authority.cert_pem.write_to_path(chain, append=True)
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate", encoding="utf-8")
    registry = registry_of(tmp_path, [chain, broken, tmp_path / "gone.pem"])

    def value(name, certificate):
        return registry.get_sample_value(f"tingzhen_{name}", {"certificate": certificate})

    assert value("certificate_not_after_timestamp_seconds", "console.pem") == ends.timestamp()
    assert value("certificate_unreadable", "console.pem") == 0
    for unreadable in ("broken.pem", "gone.pem"):
        assert value("certificate_unreadable", unreadable) == 1
        assert value("certificate_not_after_timestamp_seconds", unreadable) is None
