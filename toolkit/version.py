"""The version of the installed distribution."""

from importlib import metadata


def version() -> str:
    """Return the distribution's version, or `unknown` where it is run without being installed."""
    try:
        return metadata.version("larimar")
    except metadata.PackageNotFoundError:
        return "unknown"
