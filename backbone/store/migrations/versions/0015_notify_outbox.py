"""Pushes that outlive a node that stops."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "notify_events",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_notify_events")),
    )
    op.create_table(
        "notify_pushes",
        sa.Column("push_id", sa.String(length=36), nullable=False),
        sa.Column("target_id", sa.String(length=36), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("claimed_by", sa.String(length=36), nullable=False),
        sa.Column("claimed_until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("push_id", name=op.f("pk_notify_pushes")),
    )
    op.create_index(
        op.f("ix_notify_pushes_claimed_until"), "notify_pushes", ["claimed_until"], unique=False
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index(op.f("ix_notify_pushes_claimed_until"), table_name="notify_pushes")
    op.drop_table("notify_pushes")
    op.drop_table("notify_events")
