"""Users who have chosen no language; those of before keep the one that they have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("users") as users:
        users.alter_column("language", existing_type=sa.String(length=8), server_default="")


def downgrade() -> None:
    """Take back."""
    op.execute("UPDATE users SET language = 'zh' WHERE language = ''")
    with op.batch_alter_table("users") as users:
        users.alter_column("language", existing_type=sa.String(length=8), server_default="zh")
