"""Captures of real servers, and how they were made."""
