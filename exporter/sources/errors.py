"""What a source raises."""


class SourceError(Exception):
    """A source cannot be read; says which, what is missing or wrong, and where."""
