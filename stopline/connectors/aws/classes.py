"""Every class of document that this connector reads and writes, by its kind."""

from collections.abc import Callable, Mapping

from stopline.connectors.aws import (
    documents,
    handed,
    lifecycle,
    membership,
    organizing,
    slots,
    trust,
    whole,
)
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import Writer
from stopline.connectors.aws.people import KINDS
from stopline.connectors.aws.resources import BY_STATEMENT
from stopline.connectors.aws.shares import SHARES
from stopline.model import Document
from stopline.port import Observed

POLICIES = tuple(f"{kind}-policy" for kind in organizing.CONTROLS)
ATTACHMENTS = tuple(f"{kind}-attachment" for kind in organizing.CONTROLS)
READERS: Mapping[str, Callable[[Clients, Document], Observed]] = {
    **documents.READERS,
    "bucket-lifecycle": lifecycle.read,
    "role-boundary": slots.read_boundary,
    "role-inline-policy": slots.read_inline,
    "trust-policy-statement": trust.read,
    "user-boundary": slots.read_boundary,
    "user-inline-policy": slots.read_inline,
    **dict.fromkeys(KINDS, membership.read),
    **dict.fromkeys(BY_STATEMENT, whole.read),
    **dict.fromkeys(POLICIES, organizing.read_policy),
    **dict.fromkeys(ATTACHMENTS, organizing.read_attachments),
    **dict.fromkeys(SHARES, handed.read),
}
WRITERS: Mapping[str, Writer] = {
    **documents.WRITERS,
    "bucket-lifecycle": lambda c, o, ch, _: lifecycle.write(c, o, ch),
    "role-boundary": lambda c, o, ch, _: slots.write_boundary(c, o, ch),
    "role-inline-policy": lambda c, o, ch, _: slots.write_inline(c, o, ch),
    "trust-policy-statement": trust.write,
    "user-boundary": lambda c, o, ch, _: slots.write_boundary(c, o, ch),
    "user-inline-policy": lambda c, o, ch, _: slots.write_inline(c, o, ch),
    **dict.fromkeys(KINDS, lambda c, o, ch, _: membership.write(c, o, ch)),
    **dict.fromkeys(BY_STATEMENT, whole.write),
    **dict.fromkeys(POLICIES, lambda c, o, ch, _: organizing.write_policy(c, o, ch)),
    **dict.fromkeys(ATTACHMENTS, lambda c, o, ch, _: organizing.write_attachments(c, o, ch)),
    **dict.fromkeys(SHARES, lambda c, o, ch, _: handed.write(c, o, ch)),
}
