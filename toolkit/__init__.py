"""What both processes have in common: HTTP, TLS and basic auth, health, logging, settings."""
