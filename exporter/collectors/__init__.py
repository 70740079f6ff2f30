"""Snapshots in, Prometheus metric families out: one file per group of metrics."""
