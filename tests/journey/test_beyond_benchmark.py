"""The tables of what lies beyond images print, on a small run."""

from pathlib import Path

from typer.testing import CliRunner

from benchmarks import beyond as bench
from tests.texts import corpus


def test_policies_print_a_row_for_each_norm_and_moment() -> None:
    words = ["policies", "--n", "2", "--steps", "400", "--task", "CartPole-v1"]
    found = CliRunner().invoke(bench.app, words)
    assert found.exit_code == 0, found.output
    radii = bench.TASKS["CartPole-v1"][1]
    assert sum(found.output.count(f"| {eps:g} | inf |") for eps in radii) == len(radii)
    assert found.output.count("at random, ") == 3


def test_texts_print_a_row_for_each_attack(tmp_path: Path) -> None:
    file = tmp_path / "texts.tsv"
    signs = {"good": "2.0", "bad": "-2.0"}
    rows = [f"{k}\t{signs[label]}\t{text}" for k, (text, label) in enumerate(corpus())]
    file.write_text("\n".join([*rows, "0\t0.1\tNobody knows."]), encoding="utf-8")
    found = CliRunner().invoke(bench.app, ["texts", str(file), "--n", "4", "--queries", "40"])
    assert found.exit_code == 0, found.output
    assert found.output.count("/4, ") == 2 * 6 * 2
    assert f"fitted on {len(corpus()) - 4} texts" in found.output
