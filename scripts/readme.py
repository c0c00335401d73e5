"""Regenerate the README's results section from results/: `make readme`."""

from pathlib import Path

from kingdra_repro.files import write_text
from kingdra_repro.report.tables.readme import update_results_section

ROOT = Path(__file__).parent.parent

if __name__ == "__main__":
    readme = ROOT / "README.md"
    write_text(readme, update_results_section(readme.read_text(), ROOT / "results"))
