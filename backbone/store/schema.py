"""Tables. Migrations change a database; this is what it looks like afterwards.

The journal holds every durable event; the other tables are projections of it, written in the
same transaction, so that they can never disagree with it.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

journal = Table(
    "journal",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(64), nullable=False),
    Column("call_id", String(36)),
    Column("at", Float, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index(None, "kind", "seq"),
    Index(None, "call_id", "seq"),
    sqlite_autoincrement=True,  # a number is never given twice, even after rows were deleted
)

calls = Table(
    "calls",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("system", String(128), nullable=False),
    Column("uniqueid", String(150), nullable=False),
    Column("linkedid", String(150), nullable=False, default=""),
    Column("visit", Integer, nullable=False),
    Column("queue", String(128), nullable=False),
    Column("caller", String(80), nullable=False, default=""),
    Column("caller_name", String(256), nullable=False, default=""),
    Column("agent", String(128), nullable=False, default=""),
    Column("outcome", String(32)),
    Column("joined_at", Float, nullable=False),
    Column("answered_at", Float),
    Column("ended_at", Float),
    Column("wait_s", Float),
    Column("ring_s", Float),
    Column("rings", Integer),
    Column("talk_s", Float),
    Column("hold_s", Float, nullable=False, default=0.0),
    Column("transfers", Integer, nullable=False, default=0),
    Column("hangup_by", String(16), nullable=False, default=""),
    Column("hangup_cause", Integer),
    Column("unanswered", Text, nullable=False, default="[]"),
    Column("complete", Boolean, nullable=False, default=False),
    Column("incomplete_reason", String(256), nullable=False, default=""),
    Column("arrival_times", Boolean, nullable=False, default=False),
    Column("attempts", Text, nullable=False, default="[]", server_default="[]"),
    Column("handovers", Text, nullable=False, default="[]", server_default="[]"),
    Column("wrap_up_s", Float),
    Column("picked_up_by", String(128), nullable=False, default="", server_default=""),
    Column("conference", Boolean, nullable=False, default=False, server_default="0"),
    Column("agent_name", String(256), nullable=False, default="", server_default=""),
    Index(None, "joined_at"),
    Index(None, "caller", "joined_at"),
    Index(None, "ended_at"),
    Index(None, "system", "uniqueid"),
)

refused_calls = Table(
    "refused_calls",
    metadata,
    Column("system", String(128), primary_key=True),
    Column("uniqueid", String(150), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("queue", String(128), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("at", Float, nullable=False, index=True),
)

ring_attempts = Table(
    "ring_attempts",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("attempt_id", String(150), primary_key=True),
    Column("queue", String(128), nullable=False),
    Column("agent", String(128), nullable=False),
    Column("ended_at", Float, nullable=False),
    Column("ring_s", Float),
    Column("rings", Integer),
    Column("result", String(16), nullable=False),
    Index(None, "agent", "ended_at"),
    Index(None, "ended_at"),
)

direct_calls = Table(
    "direct_calls",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("system", String(128), nullable=False),
    Column("uniqueid", String(150), nullable=False),
    Column("linkedid", String(150), nullable=False, default=""),
    Column("direction", String(16), nullable=False),
    Column("agent", String(128), nullable=False),
    Column("number", String(80), nullable=False, default=""),
    Column("started_at", Float, nullable=False),
    Column("answered_at", Float),
    Column("ended_at", Float, nullable=False),
    Column("ring_s", Float),
    Column("talk_s", Float),
    Column("outcome", String(32), nullable=False),
    Column("hangup_by", String(16), nullable=False, default=""),
    Column("complete", Boolean, nullable=False),
    Column("incomplete_reason", String(256), nullable=False, default=""),
    Index(None, "started_at"),
    Index(None, "agent", "started_at"),
)

agent_states = Table(
    "agent_states",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("system", String(128), nullable=False),
    Column("agent", String(128), nullable=False),
    Column("at", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(128), nullable=False, default=""),
    Index(None, "system", "agent", "at"),
    Index(None, "at"),
)

legs = Table(
    "legs",
    metadata,
    Column("leg_id", String(36), primary_key=True),
    Column("call_id", String(36), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("rate", Integer, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("offset_s", Float, nullable=False),
    Column("closed_at", Float),
    Column("samples", Integer),
    Column("complete", Boolean),
    Column("reason", String(64), nullable=False, default=""),
)

segments = Table(
    "segments",
    metadata,
    Column("segment_id", String(36), primary_key=True),
    Column("call_id", String(36), nullable=False),
    Column("leg_id", String(36), nullable=False),
    Column("role", String(16), nullable=False),
    Column("start", Float, nullable=False),
    Column("end", Float, nullable=False),
    Column("text", Text, nullable=False),
    Column("language", String(8), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("level_db", Float, nullable=False),
    Column("unintelligible", Boolean, nullable=False, default=False),
    Column("at", Float, nullable=False),
    Index(None, "call_id", "start"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", String(36), primary_key=True),
    Column("seq", Integer, nullable=False, default=0),
    Column("call_id", String(36), nullable=False, index=True),
    Column("queue", String(128), nullable=False, default=""),
    Column("agent", String(128), nullable=False, default=""),
    Column("rule", String(128), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    Column("title", String(256), nullable=False),
    Column("title_en", String(256), nullable=False),
    Column("phrase", Text, nullable=False),
    Column("start", Float, nullable=False),
    Column("end", Float, nullable=False),
    Column("suspected", Boolean, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("acknowledged_by", String(64)),
    Column("acknowledged_at", Float),
    Column("assigned_to", String(64), nullable=False, default="", server_default=""),
    Column("assigned_at", Float),
    Column("level", Integer, nullable=False, default=1, server_default="1"),
    Column("escalated_at", Float),
    Column("verdict", String(16)),
    Column("verdict_by", String(64)),
    Column("verdict_at", Float),
    Index(None, "state", "at"),
    Index(None, "at"),
    Index(None, "rule", "at"),
    Index(None, "assigned_to", "at"),
)

users = Table(
    "users",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("password_hash", String(256), nullable=False),
    Column("role", String(32), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("extension", String(80), nullable=False, default="", server_default=""),
    Column("name", String(64), nullable=False, default="", server_default=""),
    Column("agent", String(128), nullable=False, default="", server_default=""),
    Column("teams", Text, nullable=False, default="[]", server_default="[]"),
    Column("language", String(8), nullable=False, default="", server_default=""),  # none chosen
    Column("password_due", Boolean, nullable=False, default=False, server_default=false()),
    Column("subject", String(512)),  # who this is at the identity provider
    Index(None, "subject", unique=True),
)
"""An empty `password_hash` lets nobody in by password; `teams` is a list as JSON. With
`password_due`, who comes in by a link chooses a password before anything else."""

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(64), primary_key=True),  # a hash; the cookie is nowhere
    Column("username", String(64), nullable=False),
    Column("used_at", Float, nullable=False),
    Column("opened_at", Float, nullable=False, default=0.0, server_default="0"),
    Column("via", String(16), nullable=False, default="password", server_default="password"),
    Column("device", String(64), nullable=False, default="", server_default=""),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("entry_id", String(36), nullable=False, unique=True),
    Column("at", Float, nullable=False),
    Column("who", String(64), nullable=False),
    Column("role", String(32), nullable=False),
    Column("action", String(32), nullable=False),
    Column("system", String(128), nullable=False),
    Column("target", Text, nullable=False),
    Column("call_id", String(36), nullable=False),
    Column("done", Boolean, nullable=False),
    Column("answer", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "at"),
)
"""Append-only: triggers refuse changes, and each row's hash covers the row before it."""

ratings = Table(
    "ratings",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("queue", String(128), nullable=False, default=""),
    Column("agent", String(128), nullable=False, default=""),
    Column("scale", String(16), nullable=False),
    Column("value", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Index(None, "agent", "at"),
    Index(None, "at"),
)
