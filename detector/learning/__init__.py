"""Learns what is usual from history, beside the evaluations, in processes of this machine or a cluster."""
