"""The figures of results/figures, inside the page."""

import base64
from html import escape
from pathlib import Path

TITLES = {
    "figure2": (
        "Figure 2: pseudo-labels and accuracy against iterations. Lines: means over the runs; bands: all "
        "runs; dashed: the number of points"
    ),
    "figure3": "Figure 3: the graph of agreement, by iteration",
    "figure4": "Figure 4: members of the final clusters",
    "figure5": "Figure 5: DeepCluster's accuracy against iterations; bands: all runs",
    "ensemble_size": "Number of models (appendix C.1); bars: standard deviation over runs",
}
KINDS = {".svg": "image/svg+xml", ".png": "image/png"}
# A drawing of many points is smaller as pixels.
LARGEST_SVG = 600_000


def figures_html(folder: Path) -> str:
    """All figures of a folder, as images: drawn in them, nothing can run or be loaded.

    Parameters
    ----------
    folder : Path
        Holds NAME.svg and NAME.png; the SVG is taken unless it is large. The folder may be missing.

    Returns
    -------
    str
        HTML; empty where there is no figure.
    """
    found = {path.stem for kind in KINDS for path in folder.glob(f"*{kind}")}
    names = [*(name for name in TITLES if name in found), *sorted(found - set(TITLES))]
    return "\n".join(_figure(folder, name) for name in names)


def _figure(folder: Path, name: str) -> str:
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    large = svg.exists() and svg.stat().st_size > LARGEST_SVG and png.exists()
    path = svg if svg.exists() and not large else png
    content = base64.b64encode(path.read_bytes()).decode()
    title = escape(TITLES.get(name, name))
    return (
        f'<figure class="card"><figcaption>{title}</figcaption>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{title}">'
        f'<img src="data:{KINDS[path.suffix]};base64,{content}" alt="{title}"></div></figure>'
    )
