"""The figures of results/figures, inside the page."""

import base64
from html import escape
from pathlib import Path

from kingdra_repro.report.tables.captions import figure_titles

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
    titles = {name: title for name, title in figure_titles().items() if name in found}
    titles |= {name: name for name in sorted(found - set(titles))}
    return "\n".join(_figure(folder, name, title) for name, title in titles.items())


def _figure(folder: Path, name: str, title: str) -> str:
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    large = svg.exists() and svg.stat().st_size > LARGEST_SVG and png.exists()
    path = svg if svg.exists() and not large else png
    content = base64.b64encode(path.read_bytes()).decode()
    title = escape(title)
    return (
        f'<figure class="card"><figcaption>{title}</figcaption>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{title}">'
        f'<img src="data:{KINDS[path.suffix]};base64,{content}" alt="{title}"></div></figure>'
    )
