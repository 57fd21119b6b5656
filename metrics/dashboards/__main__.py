"""Write the dashboards' JSON: `python -m metrics.dashboards [FOLDER]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from metrics.dashboards.generate import generated

_FOLDER = Path(__file__).parents[2] / "docker" / "grafana" / "dashboards"


def main() -> None:
    """Write one file per dashboard."""
    parser = argparse.ArgumentParser(prog="python -m metrics.dashboards", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=_FOLDER)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in generated().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
