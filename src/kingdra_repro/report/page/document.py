"""A self-contained HTML file: the page's content and data, and the style and scripts of this folder."""

import json
from html import escape
from importlib.resources import files
from typing import Any

# In order of their dependencies.
SCRIPTS = ("elements.js", "chart.js", "map.js", "explorer.js", "page.js")

# The browser refuses to fetch anything, whatever the data contain.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def document(title: str, body: str, data: dict[str, Any]) -> str:
    """Return the whole file. `body` is HTML in which text from the data is already escaped.

    `data` is what the scripts show; they insert its text as text, never as HTML.
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
    """Encode as JSON with ``<`` escaped: ``</script>`` ends a script element even inside a string."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _part(name: str) -> str:
    return files("kingdra_repro.report.page").joinpath(name).read_text(encoding="utf-8")
