"""What can be seen, how exactly, and of whom: so that what is not seen is not taken for a fault."""
