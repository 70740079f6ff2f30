"""What the detector would have said about the past."""
