"""How a service behaves: a fixed vector per service, its class by that, and how far it is from its usual self."""
