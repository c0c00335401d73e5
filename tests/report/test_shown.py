"""What of results/shown is kept: what the page and the figures show."""

from kingdra_repro.report.shown import shown
from tests.report.page.made_up import KINGDRA, SECOND, WORDS, write_results
from tests.report.tables.made_up import Planned, done


def test_what_the_page_and_the_figures_show(tmp_path):
    results = write_results(tmp_path)
    explorers = {KINGDRA, SECOND, WORDS}
    seeds = [Planned("row", seed=seed, experiment="figure4") for seed in (0, 1)]
    cells = done(*((run, {}) for run in seeds))
    # Figure 3 is not in this plan: nothing is said of its graphs.
    assert shown(results, seeds, cells) == {
        "explorer.json": explorers,
        "members.npz": {f"runs/{seeds[0].config_hash}"},
    }
    assert shown(results, [], done()) == {"explorer.json": explorers}
