"""History of weeks: asked for giving way to evaluations, kept on disk, read a few series at a time."""
