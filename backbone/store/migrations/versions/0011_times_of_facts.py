"""Finding what happened in a period, for its KPIs."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TIMES = (
    ("alerts", "at"),
    ("ring_attempts", "ended_at"),
    ("agent_states", "at"),
    ("ratings", "at"),
)


def upgrade() -> None:
    """Apply."""
    for table, column in _TIMES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    """Take back."""
    for table, column in reversed(_TIMES):
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
