"""Wire protocols: bytes in, messages out, no I/O."""
