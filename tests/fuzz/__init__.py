"""Fuzzing of the packet path, layer by layer."""
