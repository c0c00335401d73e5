"""What the pictures share: colours that colour-blind readers tell apart, and saving whole or not at all."""

from pathlib import Path

from matplotlib.figure import Figure

from kingdra_repro.report.atomic import write_whole

# Okabe & Ito, "Color Universal Design" (2008)
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#777777"


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as PNG. A Figure made without pyplot needs no display and no closing."""
    write_whole(path, lambda file: figure.savefig(file, format="png", dpi=150))
