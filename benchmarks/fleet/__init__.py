"""Real services of Debian, PyPI and npm: how each is started and asked, what a person calls it and what it is."""
