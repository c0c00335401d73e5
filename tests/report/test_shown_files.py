"""Which files of results/shown are kept: those that the page and the figures show."""

from kingdra_repro.report.shown_files import runs_to_keep
from tests.report.page.made_up import KINGDRA, SECOND, WORDS, write_results
from tests.report.tables.made_up import Planned, done


def test_what_the_page_and_the_figures_show(tmp_path):
    results = write_results(tmp_path)
    explorers = {KINGDRA, SECOND, WORDS}
    seeds = [Planned("row", seed=seed, experiment="figure4") for seed in (0, 1)]
    cells = done(*((run, {}) for run in seeds))
    # Figure 3 is not in this plan, so its graph_sample.json is left out.
    assert runs_to_keep(results, seeds, cells) == {
        "explorer.json": explorers,
        "members.npz": {f"runs/{seeds[0].config_hash}"},
    }
    assert runs_to_keep(results, [], done()) == {"explorer.json": explorers}
