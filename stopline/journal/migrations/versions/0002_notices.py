"""The outbox: what stakeholders are told, each with its state."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of notices; nothing that was there is touched."""
    text, short, digest = sa.Text(), sa.String(32), sa.String(64)
    op.create_table(
        "notices",
        sa.Column("key", digest, primary_key=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("pause", sa.String(16), nullable=False),
        sa.Column("event", short, nullable=False),
        sa.Column("audience", short, nullable=False),
        sa.Column("channel", digest, nullable=False),
        sa.Column("recipient", text, nullable=False),
        sa.Column("subject", text, nullable=False),
        sa.Column("body", digest, nullable=False),
        sa.Column("state", short, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("why", text, nullable=False),
        sa.Column("at", short, nullable=False),
        sa.Column("sent_at", short, nullable=False),
    )
    op.create_index("notices_by_pause", "notices", ["pause", "state"])
