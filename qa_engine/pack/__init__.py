"""Rule packs: YAML that people write, checked, compiled, reloaded."""

from qa_engine.pack.compiled import Pack
from qa_engine.pack.loader import DEFAULT_PACK, check, fingerprint, load
from qa_engine.pack.problems import PackError, Problem
from qa_engine.pack.schema import json_schema

__all__ = [
    "DEFAULT_PACK",
    "Pack",
    "PackError",
    "Problem",
    "check",
    "fingerprint",
    "json_schema",
    "load",
]
