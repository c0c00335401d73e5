"""Runs on data that stay in their file write the same files as runs on data in memory."""

import pandas as pd
import pytest
import scipy.sparse as sp

from kingdra_repro.programs import predict
from tests.programs.conftest import CUSTOM


@pytest.mark.parametrize("file", ["x.npy", "x.npz"])
def test_a_streamed_run_leaves_the_files_of_one_in_memory(
    kingdra_run, features, tmp_path, monkeypatch, file: str
) -> None:
    """All rows fit into one shuffle buffer, so even the questions and the page's files are the same."""
    sp.save_npz("x.npz", sp.csr_matrix(features * (features > 0)))
    for stream in ("true", "false"):
        more = (f"dataset.path={file}", f"dataset.stream={stream}", f"output_dir=out_{stream}")
        done = kingdra_run(*CUSTOM, "n_clusters=3", "data_dir=data", *more)
        assert done.status == 0, done.err
        assert ("stays on the disk" in done.err) == (stream == "true")
    made = [next((tmp_path / f"out_{name}").rglob("result.json")) for name in ("true", "false")]
    streamed, held = (result.parent for result in made)
    names = ["clusters.csv", "ask.csv", "ask_pairs.csv", "explorer.json", "map.json", "graph_sample.json"]
    for name in names:
        assert (streamed / name).read_bytes() == (held / name).read_bytes(), name

    monkeypatch.setenv("KINGDRA_DATA_DIR", "data")
    monkeypatch.setattr("kingdra_repro.data.sources.custom_streamed.available_bytes", lambda: 100)
    assert predict.run([f"run={streamed}", f"data={file}", "output=again.csv"]) == 0
    pd.testing.assert_frame_equal(pd.read_csv("again.csv"), pd.read_csv(streamed / "clusters.csv"))


def test_a_method_that_needs_all_data_says_which_do_not(kingdra_run, features) -> None:
    done = kingdra_run(
        "dataset=custom", "dataset.path=x.npy", "n_clusters=3", "dataset.stream=true", "method=kmeans"
    )
    assert done.status == 2
    assert "needs all data in memory: choose Single, Ensemble or Kingdra (method=single," in done.err
