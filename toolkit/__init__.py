"""What both processes serve and speak alike: HTTP, TLS and basic auth, health, logging, settings."""
