"""What the packet path has counted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineCounters:
    """What the packet path has seen since its start; all but `flows_active` and `held_bytes` only grow.

    Attributes:
        packets: frames read; `bytes` is their length on the wire.
        segments: TCP segments; `datagrams`, `fragments` and `other` (other protocols) are the rest of what is sound.
        malformed: frames that could not be read, by reason: truncated, malformed, nested, link_type.
        flows_active: slots taken.
        flows_opened: flows for which a consumer was asked.
        flows_evicted: flows ended because the table was full, or that lost their consumer as there were too many.
        flows_replaced: connections ended by a new one on the same addresses and ports.
        strays: segments without payload of connections that are not known.
        turns: found in flows that are only paired by turns.
        consumers_failed: calls of consumers that raised; `last_failure` is the latest one's kind and place.
        doubted: segments and resets that no connection can have meant.
        retransmitted: segments, or parts, seen before; the network's repetitions and the capture's duplicates.
        out_of_order: segments that came before their turn.
        gaps: holes reported to consumers, of `gap_bytes`.
        given_up: waits for missing bytes that were ended without them.
        skipped_bytes: left out because the consumer asked for it.
        fragments_dropped: IP fragments of packets that never became whole.
        held_bytes: waiting for earlier bytes.
        misplaced: slots of the flow table that were freed without being found in its index, which never happens.
        misjudged: packets of which the capture was told to copy the head, and more was needed.
    """

    packets: int
    bytes: int
    segments: int
    datagrams: int
    fragments: int
    other: int
    malformed: dict[str, int]
    flows_active: int
    flows_opened: int
    flows_evicted: int
    flows_replaced: int
    strays: int
    turns: int
    consumers_failed: int
    last_failure: str
    doubted: int
    retransmitted: int
    out_of_order: int
    gaps: int
    gap_bytes: int
    given_up: int
    delivered_bytes: int
    skipped_bytes: int
    fragments_dropped: int
    held_bytes: int
    misplaced: int
    misjudged: int
