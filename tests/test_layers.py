"""Dependencies point one way: no module imports from a higher layer."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "kingdra_repro"
# Layers (floors), the lowest first. The packages (rooms) of one floor may import one another.
FLOORS = [
    ["errors", "version"],
    ["checks", "files", "library_state", "objectives", "python_process", "sampling"],
    ["devices"],
    ["provenance"],
    ["networks", "data.download"],
    ["data.formats"],
    ["data"],
    ["data.features"],
    ["data.sources"],
    ["bases"],
    ["pseudo_labels"],
    ["training"],
    ["methods"],
    ["evaluation"],
    ["auto_settings"],
    ["config"],
    ["runs"],
    ["own_configs"],
    ["resolvers"],
    ["reproduce"],
    ["report.tables"],
    ["report", "report.figures", "report.page"],
    ["programs"],
    ["entry_points"],
    ["__main__"],
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room(module: str) -> str:
    """Return a key of FLOOR: ``data.sources`` for ``data.sources.mnist``, ``data`` for ``data.dataset``."""
    parts = module.split(".")
    return max((".".join(parts[:i]) for i in (1, 2)), key=lambda name: (name in FLOOR, len(name)))


def imports() -> list[tuple[str, str]]:
    """Return pairs (module, imported module), both named relative to kingdra_repro.

    Skipped are each ``__init__``, which only re-exports names, and imports under ``if TYPE_CHECKING``.
    """
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        if path.name == "__init__.py":
            continue
        tree = ast.parse(path.read_text())
        for_types = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in node.body
        }
        for node in ast.walk(tree):
            if node in for_types:
                continue
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kingdra_repro."):
                found.append((module, (node.module or "").removeprefix("kingdra_repro.")))
            elif isinstance(node, ast.ImportFrom) and node.module == "kingdra_repro":
                found += [(module, name.name) for name in node.names]
    return found


def test_no_import_runs_upward():
    assert [pair for pair in imports() if FLOOR[room(pair[1])] > FLOOR[room(pair[0])]] == []
