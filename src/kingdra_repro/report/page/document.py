"""One self-contained HTML file: the page's content, its data, and the style and scripts of this folder."""

import json
from html import escape
from importlib.resources import files
from typing import Any

# In the order that they build upon each other.
SCRIPTS = ("elements.js", "chart.js", "map.js", "explorer.js", "page.js")

# Nothing is fetched from anywhere, whatever the data say: a browser refuses it.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def document(title: str, body: str, data: dict[str, Any]) -> str:
    """Write the whole file: `body` is HTML, in which what comes from data is escaped already.

    `data` is what the scripts show. They put text from it on the page as text, never as HTML.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{_part("style.css")}</style>
</head>
<body>
{body}
<dialog id="runs-dialog" aria-labelledby="runs-title"></dialog>
<script type="application/json" id="data">{_as_json(data)}</script>
<script>
"use strict";
{"".join(_part(name) for name in SCRIPTS)}</script>
</body>
</html>
"""


def _as_json(data: dict[str, Any]) -> str:
    """JSON that no text in it can end: a script element ends at ``</script>`` wherever it stands."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _part(name: str) -> str:
    return files("kingdra_repro.report.page").joinpath(name).read_text(encoding="utf-8")
