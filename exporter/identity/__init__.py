"""Which service is a process: the naming ladder, its parents, its siblings, and the bound on their number."""
