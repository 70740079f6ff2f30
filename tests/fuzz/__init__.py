"""Fuzzing of the packet path and the parsers, layer by layer."""
