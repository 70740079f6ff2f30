"""Dashboards, made from typed builders: `python -m grafana` writes them to grafana/dashboards."""
