"""Optional parts of the installation, and a clear word when one is missing."""

from __future__ import annotations

import importlib.util

from backbone.errors import UserError

_REPORT = ("jinja2", "matplotlib", "scipy", "weasyprint", "xlsxwriter")


def need_report() -> None:
    """Check that the extra `report` is there.

    Raises:
        UserError: it is not; the message says what to install.
    """
    missing = [name for name in _REPORT if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"{', '.join(missing)} missing: install the extra with  pip install 'tingzhen[report]'"
        )
