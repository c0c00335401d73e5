"""The models' answers: kept over the parts of an interrupted run, and compared."""

import numpy as np

from kingdra_repro.runs.votes import Votes, aligned_votes, answer_votes, most_disputed


def test_votes_of_all_phases_are_packed(tmp_path):
    """`before` is the part of the run that was killed; `after` resumes it and repeats the last phase."""
    before, after = Votes(tmp_path / "votes"), Votes(tmp_path / "votes")
    n = 3_000
    answers = np.random.default_rng(1).integers(0, 4, (12, 2, n))
    for index in range(11):
        before.add(index, answers[index])
    after.add(10, answers[11])
    kept = sum(file.stat().st_size for file in (tmp_path / "votes").iterdir())
    assert kept < 2 * (2 * n + 11 * 1_000) + 13 * 200  # not the answers for all points after each phase
    after.write(tmp_path / "votes.npz")
    with np.load(tmp_path / "votes.npz") as found:
        np.testing.assert_array_equal(found["first"], answers[0])
        np.testing.assert_array_equal(found["last"], answers[11])
        assert found["last"].dtype == np.uint8
        assert len(np.unique(found["sample"])) == 1_000
        assert found["sampled"].shape == (11, 2, 1_000)
        np.testing.assert_array_equal(found["sampled"][7], answers[7][:, found["sample"]])


def test_votes_of_the_phase_that_gave_the_answer_are_kept_if_it_is_not_the_last(tmp_path):
    votes = Votes(tmp_path / "votes")
    phases = np.random.default_rng(0).integers(0, 300, (3, 2, 50))
    for index, model_labels in enumerate(phases):
        votes.add(index, model_labels)
    for phase in (2, 1):
        votes.write(tmp_path / "votes.npz", phases[phase])
        np.testing.assert_array_equal(answer_votes(tmp_path), phases[phase])
        with np.load(tmp_path / "votes.npz") as found:
            assert ("answer" in found) == (phase == 1)
            np.testing.assert_array_equal(found["last"], phases[2])


def test_votes_of_many_clusters_are_not_cut(tmp_path):
    votes = Votes(tmp_path / "votes")
    votes.add(0, np.array([[0, 300, 255], [1, 2, 299]]))
    votes.write(tmp_path / "votes.npz")
    with np.load(tmp_path / "votes.npz") as found:
        assert found["last"].max() == 300


def test_without_an_ensemble_there_are_no_votes(tmp_path):
    Votes(tmp_path / "votes").write(tmp_path / "votes.npz")
    assert not (tmp_path / "votes.npz").exists()


def test_votes_in_the_names_of_the_final_clusters():
    labels = np.array([0, 0, 1, 1, 2, 2, 2])
    said = np.array([[0, 0, 1, 1, 2, 2, 1], [0, 0, 1, 1, 2, 0, 2]])
    renamed = np.stack([np.array([2, 0, 1])[said[0]], np.array([1, 2, 0])[said[1]]]).astype(np.uint8)
    aligned = aligned_votes(renamed, labels, 3)
    np.testing.assert_array_equal(aligned, said)


def test_most_disputed_by_the_entropy_of_votes():
    votes = np.random.default_rng(0).integers(0, 4, (6, 200))
    votes[:, 50:] = votes[0, 50:]  # all models agree
    shares = np.stack([(votes == cluster).mean(0) for cluster in range(4)])
    entropy = -np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0).sum(0)
    found = most_disputed(votes, 20)
    assert found.tolist() == np.argsort(-entropy.round(9), kind="stable")[:20].tolist()
    assert set(most_disputed(votes, 100)) == set(np.flatnonzero(entropy > 1e-9))
