from scripts.results_csv import ResultsCsv


def test_a_fit_is_known_by_what_was_written_and_rows_stay_to_the_letter(tmp_path):
    results = ResultsCsv(tmp_path / "fits.csv", "labelled", "seed")
    assert not results.has("", 0)
    results.add({"labelled": "", "seed": 0, "acc": 0.5}, {"labelled": "012", "seed": 0, "acc": float("nan")})
    results.path.write_text(results.path.read_text().replace("0.5", "0.5000"))
    before = results.path.read_text()
    results.add({"labelled": "0", "seed": 1, "acc": 1.0, "new": "x"})
    after = results.path.read_text().splitlines()
    assert [line.removesuffix(",") for line in after[1:3]] == before.splitlines()[1:]
    assert after[3] == "0,1,1.0,x"
    there = [fit for fit in [("", 0), ("012", 0), ("0", 1), ("0", 0), ("12", 0)] if results.has(*fit)]
    assert there == [("", 0), ("012", 0), ("0", 1)]
