"""Grafana dashboards, written in Python; `python -m metrics.dashboards` makes the JSON files.

Needs grafana-foundation-sdk, which only developers have: the running program never imports this.
"""
