"""Who handles an alert, how far it was escalated, whether it was right; remarks; muted rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("alerts", schema=None) as alerts:
        alerts.add_column(
            sa.Column("assigned_to", sa.String(length=64), nullable=False, server_default="")
        )
        alerts.add_column(sa.Column("assigned_at", sa.Float(), nullable=True))
        alerts.add_column(sa.Column("level", sa.Integer(), nullable=False, server_default="1"))
        alerts.add_column(sa.Column("escalated_at", sa.Float(), nullable=True))
        alerts.add_column(sa.Column("verdict", sa.String(length=16), nullable=True))
        alerts.add_column(sa.Column("verdict_by", sa.String(length=64), nullable=True))
        alerts.add_column(sa.Column("verdict_at", sa.Float(), nullable=True))
        alerts.create_index(alerts.f("ix_alerts_rule_at"), ["rule", "at"])
        alerts.create_index(alerts.f("ix_alerts_assigned_to_at"), ["assigned_to", "at"])
    op.create_table(
        "alert_comments",
        sa.Column("comment_id", sa.String(length=36), nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_alert_comments")),
    )
    op.create_index(op.f("ix_alert_comments_alert_id_at"), "alert_comments", ["alert_id", "at"])
    op.create_table(
        "muted_rules",
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("rule", sa.String(length=128), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "rule", name=op.f("pk_muted_rules")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("muted_rules")
    op.drop_table("alert_comments")
    with op.batch_alter_table("alerts", schema=None) as alerts:
        alerts.drop_index(alerts.f("ix_alerts_assigned_to_at"))
        alerts.drop_index(alerts.f("ix_alerts_rule_at"))
        for column in (
            "verdict_at",
            "verdict_by",
            "verdict",
            "escalated_at",
            "level",
            "assigned_at",
            "assigned_to",
        ):
            alerts.drop_column(column)
