"""The statements of the write path, made once: making one costs four times what running it does.

The names of what they want bound do not repeat a column's name where one is set as well.
"""

import sqlalchemy as sa

from stopline.journal import tables as t

_ADDRESS: sa.BindParameter[str] = sa.bindparam("at")
_DOCUMENT: sa.BindParameter[str] = sa.bindparam("of")
_ADDRESSES: sa.BindParameter[str] = sa.bindparam("those", expanding=True)

# leases
HOLDER = sa.select(t.leases.c.holder).where(t.leases.c.document == _DOCUMENT)
LEASE = sa.select(t.leases).where(t.leases.c.document == _DOCUMENT)
NEW_LEASE = sa.insert(t.leases)
RENEW_LEASE = (
    sa.update(t.leases)
    .where(
        t.leases.c.document == _DOCUMENT,
        sa.or_(
            t.leases.c.holder == sa.bindparam("mine"), t.leases.c.expires <= sa.bindparam("now")
        ),
    )
    .values(holder=sa.bindparam("holder"), expires=sa.bindparam("expires"))
)
UNLEASE = sa.delete(t.leases).where(
    t.leases.c.document == _DOCUMENT, t.leases.c.holder == sa.bindparam("mine")
)

# pauses
STATUS = sa.select(t.pauses.c.status).where(t.pauses.c.id == sa.bindparam("pause"))

# records
RECORDS_AT = sa.select(t.records).where(t.records.c.address.in_(_ADDRESSES))
RECORDS_OF = sa.select(t.records).where(t.records.c.document == _DOCUMENT)
NEW_RECORD = sa.insert(t.records)
SET_RECORD = sa.update(t.records).where(t.records.c.address == _ADDRESS)
DROP_RECORD = sa.delete(t.records).where(t.records.c.address == _ADDRESS)

# holds
HOLDS_AT = sa.select(t.holds).where(t.holds.c.address.in_(_ADDRESSES)).order_by(t.holds.c.pause)
HOLD_AT = sa.select(t.holds.c.pause).where(t.holds.c.address == _ADDRESS)
NEW_HOLD = sa.insert(t.holds)
SET_HOLD = sa.update(t.holds).where(
    t.holds.c.address == _ADDRESS, t.holds.c.pause == sa.bindparam("by")
)
DROP_HOLD = sa.delete(t.holds).where(
    t.holds.c.address == _ADDRESS, t.holds.c.pause == sa.bindparam("by")
)

# the verbatim text from before our first overlay
ORIGINAL = sa.select(t.originals.c.raw).where(t.originals.c.document == _DOCUMENT)
NEW_ORIGINAL = sa.insert(t.originals)
DROP_ORIGINAL = sa.delete(t.originals).where(t.originals.c.document == _DOCUMENT)

# the chain and the bodies beside it
LAST_EVENT = sa.select(t.events.c.seq, t.events.c.hash).order_by(t.events.c.seq.desc()).limit(1)
NEW_EVENT = sa.insert(t.events)
BODIES = sa.select(t.bodies.c.digest).where(
    t.bodies.c.digest.in_(sa.bindparam("digests", expanding=True))
)
NEW_BODY = sa.insert(t.bodies)
