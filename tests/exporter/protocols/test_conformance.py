"""What every protocol of the registry owes, checked for each entry by itself."""

import sys
import tracemalloc
from collections.abc import Callable, Iterable
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model import Endpoint, Exchange, Kind
from exporter.net.stream import End
from exporter.protocols.base import ProtocolSpec
from exporter.protocols.conversation import Conversation
from tests.exporter.protocols.conversing import CLIENT, SERVER, STREAMED, Kept, Step, converse, flow
from tests.exporter.protocols.sample import SECRET, Sample
from tests.exporter.protocols.samples import FOREIGN, SAMPLES

CASES = [
    pytest.param(spec, sample, id=f"{spec.name}: {sample.name}") for spec in STREAMED for sample in SAMPLES[spec.name]
]
ALL = [sample for samples in SAMPLES.values() for sample in samples]
PROTOCOL = pytest.mark.parametrize("spec", STREAMED, ids=lambda spec: spec.name)
CASE = pytest.mark.parametrize(("spec", "sample"), CASES)
REPEATED = 60
LOADED = settings(deadline=None, max_examples=60)  # the machine may be busy


def cut(step: Step, places: Iterable[int]) -> list[Step]:
    edges = sorted({0, len(step.payload), *(place % (len(step.payload) + 1) for place in places)})
    return [Step(step.direction, step.payload[begin:end]) for begin, end in pairwise(edges)]


def running(sample: Sample) -> list[Step]:
    """Return the sample joined in its midst."""
    return list(sample.steps[sample.opening :])


def asked(sample: Sample) -> list[str]:
    """Return the operations of the sample joined in its midst."""
    return list(sample.requests[sample.opening_requests :])


def awaits_nothing(exchange: Exchange) -> bool:
    return exchange.request is not None and exchange.request.kind in (Kind.ONE_WAY, Kind.PUSH)


