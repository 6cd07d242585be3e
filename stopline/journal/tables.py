"""The journal's tables. The migrations make them; a test holds the two together.

`events` is the append-only record, chained by hash from the first row; it holds digests, never
documents. `bodies` holds the documents that the digests name. They can hold secrets, and so can the
states in `records`, `holds` and `originals`: all of these are encrypted where a key is configured.
`pauses`, `holds`, `records`, `originals` and `leases` are what is true now; each of their edits
stands in the same transaction as the event that says so (leases excepted: they are no history).
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from stopline.journal.encrypting import EncryptedBytes, EncryptedText

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("pause", String(16), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("events_by_pause", "pause", "kind"),
)

bodies = Table(
    "bodies",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("body", EncryptedBytes, nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("vendor", String(64), nullable=False),
    Column("scope", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_at", String(32), nullable=False),
    Column("status", String(32), nullable=False),
    Column("closed_at", String(32), nullable=False),
    Column("frozen", String(64), nullable=False),
    Column("plan", String(64), nullable=False),
    Index("pauses_by_vendor", "vendor"),
)

records = Table(
    "records",
    metadata,
    Column("address", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("prior", EncryptedText, nullable=True),
    Column("ours", EncryptedText, nullable=True),
    Column("written", Boolean, nullable=False),
    Index("records_by_document", "document"),
)

holds = Table(
    "holds",
    metadata,
    Column("address", Text, primary_key=True),
    Column("pause", String(16), primary_key=True),
    Column("change", EncryptedText, nullable=False),
    Column("unproven", Boolean, nullable=False),
    Index("holds_by_pause", "pause"),
)

originals = Table(
    "originals",
    metadata,
    Column("document", Text, primary_key=True),
    Column("raw", EncryptedText, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("document", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires", Float, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("pause", String(16), nullable=False),
    Column("event", String(32), nullable=False),
    Column("audience", String(32), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", String(64), nullable=False),
    Column("state", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("sent_at", String(32), nullable=False),
    Index("notices_by_pause", "pause", "state"),
)
