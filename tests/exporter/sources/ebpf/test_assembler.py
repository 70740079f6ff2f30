"""The assembler of eBPF."""

import pytest

from exporter.sources.ebpf.assembler import (
    EQUAL,
    R0,
    R1,
    Line,
    assemble,
    jump,
    jump_if_number,
    jump_if_word_number,
    leave,
    leave_with_word,
    load_packet,
    load_packet_at,
    map_pointer,
    put_twice,
    reachable,
)


def test_labels_are_resolved_over_instructions_that_take_two_places() -> None:
    lines: list[Line] = [
        jump_if_number(EQUAL, R1, 0, "out"),
        put_twice(R1, 0x55555555),
        map_pointer(R1, 7),
        "out",
        *leave(),
    ]
    assert int.from_bytes(assemble(lines)[2:4], "little") == 4


def test_numbers_may_have_their_highest_bit() -> None:
    assert assemble([jump_if_word_number(EQUAL, R0, 0xFFFFFFFF, "out"), "out"])[4:] == b"\xff" * 4
    assert assemble([put_twice(R0, 0xFFFFFFFF)])[4:8] == b"\xff" * 4


def test_words_of_the_packet_are_asked_for_as_the_kernel_expects() -> None:
    # BPF_LD | BPF_ABS | BPF_H and BPF_LD | BPF_IND | BPF_B of include/uapi/linux/bpf_common.h
    assert assemble([load_packet(2, 12)])[0] == 0x00 | 0x20 | 0x08
    assert assemble([load_packet_at(1, R1, 13)])[0] == 0x00 | 0x40 | 0x10


def test_what_is_never_reached_is_left_out() -> None:
    lines: list[Line] = [jump("end"), "middle", *leave(1), "end", *leave_with_word(2), *leave(3)]
    assert reachable(lines) == [jump("end"), "end", *leave_with_word(2)]


def test_a_missing_label_is_told() -> None:
    for lines in ([jump("nowhere")], [jump("nowhere"), *leave()]):
        with pytest.raises(ValueError, match="no label 'nowhere'"):
            assemble(lines)
        with pytest.raises(ValueError, match="no label 'nowhere'"):
            reachable(lines)


def test_a_label_that_is_too_far_away_is_told() -> None:
    with pytest.raises(ValueError, match="an offset of 32768"):
        assemble([jump("far"), *[load_packet(1, 0)] * 32768, "far"])
