"""From captured bytes to ordered application bytes: frames, segments, flows. The compiled hot path."""
