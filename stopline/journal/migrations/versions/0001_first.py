"""The first tables, and the rule that events are never edited."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_REFUSE_SQLITE = """
CREATE TRIGGER events_no_{verb} BEFORE {verb} ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
"""
_REFUSE_POSTGRESQL = (
    """
CREATE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$
""",
    """
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION events_refuse()
""",
)


def upgrade() -> None:
    """Make all tables of the first release."""
    text, short, digest = sa.Text(), sa.String(32), sa.String(64)
    op.create_table(
        "meta",
        sa.Column("name", short, primary_key=True),
        sa.Column("value", text, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", short, nullable=False),
        sa.Column("pause", sa.String(16), nullable=False),
        sa.Column("kind", short, nullable=False),
        sa.Column("actor", text, nullable=False),
        sa.Column("data", text, nullable=False),
        sa.Column("previous", digest, nullable=False),
        sa.Column("hash", digest, nullable=False),
    )
    op.create_index("events_by_pause", "events", ["pause", "kind"])
    op.create_table(
        "bodies",
        sa.Column("digest", digest, primary_key=True),
        sa.Column("kind", short, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "pauses",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("vendor", digest, nullable=False),
        sa.Column("scope", text, nullable=False),
        sa.Column("workflow", text, nullable=False),
        sa.Column("requester", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("opened_at", short, nullable=False),
        sa.Column("status", short, nullable=False),
        sa.Column("closed_at", short, nullable=False),
        sa.Column("frozen", digest, nullable=False),
        sa.Column("plan", digest, nullable=False),
    )
    op.create_index("pauses_by_vendor", "pauses", ["vendor"])
    op.create_table(
        "records",
        sa.Column("address", text, primary_key=True),
        sa.Column("document", text, nullable=False),
        sa.Column("prior", text, nullable=True),
        sa.Column("ours", text, nullable=True),
        sa.Column("written", sa.Boolean(), nullable=False),
    )
    op.create_index("records_by_document", "records", ["document"])
    op.create_table(
        "holds",
        sa.Column("address", text, primary_key=True),
        sa.Column("pause", sa.String(16), primary_key=True),
        sa.Column("change", text, nullable=False),
        sa.Column("unproven", sa.Boolean(), nullable=False),
    )
    op.create_index("holds_by_pause", "holds", ["pause"])
    op.create_table(
        "originals",
        sa.Column("document", text, primary_key=True),
        sa.Column("raw", text, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("document", text, primary_key=True),
        sa.Column("holder", text, nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
    )
    _append_only()


def _append_only() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in _REFUSE_POSTGRESQL:
            op.execute(statement)
        return
    for verb in ("update", "delete"):
        op.execute(_REFUSE_SQLITE.format(verb=verb))
