"""Counts how the repository is built: `python scripts/house.py`.

Files are those that git lists in the tree where it stands, new ones that it does not ignore among them.
"""

import ast
import subprocess
from collections import Counter
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
SOURCE = "src/kingdra_repro/"


def listed() -> list[str]:
    """The files of the working tree, as git has them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({name for name in names if name and (ROOT / name).is_file()})


def lines(name: str) -> int:
    return len((ROOT / name).read_text().splitlines())


def constructor_lines(names: list[str]) -> dict[str, int]:
    """Lines that each estimator, and each class it inherits from, spends on its parameters."""
    trees = [ast.parse((ROOT / name).read_text()) for name in names]
    classes = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}

    def is_estimator(name: str) -> bool:
        bases = [ast.unparse(base) for base in classes[name].bases] if name in classes else []
        return "BaseEstimator" in bases or any(map(is_estimator, bases))

    found = {name: sum(map(_parameters, node.body)) for name, node in classes.items() if is_estimator(name)}
    return {name: n for name, n in found.items() if n}


def _parameters(part: ast.stmt) -> int:
    """Lines of ``__init__``, or of a field of a dataclass; 0 for attributes that are only announced."""
    is_init = isinstance(part, ast.FunctionDef) and part.name == "__init__"
    is_field = isinstance(part, ast.AnnAssign) and part.value is not None
    return (part.end_lineno or 0) - part.lineno + 1 if is_init or is_field else 0


def main() -> None:
    names = listed()
    source = [name for name in names if name.startswith(SOURCE) and name.endswith(".py")]
    modules = [name for name in source if not name.endswith("__init__.py")]
    length = {name: lines(name) for name in source}
    folders = Counter(name.rpartition("/")[0] for name in source)
    largest, n = folders.most_common(1)[0]
    yaml = [name for name in names if name.startswith("configs/") and name.endswith(".yaml")]
    settings = [name for name in yaml if name.startswith("configs/settings/")]
    results = [name for name in names if name.startswith("results/")]
    megabytes = sum((ROOT / name).stat().st_size for name in results) / 1e6
    constructors = constructor_lines([name for name in modules if "/methods/" in name])
    for what, value in {
        "source files (without __init__)": f"{len(source)} ({len(modules)})",
        "source lines": f"{sum(length.values()):,}",
        "median lines of a source file": f"{median(length.values()):.0f}",
        "source files below 50 lines, __init__ aside": sum(length[name] < 50 for name in modules),
        "source files of 300 lines or more": sum(length[name] >= 300 for name in modules),
        "largest flat folder": f"{largest.removeprefix(SOURCE)}, {n} files",
        "modules at the top level": sum(name.count("/") == SOURCE.count("/") for name in modules),
        "YAML files in configs/": len(yaml),
        "settings files": f"{len(settings)}, {sum(map(lines, settings))} lines",
        "files in results/": f"{len(results):,}, {megabytes:.1f} MB",
        "constructor lines of estimators": f"{sum(constructors.values())}, in {len(constructors)} classes",
    }.items():
        print(f"{what:<45}{value}")


if __name__ == "__main__":
    main()
