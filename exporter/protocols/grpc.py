"""gRPC: calls on HTTP/2, told by their content type or their messages' prefix."""

from exporter.protocols.base import ProtocolSpec, unmeasured
from exporter.protocols.http2 import Http2Parser
from exporter.protocols.http2_match import match_grpc


def _parser() -> Http2Parser:
    return Http2Parser(grpc=True)


SPEC = ProtocolSpec("grpc", frozenset({50051}), match_grpc, _parser, trains=unmeasured)
