"""The exporter: watches processes and packets of one host and says what its services do."""
