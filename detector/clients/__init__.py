"""Prometheus and Alertmanager over HTTP: thin, retrying, bounded."""
