"""eBPF without a compiler or a library: programs put together here, and the bpf(2) that loads and asks them.

The three programs are `packetprogram`, `taskprogram` and `syscallprogram`; `classicfilter`, one folder up, is the older
kind of BPF, which every kernel takes from whoever may capture.
"""
