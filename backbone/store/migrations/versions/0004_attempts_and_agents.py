"""Ring attempts, handovers and refusals of calls; agents' own calls and states."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("calls", schema=None) as calls:
        calls.add_column(sa.Column("attempts", sa.Text(), nullable=False, server_default="[]"))
        calls.add_column(sa.Column("handovers", sa.Text(), nullable=False, server_default="[]"))
        calls.add_column(sa.Column("wrap_up_s", sa.Float(), nullable=True))
        calls.add_column(
            sa.Column("picked_up_by", sa.String(length=128), nullable=False, server_default="")
        )
        calls.add_column(sa.Column("conference", sa.Boolean(), nullable=False, server_default="0"))
        calls.add_column(
            sa.Column("agent_name", sa.String(length=256), nullable=False, server_default="")
        )
    op.create_table(
        "refused_calls",
        sa.Column("system", sa.String(length=128), nullable=False),
        sa.Column("uniqueid", sa.String(length=150), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("system", "uniqueid", "attempt", name=op.f("pk_refused_calls")),
    )
    op.create_index(op.f("ix_refused_calls_at"), "refused_calls", ["at"])
    op.create_table(
        "ring_attempts",
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("attempt_id", sa.String(length=150), nullable=False),
        sa.Column("queue", sa.String(length=128), nullable=False),
        sa.Column("agent", sa.String(length=128), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=False),
        sa.Column("ring_s", sa.Float(), nullable=True),
        sa.Column("rings", sa.Integer(), nullable=True),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "attempt_id", name=op.f("pk_ring_attempts")),
    )
    op.create_index(op.f("ix_ring_attempts_agent_ended_at"), "ring_attempts", ["agent", "ended_at"])
    op.create_table(
        "direct_calls",
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("system", sa.String(length=128), nullable=False),
        sa.Column("uniqueid", sa.String(length=150), nullable=False),
        sa.Column("linkedid", sa.String(length=150), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=False),
        sa.Column("agent", sa.String(length=128), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("answered_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=False),
        sa.Column("ring_s", sa.Float(), nullable=True),
        sa.Column("talk_s", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("hangup_by", sa.String(length=16), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("incomplete_reason", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_direct_calls")),
    )
    op.create_index(op.f("ix_direct_calls_started_at"), "direct_calls", ["started_at"])
    op.create_index(
        op.f("ix_direct_calls_agent_started_at"), "direct_calls", ["agent", "started_at"]
    )
    op.create_table(
        "agent_states",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("system", sa.String(length=128), nullable=False),
        sa.Column("agent", sa.String(length=128), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_agent_states")),
    )
    op.create_index(
        op.f("ix_agent_states_system_agent_at"), "agent_states", ["system", "agent", "at"]
    )


def downgrade() -> None:
    """Undo."""
    for table in ("agent_states", "direct_calls", "ring_attempts", "refused_calls"):
        op.drop_table(table)
    with op.batch_alter_table("calls", schema=None) as calls:
        for column in (
            "agent_name",
            "conference",
            "picked_up_by",
            "wrap_up_s",
            "handovers",
            "attempts",
        ):
            calls.drop_column(column)
