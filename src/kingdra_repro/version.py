"""The version of this package."""

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """Return the installed version, or ``unknown`` if the package runs from sources, not installed."""
    try:
        return version("kingdra-repro")
    except PackageNotFoundError:
        return "unknown"