def calls(action: Callable[[], object]) -> int:
    """Return how many functions, Python's or C's, the action calls."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return counted


@CASE
def test_sample_is_understood(spec: ProtocolSpec, sample: Sample) -> None:
    kept = converse(sample.steps)
    assert kept.protocols == [spec.name]
    assert kept.requests() == list(sample.requests)
    assert all(exchange.response or awaits_nothing(exchange) for exchange in kept.exchanges)
    assert kept.closed == 1


@CASE
@LOADED
@given(places=st.lists(st.integers(0, 10_000), max_size=12))
def test_cutting_the_bytes_changes_nothing(spec: ProtocolSpec, sample: Sample, places: list[int]) -> None:
    pieces = [piece for step in sample.steps for piece in cut(step, places)]
    kept = converse(pieces)
    assert kept.facts() == converse(sample.steps).facts()
    assert kept.unparsable_protocols == []


@CASE
def test_single_bytes_are_enough(spec: ProtocolSpec, sample: Sample) -> None:
    pieces = [piece for step in sample.steps for piece in cut(step, range(len(step.payload)))]
    assert converse(pieces).facts() == converse(sample.steps).facts()


@CASE
@LOADED
@given(data=st.data())
def test_a_gap_anywhere_falsifies_no_latency(spec: ProtocolSpec, sample: Sample, data: st.DataObject) -> None:
    steps = [*sample.steps, *running(sample) * 3] if sample.name != "until close" else list(sample.steps)
    number = data.draw(st.integers(0, len(steps) - 1))
    hole = punched(steps[number], data)
    kept = converse([*steps[:number], *hole, *steps[number + 1 :]])
    true = {
        exchange.request.first_at: exchange.response.last_at
        for exchange in converse(steps).exchanges
        if exchange.request and exchange.response
    }
    for exchange, protocol in zip(kept.exchanges, kept.spoken, strict=True):
        if exchange.request and exchange.response and exchange.timed and protocol == spec.name:
            assert exchange.response.last_at == true.get(exchange.request.first_at)


def punched(step: Step, data: st.DataObject) -> list[Step]:
    """Return the step with a part of its bytes lost."""
    begin = data.draw(st.integers(0, len(step.payload) - 1))
    end = data.draw(st.integers(begin + 1, len(step.payload)))
    before, after = step.payload[:begin], step.payload[end:]
    hole = [Step(step.direction, before)] if before else []
    hole.append(Step(step.direction, lost=end - begin, at_once=bool(before)))
    return [*hole, Step(step.direction, after, at_once=True)] if after else hole


@CASE
@LOADED
@given(data=st.data())
def test_holes_and_noise_never_raise(spec: ProtocolSpec, sample: Sample, data: st.DataObject) -> None:
    steps = list(sample.steps) * 2
    for _ in range(data.draw(st.integers(1, 6))):
        where = data.draw(st.integers(0, len(steps)))
        noise = st.builds(Step, st.integers(0, 1), st.binary(min_size=1, max_size=80))
        hole = st.builds(Step, st.integers(0, 1), st.just(b""), st.integers(1, 5000))
        steps.insert(where, data.draw(noise | hole))
    converse(steps, sure=data.draw(st.booleans()))


@CASE
@LOADED
@given(data=st.data())
def test_any_byte_may_be_any_other(spec: ProtocolSpec, sample: Sample, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(sample.steps) - 1))
    payload = bytearray(sample.steps[number].payload)
    for place in data.draw(st.lists(st.integers(0, len(payload) - 1), min_size=1, max_size=6)):
        payload[place] = data.draw(st.integers(0, 255))
    steps = list(sample.steps)
    steps[number] = Step(steps[number].direction, bytes(payload))
    converse(steps)


@CASE
def test_joined_between_messages_is_understood(spec: ProtocolSpec, sample: Sample) -> None:
    kept = converse(running(sample), sure=False)
    assert kept.protocols == [spec.name]
    assert kept.requests() == asked(sample)


@CASE
def test_sides_are_told_by_the_bytes(spec: ProtocolSpec, sample: Sample) -> None:
    if not sample.tells_sides:
        pytest.skip("nothing in the bytes tells who asks")
    kept = converse([Step(1 - step.direction, step.payload) for step in running(sample)], sure=False)
    assert kept.flows[0].server == CLIENT
    assert kept.flows[0].client == Endpoint(SERVER.address, SERVER.port)
    assert kept.requests() == asked(sample)


@CASE
@LOADED
@given(offset=st.integers(0, 2000))
def test_joined_within_a_message_is_understood_at_the_next_one(spec: ProtocolSpec, sample: Sample, offset: int) -> None:
    first = running(sample)[0]
    torn = Step(first.direction, first.payload[1 + offset % len(first.payload) :])
    steps = [torn, *running(sample)[1:], *running(sample)] if torn.payload else running(sample)
    kept = converse(steps, sure=False)
    assert spec.name in kept.protocols
    assert kept.requests()[-len(asked(sample)) :] == asked(sample)


@CASE
def test_repeated_work_grows_with_the_bytes(spec: ProtocolSpec, sample: Sample) -> None:
    steps = running(sample)
    if sample.name == "until close":
        steps = [steps[0], steps[1], *steps[2:] * 40]
    once = calls(lambda: converse(steps * REPEATED, sure=False))
    fourfold = calls(lambda: converse(steps * REPEATED * 4, sure=False))
    assert fourfold < 4.4 * once


@CASE
def test_small_segments_cost_no_rescanning(spec: ProtocolSpec, sample: Sample) -> None:
    """A unit that never ends, in pieces of 8 bytes: four times the bytes, about four times the time."""
    head = sample.steps[sample.opening].payload[:16]

    def seconds(size: int) -> float:
        def once() -> float:
            conversation = Conversation(flow(), Kept(), (spec,))
            conversation.data(0, head, 0)
            begun = process_time()
            for at in range(size // 8):
                conversation.data(0, b"aaaaaaaa", at)
            return process_time() - begun

        return min(once() for _ in range(3))

    assert seconds(60_000) < 10 * seconds(15_000) + 0.01


@CASE
@pytest.mark.parametrize("direction", [0, 1])
@pytest.mark.parametrize("filler", [b"a" * 1000, b"\n" * 1000, b"a\r\n" * 300, b"\0" * 1000])
def test_memory_is_bounded(spec: ProtocolSpec, sample: Sample, direction: int, filler: bytes) -> None:
    opening = [step for step in sample.steps if step.direction == direction]
    other = [step for step in sample.steps if step.direction != direction]
    conversation = Conversation(flow(), _Forgetful(), STREAMED)
    tracemalloc.start()
    try:
        for at, step in enumerate([other[0], opening[0]]):
            conversation.data(step.direction, step.payload, at)
        conversation.data(direction, opening[-1].payload[:30], 3)
        for at in range(1000):
            conversation.data(direction, filler, at)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    conversation.end(End.CLOSED, 0)
    assert held < 400_000


@CASE
def test_unanswered_requests_are_bounded(spec: ProtocolSpec, sample: Sample) -> None:
    first = next(step for step in running(sample) if step.direction == 0)
    conversation = Conversation(flow(sure=False), _Forgetful(), STREAMED)
    tracemalloc.start()
    try:
        for at in range(20_000):
            conversation.data(0, first.payload, at)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 10_000_000


class _Forgetful(Kept):
    """Counts nothing, so that only the conversation's own memory is measured."""

    def record(self, exchange: object) -> None:
        """Forget."""

    def recognised(self, flow: object, protocol: str) -> "_Forgetful":
        """Forget."""
        return self


@CASE
def test_payloads_show_nowhere(spec: ProtocolSpec, sample: Sample) -> None:
    kept = converse(sample.steps)
    assert SECRET.decode() not in repr(kept.exchanges)


@PROTOCOL
@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
@pytest.mark.parametrize("sure", [True, False])
@pytest.mark.parametrize("hinted", [True, False])
def test_foreign_protocol_is_not_claimed(spec: ProtocolSpec, foreign: str, sure: bool, hinted: bool) -> None:
    port = min(spec.ports) if hinted else SERVER.port
    kept = converse(FOREIGN[foreign], sure=sure, server_port=port)
    assert set(kept.protocols) <= {"unknown"}


@PROTOCOL
@LOADED
@given(payloads=st.lists(st.tuples(st.integers(0, 1), st.binary(min_size=1, max_size=300)), max_size=8))
def test_any_bytes_are_survived(spec: ProtocolSpec, payloads: list[tuple[int, bytes]]) -> None:
    steps = [Step(direction, payload) for direction, payload in payloads]
    converse(steps, sure=False, server_port=min(spec.ports), specs=(spec,))


@PROTOCOL
def test_other_protocols_on_its_port_are_told_apart(spec: ProtocolSpec) -> None:
    for name, samples in SAMPLES.items():
        for sample in samples:
            assert converse(sample.steps, server_port=min(spec.ports)).protocols == [name]
