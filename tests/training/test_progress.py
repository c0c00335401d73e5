"""What the progress display shows, on a terminal and elsewhere."""

import io

import pytest
from rich.console import Console

from kingdra_repro.methods import Progress
from kingdra_repro.training import progress as progress_module
from kingdra_repro.training.progress import ProgressDisplay, phase_line


def event(done: float, looks: list[float] | None = None) -> Progress:
    def losses() -> dict[str, float]:
        if looks is not None:
            looks.append(done)
        return {"loss": 12.345, "kl": 0.5}

    return Progress(
        iteration=3,
        n_iter=10,
        epoch=2,
        n_epochs=5,
        model_epochs_done=done,
        model_epochs_total=100.0,
        losses=losses,
        n_pseudo_labels=1234,
    )


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_a_line_now_and_then(clock):
    out, looks = io.StringIO(), []
    with ProgressDisplay(Console(file=out, width=20)) as display:
        for _ in range(21):
            display.show(event(clock[0], looks))
            clock[0] += 1
    assert looks == [0, 10, 20]
    lines = out.getvalue().splitlines()
    assert lines[0].endswith("1,234 pseudo-labels")  # the remaining time is not known yet
    assert lines[1] == (
        "iteration 3/10 epoch 2/5 · 10/100 model epochs · "
        "loss 12.3 kl 0.5 · 1,234 pseudo-labels · 0:01:30 left"
    )


def test_on_a_terminal_a_bar(clock):
    out = io.StringIO()
    with ProgressDisplay(Console(file=out, force_terminal=True, width=100)) as display:
        display.show(event(40))
        display._live.refresh()
        assert "left" not in out.getvalue()
        clock[0] += 5
        display.show(event(50))
        display._live.refresh()
        display.notify("iteration 3: accuracy 0.9")
    shown = out.getvalue()
    for text in (
        "iteration 3/10 epoch 2/5",
        "50%",
        "50/100 model epochs",
        "1,234 pseudo-labels",
        "accuracy 0.9",
        "elapsed, 0:00:25 left",
    ):
        assert text in shown


def test_losses_are_not_looked_at_in_every_step(clock):
    looks: list[float] = []
    with ProgressDisplay(Console(file=io.StringIO(), force_terminal=True)) as display:
        for step in range(100):
            display.show(event(step, looks))
            clock[0] += 0.01
    assert len(looks) == 4


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ({"rule": "given"}, "790 pseudo-labels in 30 mini-clusters (0.987 right); 2 s"),
        (
            {"rule": "relaxed", "t_pos": 4, "t_neg": 3},
            "790 pseudo-labels in 30 mini-clusters (0.987 right), "
            "thresholds relaxed to t_pos 4, t_neg 3; 2 s",
        ),
        (
            {"rule": "unsupervised", "n_mini_clusters": 23, "smallest_mini_cluster": 0},
            "not trained on: 23 of 30 mini-clusters; 2 s",
        ),
        (
            {"rule": "unsupervised", "n_mini_clusters": 0, "n_pseudo_labels": 0, "smallest_mini_cluster": 0},
            "not trained on: 0 of 30 mini-clusters; 2 s",
        ),
        (
            {"rule": "kept", "smallest_mini_cluster": 2},
            "not trained on, but on those before: 30 mini-clusters, one of only 2; 2 s",
        ),
    ],
)
def test_a_phase_tells_whether_what_it_found_is_trained_on(found, shown):
    row = {"iteration": 1, "n_pseudo_labels": 790, "n_mini_clusters": 30, "smallest_mini_cluster": 20}
    row |= {"pseudo_label_acc": 0.987, "seconds": 2.0, **found}
    assert phase_line(row, 30) == f"iteration 1: {shown}"
