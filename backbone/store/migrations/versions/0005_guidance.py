"""Topics, scripts, emotions and empathy offers of calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "call_topics",
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=128), nullable=False),
        sa.Column("title_en", sa.String(length=128), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("stable", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_topics")),
    )
    op.create_table(
        "call_scripts",
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("script", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("required", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_scripts")),
    )
    op.create_table(
        "call_emotions",
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("scene", sa.String(length=16), nullable=False),
        sa.Column("lowest", sa.Float(), nullable=False),
        sa.Column("last", sa.Float(), nullable=False),
        sa.Column("points", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "role", name=op.f("pk_call_emotions")),
    )
    op.create_table(
        "empathy_offers",
        sa.Column("offer_id", sa.String(length=36), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("scene", sa.String(length=16), nullable=False),
        sa.Column("sentences", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=True),
        sa.Column("sentence_id", sa.String(length=64), nullable=False),
        sa.Column("used_by", sa.String(length=64), nullable=False),
        sa.Column("similarity", sa.Float(), nullable=True),
        sa.Column("used_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_empathy_offers")),
    )
    for table, column in _INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    """Undo."""
    for table in ("empathy_offers", "call_emotions", "call_scripts", "call_topics"):
        op.drop_table(table)


_INDEXES = (
    ("call_topics", "topic"),
    ("call_topics", "at"),
    ("call_scripts", "script"),
    ("call_scripts", "at"),
    ("call_emotions", "scene"),
    ("call_emotions", "at"),
    ("empathy_offers", "call_id"),
    ("empathy_offers", "at"),
)
