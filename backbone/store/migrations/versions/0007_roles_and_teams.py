"""Roles with teams, one-time login links, and how a session was opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("users") as users:
        for name, length, default in (("name", 64, ""), ("agent", 128, ""), ("language", 8, "zh")):
            users.add_column(
                sa.Column(name, sa.String(length), nullable=False, server_default=default)
            )
        users.add_column(sa.Column("teams", sa.Text(), nullable=False, server_default="[]"))
        users.add_column(sa.Column("subject", sa.String(length=512), nullable=True))
        users.create_index(op.f("ix_users_subject"), ["subject"], unique=True)
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(sa.Column("opened_at", sa.Float(), nullable=False, server_default="0"))
        sessions.add_column(
            sa.Column("via", sa.String(length=16), nullable=False, server_default="password")
        )
    op.create_table(
        "teams",
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("agents", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team", name=op.f("pk_teams")),
    )
    op.create_table(
        "login_links",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_login_links")),
    )
    op.create_index(op.f("ix_login_links_expires_at"), "login_links", ["expires_at"])


def downgrade() -> None:
    """Undo."""
    op.drop_table("login_links")
    op.drop_table("teams")
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("via")
        sessions.drop_column("opened_at")
    with op.batch_alter_table("users") as users:
        users.drop_index(op.f("ix_users_subject"))
        for name in ("subject", "teams", "language", "agent", "name"):
            users.drop_column(name)
