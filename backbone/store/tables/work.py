"""What people write down at work: knowledge, callers, registers, complaints, inspections."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from backbone.store.schema import metadata

knowledge_articles = Table(
    "knowledge_articles",
    metadata,
    Column("article_id", String(36), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("title", String(256), nullable=False),
    Column("body", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("topic", String(64), nullable=False),
    Column("valid_from", Float),
    Column("valid_until", Float),
    Column("deleted", Boolean, nullable=False),
    Column("terms", Integer, nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Index(None, "at"),
)
"""Each article as it is now; `tags` is JSON, `terms` how many tokens it has."""

knowledge_versions = Table(
    "knowledge_versions",
    metadata,
    Column("article_id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("title", String(256), nullable=False),
    Column("body", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("topic", String(64), nullable=False),
    Column("valid_from", Float),
    Column("valid_until", Float),
    Column("deleted", Boolean, nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("digest", String(64), nullable=False),
)
"""Each article as it ever was; the digest stands on the audit chain too."""

knowledge_terms = Table(
    "knowledge_terms",
    metadata,
    Column("term", String(64), primary_key=True),
    Column("article_id", String(36), primary_key=True, index=True),
    Column("weight", Integer, nullable=False),
)
"""Which articles hold a token, and how often, a title's tokens counted several times."""

caller_cards = Table(
    "caller_cards",
    metadata,
    Column("caller_id", String(64), primary_key=True),  # a keyed hash; the number is not here
    Column("name", String(64), nullable=False),
    Column("tags", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", Float, nullable=False),
)

registers = Table(
    "registers",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("queue", String(128), nullable=False),
    Column("agent", String(128), nullable=False),
    Column("caller_id", String(64), nullable=False),
    Column("age", Integer),
    Column("sex", String(8), nullable=False),
    Column("address", String(256), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("need", Text, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("first_contact_resolved", Boolean),
    Column("follow_up_due", Float),
    Column("complete", Boolean, nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("first_at", Float, nullable=False),
    Index(None, "caller_id", "first_at"),
    Index(None, "first_at", "call_id"),
    Index(None, "follow_up_due"),
)
"""The record that an agent makes of a call, as it is now."""

register_versions = Table(
    "register_versions",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("record", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", Float, nullable=False),
)
"""The same, as it ever was; `record` is JSON."""

register_drafts = Table(
    "register_drafts",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("fields", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("revision", String(36), nullable=False, default="", server_default=""),
)
"""What somebody has typed and not saved; `fields` is JSON, of what was touched only, and `version`
the record that it was typed over; `revision` is another one each time that it is kept."""

complaints = Table(
    "complaints",
    metadata,
    Column("complaint_id", String(36), primary_key=True),
    Column("card", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("call_id", String(36), nullable=False, index=True),
    Column("alert_id", String(36), nullable=False),
    Column("caller_id", String(64), nullable=False),
    Column("queue", String(128), nullable=False),
    Column("agent", String(128), nullable=False),
    Column("text", Text, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("answer_due", Float, nullable=False),
    Column("close_due", Float),
    Column("answered_at", Float),
    Column("closed_at", Float),
    Column("answer_overdue_at", Float),
    Column("close_overdue_at", Float),
    Column("outcome", String(32), nullable=False, default="", server_default=""),
    Index(None, "opened_at", "complaint_id"),
    Index(None, "state", "opened_at"),
    Index(None, "caller_id", "state"),
)

complaint_steps = Table(
    "complaint_steps",
    metadata,
    Column("step_id", String(36), primary_key=True),
    Column("complaint_id", String(36), nullable=False, index=True),
    Column("action", String(16), nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("text", Text, nullable=False),
    Column("owner", String(64), nullable=False, default="", server_default=""),
)
"""What was done about a complaint, in its order."""

inspection_samples = Table(
    "inspection_samples",
    metadata,
    Column("sample_id", String(36), primary_key=True),
    Column("plan", Text, nullable=False),
    Column("card", String(64), nullable=False),
    Column("revision", String(64), nullable=False),
    Column("scorecard", Text, nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", Float, nullable=False),
)
"""A draw of calls, and the scorecard as it was then: a later edit does not reach it."""

inspections = Table(
    "inspections",
    metadata,
    Column("inspection_id", String(36), primary_key=True),
    Column("sample_id", String(36), nullable=False, index=True),
    Column("call_id", String(36), nullable=False, index=True),
    Column("queue", String(128), nullable=False),
    Column("agent", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("result", Text, nullable=False),
    Column("score", Float),
    Column("decided_by", String(64), nullable=False),
    Column("decided_at", Float),
    Column("appeal", Text, nullable=False),
    Column("appealed_by", String(64), nullable=False),
    Column("appealed_at", Float),
    Column("verdict", Text, nullable=False),
    Index(None, "at", "inspection_id"),
    Index(None, "agent", "at"),
)
"""One call to be scored, and what came of it; `result` are the answers in force, as JSON."""

inspection_scores = Table(
    "inspection_scores",
    metadata,
    Column("inspection_id", String(36), primary_key=True),
    Column("inspector", String(64), primary_key=True),
    Column("answers", Text, nullable=False),
    Column("score", Float),
    Column("submitted_at", Float),
    Column("version", Integer, nullable=False, server_default="0"),
    Index(None, "inspector", "submitted_at"),
)
"""One inspector's answers to one call; `version` counts how often they were kept."""

notify_targets = Table(
    "notify_targets",
    metadata,
    Column("target_id", String(36), primary_key=True),
    Column("username", String(64), nullable=False, index=True),
    Column("name", String(64), nullable=False),
    Column("scheme", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the URL, which is a secret, encrypted
    Column("severities", Text, nullable=False),
    Column("at", Float, nullable=False),
)

notify_hours = Table(
    "notify_hours",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("quiet_from", String(5), nullable=False),
    Column("quiet_until", String(5), nullable=False),
)
"""When somebody wants to be left alone, as HH:MM in the hospital's zone."""
