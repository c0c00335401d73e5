from scripts.rows import Rows


def test_a_fit_is_known_by_what_was_written_and_rows_stay_to_the_letter(tmp_path):
    rows = Rows(tmp_path / "rows.csv", "labelled", "seed")
    assert not rows.has("", 0)
    rows.add({"labelled": "", "seed": 0, "acc": 0.5}, {"labelled": "012", "seed": 0, "acc": float("nan")})
    rows.path.write_text(rows.path.read_text().replace("0.5", "0.5000"))
    before = rows.path.read_text()
    rows.add({"labelled": "0", "seed": 1, "acc": 1.0, "new": "x"})
    after = rows.path.read_text().splitlines()
    assert [line.removesuffix(",") for line in after[1:3]] == before.splitlines()[1:]
    assert after[3] == "0,1,1.0,x"
    there = [fit for fit in [("", 0), ("012", 0), ("0", 1), ("0", 0), ("12", 0)] if rows.has(*fit)]
    assert there == [("", 0), ("012", 0), ("0", 1)]
