"""What came of a complaint, whom each step handed it to, and drafts of call registers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("complaints") as complaints:
        complaints.add_column(
            sa.Column("outcome", sa.String(length=32), nullable=False, server_default="")
        )
    with op.batch_alter_table("complaint_steps") as steps:
        steps.add_column(
            sa.Column("owner", sa.String(length=64), nullable=False, server_default="")
        )
    op.create_table(
        "register_drafts",
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "username", name=op.f("pk_register_drafts")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("register_drafts")
    with op.batch_alter_table("complaint_steps") as steps:
        steps.drop_column("owner")
    with op.batch_alter_table("complaints") as complaints:
        complaints.drop_column("outcome")
