"""What the pictures share: colours that colour-blind readers tell apart, and saving whole or not at all."""

from pathlib import Path

from matplotlib.figure import Figure

from kingdra_repro.files import write_whole

# Blue and orange from Okabe & Ito, "Color Universal Design" (2008)
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#777777"


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as PNG. A Figure made without pyplot needs no display and no closing."""
    write_whole(path, lambda file: figure.savefig(file, format="png", dpi=150))
