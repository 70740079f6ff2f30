"""The detector: learns from Prometheus how services usually behave and tells Alertmanager when one does not."""
