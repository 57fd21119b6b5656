"""Passwords that are to be chosen first, and which browser a session is in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("users") as users:
        users.add_column(
            sa.Column("password_due", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(
            sa.Column("device", sa.String(length=64), nullable=False, server_default="")
        )


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("device")
    with op.batch_alter_table("users") as users:
        users.drop_column("password_due")
