"""Which draft of a record is the newest, where two windows write one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("register_drafts") as drafts:
        drafts.add_column(
            sa.Column("revision", sa.String(length=36), nullable=False, server_default="")
        )
    # A draft of before has no revision, which would mean that there is none.
    op.execute("UPDATE register_drafts SET revision = 'first'")


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("register_drafts") as drafts:
        drafts.drop_column("revision")
