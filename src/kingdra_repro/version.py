"""The version of this package."""

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """Return the installed version; ``unknown`` where the package runs from its sources alone."""
    try:
        return version("kingdra-repro")
    except PackageNotFoundError:
        return "unknown"
