"""What the machine tells at a scrape: room on the data's disk, and how long certificates last."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog
from cryptography import x509
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_log = structlog.get_logger(__name__)


class HostCollector(Collector):
    """Disk and certificates.

    Args:
        data_dir: on the disk to watch.
        certificates: PEM files; of several in a file the one that ends first counts.
    """

    def __init__(self, data_dir: Path, certificates: Sequence[Path] = ()) -> None:
        self._data_dir = data_dir
        self._certificates = certificates

    def describe(self) -> Iterable[Metric]:
        """Registered without being collected."""
        return []

    def collect(self) -> Iterable[Metric]:
        """A file that cannot be read has no sample, which an alert notices."""
        free = GaugeMetricFamily("tingzhen_disk_free_bytes", "Free room on the data's disk.")
        size = GaugeMetricFamily("tingzhen_disk_size_bytes", "Size of the data's disk.")
        try:
            usage = shutil.disk_usage(self._data_dir)
        except OSError as error:
            _log.warning("disk_usage_unreadable", error=type(error).__name__)
        else:
            free.add_metric([], usage.free)
            size.add_metric([], usage.total)
        expiry = GaugeMetricFamily(
            "tingzhen_certificate_not_after_timestamp_seconds",
            "When a certificate ends.",
            labels=["certificate"],
        )
        unreadable = GaugeMetricFamily(
            "tingzhen_certificate_unreadable",
            "1 for a certificate that cannot be read.",
            labels=["certificate"],
        )
        for file in self._certificates:
            not_after = _not_after(file)
            unreadable.add_metric([file.name], float(not_after is None))
            if not_after is not None:
                expiry.add_metric([file.name], not_after)
        return [free, size, expiry, unreadable]


def _not_after(file: Path) -> float | None:
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        _log.warning("certificate_unreadable", error=type(error).__name__)
        return None
    return min(each.not_valid_after_utc.timestamp() for each in found)
