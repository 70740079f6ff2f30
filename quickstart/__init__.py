"""The local stack: both processes with a real Prometheus and a real Alertmanager, by one command."""
