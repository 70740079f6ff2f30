"""Findings grouped into incidents: their lifecycle, their explanation, and the alerts made of them."""
