"""MongoDB's wire protocol (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/).

A request is a command, also an old client's query. An answer says by `ok: 0` that its command failed; errors of single
documents (`writeErrors`) do not fail it.
"""

from exporter.protocols.base import Family, ProtocolSpec
from exporter.protocols.framed import Framed, SidedParser
from exporter.protocols.mongodb_match import match
from exporter.protocols.mongodb_replies import Replies
from exporter.protocols.mongodb_requests import Requests
from exporter.protocols.mongodb_session import MongoSession


def parser() -> SidedParser:
    """Return the state of a new connection."""
    session = MongoSession()
    return SidedParser(Framed(Requests(session)), Replies(session))


SPEC = ProtocolSpec("mongodb", frozenset({27017, 27018, 27019}), match, parser, Family.DATABASE)
