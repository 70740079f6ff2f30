"""The local stack: both processes with a real Prometheus and a real Alertmanager, in one command."""
