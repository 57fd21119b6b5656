"""Knowledge, caller cards, call registers, complaints, inspections and push targets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "caller_cards",
        sa.Column("caller_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("caller_id", name=op.f("pk_caller_cards")),
    )
    op.create_table(
        "complaint_steps",
        sa.Column("step_id", sa.String(length=36), nullable=False),
        sa.Column("complaint_id", sa.String(length=36), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_complaint_steps")),
    )
    op.create_index(
        op.f("ix_complaint_steps_complaint_id"), "complaint_steps", ["complaint_id"], unique=False
    )
    op.create_table(
        "complaints",
        sa.Column("complaint_id", sa.String(length=36), nullable=False),
        sa.Column("card", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("caller_id", sa.String(length=64), nullable=False),
        sa.Column("queue", sa.String(length=128), nullable=False),
        sa.Column("agent", sa.String(length=128), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("answer_due", sa.Float(), nullable=False),
        sa.Column("close_due", sa.Float(), nullable=True),
        sa.Column("answered_at", sa.Float(), nullable=True),
        sa.Column("closed_at", sa.Float(), nullable=True),
        sa.Column("answer_overdue_at", sa.Float(), nullable=True),
        sa.Column("close_overdue_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("complaint_id", name=op.f("pk_complaints")),
    )
    op.create_index(op.f("ix_complaints_call_id"), "complaints", ["call_id"], unique=False)
    op.create_index(
        op.f("ix_complaints_caller_id_state"), "complaints", ["caller_id", "state"], unique=False
    )
    op.create_index(
        op.f("ix_complaints_opened_at_complaint_id"),
        "complaints",
        ["opened_at", "complaint_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_complaints_state_opened_at"), "complaints", ["state", "opened_at"], unique=False
    )
    op.create_table(
        "inspection_samples",
        sa.Column("sample_id", sa.String(length=36), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("card", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=64), nullable=False),
        sa.Column("scorecard", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("sample_id", name=op.f("pk_inspection_samples")),
    )
    op.create_table(
        "inspection_scores",
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        sa.Column("inspector", sa.String(length=64), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("submitted_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("inspection_id", "inspector", name=op.f("pk_inspection_scores")),
    )
    op.create_index(
        op.f("ix_inspection_scores_inspector_submitted_at"),
        "inspection_scores",
        ["inspector", "submitted_at"],
        unique=False,
    )
    op.create_table(
        "inspections",
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        sa.Column("sample_id", sa.String(length=36), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("queue", sa.String(length=128), nullable=False),
        sa.Column("agent", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=True),
        sa.Column("appeal", sa.Text(), nullable=False),
        sa.Column("appealed_by", sa.String(length=64), nullable=False),
        sa.Column("appealed_at", sa.Float(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_inspections")),
    )
    op.create_index(op.f("ix_inspections_agent_at"), "inspections", ["agent", "at"], unique=False)
    op.create_index(
        op.f("ix_inspections_at_inspection_id"),
        "inspections",
        ["at", "inspection_id"],
        unique=False,
    )
    op.create_index(op.f("ix_inspections_call_id"), "inspections", ["call_id"], unique=False)
    op.create_index(op.f("ix_inspections_sample_id"), "inspections", ["sample_id"], unique=False)
    op.create_table(
        "knowledge_articles",
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=256), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Float(), nullable=True),
        sa.Column("valid_until", sa.Float(), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("terms", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_knowledge_articles")),
    )
    op.create_index(op.f("ix_knowledge_articles_at"), "knowledge_articles", ["at"], unique=False)
    op.create_table(
        "knowledge_terms",
        sa.Column("term", sa.String(length=64), nullable=False),
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("term", "article_id", name=op.f("pk_knowledge_terms")),
    )
    op.create_index(
        op.f("ix_knowledge_terms_article_id"), "knowledge_terms", ["article_id"], unique=False
    )
    op.create_table(
        "knowledge_versions",
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=256), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Float(), nullable=True),
        sa.Column("valid_until", sa.Float(), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "version", name=op.f("pk_knowledge_versions")),
    )
    op.create_table(
        "notify_hours",
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("quiet_from", sa.String(length=5), nullable=False),
        sa.Column("quiet_until", sa.String(length=5), nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_notify_hours")),
    )
    op.create_table(
        "notify_targets",
        sa.Column("target_id", sa.String(length=36), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("scheme", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("severities", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_notify_targets")),
    )
    op.create_index(
        op.f("ix_notify_targets_username"), "notify_targets", ["username"], unique=False
    )
    op.create_table(
        "register_versions",
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "version", name=op.f("pk_register_versions")),
    )
    op.create_table(
        "registers",
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=128), nullable=False),
        sa.Column("agent", sa.String(length=128), nullable=False),
        sa.Column("caller_id", sa.String(length=64), nullable=False),
        sa.Column("age", sa.Integer(), nullable=True),
        sa.Column("sex", sa.String(length=8), nullable=False),
        sa.Column("address", sa.String(length=256), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("need", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("first_contact_resolved", sa.Boolean(), nullable=True),
        sa.Column("follow_up_due", sa.Float(), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("first_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_registers")),
    )
    op.create_index(
        op.f("ix_registers_caller_id_first_at"),
        "registers",
        ["caller_id", "first_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registers_first_at_call_id"), "registers", ["first_at", "call_id"], unique=False
    )
    op.create_index(
        op.f("ix_registers_follow_up_due"), "registers", ["follow_up_due"], unique=False
    )
    op.create_index(
        op.f("ix_calls_caller_joined_at"), "calls", ["caller", "joined_at"], unique=False
    )


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("calls") as calls:
        calls.drop_index(op.f("ix_calls_caller_joined_at"))
    for table in (
        "caller_cards",
        "complaint_steps",
        "complaints",
        "inspection_samples",
        "inspection_scores",
        "inspections",
        "knowledge_articles",
        "knowledge_terms",
        "knowledge_versions",
        "notify_hours",
        "notify_targets",
        "register_versions",
        "registers",
    ):
        op.drop_table(table)
