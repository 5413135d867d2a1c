"""Benchmarks: cells are the library's own calls and closed forms, ranks are those counted by hand.

On a linear victim of two classes an image withstands changes of eps in Linf where its lead is more
than eps times the L1 norm of the difference of the weights.
"""

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from physadv.attacks.digital import PGD
from physadv.core import UserError, spawn, wilson
from physadv.defences import BitDepth, FeatureSqueezing, RandomizedSmoothing
from physadv.evaluation import attack_pictures
from physadv.evaluation.ladder import MadeOn, misread
from physadv.evaluation.suites import (
    Begun,
    Cell,
    Failure,
    Outcome,
    Prepared,
    Result,
    content,
    here,
    in_processes,
    leaderboard,
    on_ray,
    plan_cells,
    prepare,
    read_suite,
    run_cell,
    suite_from,
    suite_names,
    tried,
)
from physadv.output.benchmark import Benchmark, BenchmarkFolder, run_benchmark
from tests.shared_data import ROOT
from tests.suites import N, linear, margins, write_toys

Values = dict[str, Any]
NOTING = """
import time
from pathlib import Path
from physadv.defences import Defended

def noting():
    def change(images, rng):
        import ray
        if ray.is_initialized():
            Path("{folder}", ray.get_runtime_context().get_node_id() + ".node").touch()
            end = time.monotonic() + 100
            while time.monotonic() < end and len(list(Path("{folder}").glob("*.node"))) < 2:
                time.sleep(0.1)
        return images
    return lambda victim: Defended(victim, "noting", change=change)
"""


@pytest.fixture
def values(tmp_path: Path) -> Values:
    return write_toys(tmp_path)


class Silent:
    """Looks on without a word."""

    def plan(self, count: int) -> None:
        self.count = count

    def begun(self, cell: Cell) -> None: ...

    def ended(self, cell: Cell, found: Outcome | Failure) -> None: ...


def prepared(values: Values) -> Prepared:
    return prepare(suite_from(values))


def alone(found: Outcome | Failure) -> Outcome:
    """Return an outcome without what two equal runs differ in."""
    assert isinstance(found, Outcome), found
    return replace(found, seconds=0.0, processor_s=0.0, slowdown=None)


@pytest.mark.parametrize("eps", [1, 4])
def test_a_single_step_on_a_linear_victim_is_its_closed_form(values: Values, eps: int) -> None:
    ready = prepared(values)
    found = run_cell(ready, Cell("adaptive", "toy", "none", "step", f"{eps}/255", "inf"))
    _, lead, norm = margins(linear(), ready.pictures["toy"].images)
    assert found.right == tuple((lead > eps / 255 * norm).tolist())
    assert 0 < sum(found.right) < 8


@pytest.mark.parametrize("kind", ["adaptive", "static"])
def test_a_cell_is_what_the_library_does(values: Values, kind: Any) -> None:
    ready = prepared(values)
    found = run_cell(ready, Cell(kind, "toy", "bits", "pgd", "3/255", "inf"))
    victim, pictures = linear(), ready.pictures["toy"]
    coarse = BitDepth(3)(victim)
    right = coarse(pictures.images).best == pictures.labels
    attack: Any = PGD(eps=3 / 255, steps=3)
    attack = attack if kind == "adaptive" else MadeOn(victim, attack)
    same = attack_pictures(
        coarse,
        attack,
        pictures.take(right),
        (misread(coarse), None),
        seed=spawn(0, "cell"),
        watch=(32, lambda _: None),
    )
    held = right.clone()
    held[right] = ~torch.tensor(same.report.met)
    assert found.right == tuple(held.tolist())
    assert found.attacked == int(right.sum())
    assert found.noise == (same.noise.hits, same.noise.n) if same.noise else False


def test_a_detector_is_fitted_on_other_images_than_are_attacked(values: Values) -> None:
    name = "feature-squeezing"
    values["defences"] = {name: {"set": {"side_px": 1}, "false_alarms": 0.25}}
    ready = prepared(values)
    pictures, clean = ready.pictures["toy"], ready.fitted["toy"]
    assert not {*pictures.files} & {*clean.files}
    assert len({*pictures.files, *clean.files}) == N
    found = run_cell(ready, Cell("clean", "toy", name))
    victim = linear()
    fitted = FeatureSqueezing(side_px=1).fitted(victim, clean.images, 0.25)(victim)
    answers = fitted(pictures.images).best
    assert found.right == tuple((answers == pictures.labels).tolist())
    assert found.refused == int((answers == 2).sum())
    static = run_cell(ready, Cell("static", "toy", name, "pgd", "3/255", "inf"))
    assert static.needs == "nothing"


def test_what_is_random_is_attacked_by_its_mean_and_certified(values: Values) -> None:
    proof = {"radii": [0.05, 1.0], "select": 10, "estimate": 60}
    smooth = {"name": "randomized-smoothing", "set": {"sigma": 0.1, "samples": 3}}
    values["defences"] = {"smooth": smooth | {"certify": proof}}
    ready = prepared(values)
    pictures = ready.pictures["toy"]
    found = run_cell(ready, Cell("certify", "toy", "smooth"))
    direct = RandomizedSmoothing(sigma=0.1, samples=3).certify(
        linear(), pictures.images, select=10, estimate=60
    )
    assert found.certified == {
        f"L2 {radius:g}": tuple(direct.holds(pictures.labels, radius).tolist())
        for radius in (0.05, 1.0)
    }
    cell = Cell("adaptive", "toy", "smooth", "pgd", "3/255", "inf")
    one = run_cell(ready, cell)
    values["averaged"] = 1
    other = run_cell(prepared(values), cell)
    assert one.queries is not None
    assert other.queries is not None
    assert one.queries > 1.5 * other.queries, "two answers are averaged in each step"


def test_every_attack_meets_every_defence_and_nothing_is_doubled(values: Values) -> None:
    cells = list(plan_cells(prepared(values)))
    assert len(set(cells)) == len(cells)
    kinds = [cell.kind for cell in cells]
    assert [kinds.count(kind) for kind in ("clean", "adaptive", "static")] == [2, 6, 1]
    values["victims"]["toy"]["undefended"] = values["victims"]["toy"]["spec"]
    assert [cell.kind for cell in plan_cells(prepared(values))].count("static") == 2


def outcome(bits: str, eps: float | None = None) -> Outcome:
    return Outcome(tuple(bit == "1" for bit in bits), attacked=bits.count("1") or 1, eps=eps)


def told(cells: Sequence[str]) -> list[Cell]:
    """Return cells said as in "adaptive a pgd 4/255"."""
    split = [one.split() for one in cells]
    return [Cell(k, "v", d, *rest) for k, d, *rest in split]  # type: ignore[arg-type]  # a kind


def test_ranks_are_by_what_withstands_everything() -> None:
    """By hand: a keeps image 0 alone, b images 0 and 1, c none, d what c does but at 4/255."""
    said = {
        "clean a": outcome("1111"),
        "adaptive a pgd 8/255": outcome("1100", 8 / 255),
        "adaptive a step 8/255": outcome("1010", 8 / 255),
        "clean b": outcome("1110"),
        "adaptive b pgd 8/255": outcome("1110", 8 / 255),
        "static b pgd 8/255": outcome("1101", 8 / 255),
        "clean c": outcome("1111"),
        "adaptive c pgd 4/255": outcome("0001", 4 / 255),
        "adaptive c pgd 8/255": outcome("0000", 8 / 255),
        "clean d": outcome("1111"),
        "adaptive d pgd 4/255": outcome("0011", 4 / 255),
        "adaptive d pgd 8/255": outcome("0000", 8 / 255),
    }
    cells = told(list(said))
    rows = leaderboard(cells, dict(zip(cells, said.values(), strict=True)))
    assert [row.defence for row in rows] == ["b", "a", "d", "c"]
    assert [row.robust and row.robust.hits for row in rows] == [2, 1, 0, 0]
    assert rows[1].worst == ("pgd, eps 8/255", wilson(2, 4))
    assert rows[2].threats == {"4/255": wilson(2, 4), "8/255": wilson(0, 4)}
    assert rows[0].clean == wilson(3, 4)
    assert any("static" in doubt for doubt in rows[0].doubts) is False


def test_what_crashed_is_counted_as_missing_not_as_withstanding() -> None:
    cells = told(["clean a", "adaptive a pgd 8/255", "adaptive a step 8/255", "certify a"])
    found: list[Outcome | Failure]
    found = [outcome("11"), outcome("01", 8 / 255), Failure("ValueError", "no"), Failure("E", "")]
    (row,) = leaderboard(cells, dict(zip(cells, found, strict=True)))
    assert (row.robust, row.missing) == (wilson(1, 2), 1)
    (row,) = leaderboard(cells, {})
    assert (row.robust, row.clean, row.missing) == (None, None, 3)


def test_attacks_that_contradict_one_another_are_doubted() -> None:
    """Eleven of twelve withstand gradients, none what was made without them."""
    cells = told(["adaptive a pgd 8/255 inf", "static a pgd 8/255 inf"])
    pgd = replace(outcome("0" + 11 * "1", 8 / 255), attacked=12, needs="gradients", norm="inf")
    static = replace(pgd, right=(False,) * 12, needs="nothing")
    (row,) = leaderboard(cells, dict(zip(cells, (pgd, static), strict=True)))
    assert any("gradients may be masked" in doubt for doubt in row.doubts)


def test_all_faults_are_told_at_once(values: Values, tmp_path: Path) -> None:
    values |= {"sed": 1, "batch": 0}
    values["images"] = {"path": str(tmp_path / "none.csv")}
    values["victims"]["lost"] = {"spec": "lost.pt", "size_px": 6}
    values["defences"] |= {
        "jpg": {},
        "fine": {"name": "jpeg", "set": {"quality": 0, "sides": 3}},
        "fit": {"name": "median", "false_alarms": 0.1, "certify": {"radii": [0.1]}},
        "rs": {"name": "randomized-smoothing", "certify": {"patch_px": [3]}},
    }
    values["attacks"] |= {
        "pdg": {},
        "slow": {"name": "pgd", "set": {"stps": 3, "steps": "many"}, "eps": ["8", "1/255"]},
        "odd": {"name": "pgd", "epss": ["8/255"]},
        "idle": {"name": "pgd", "adaptive": False},
    }
    with pytest.raises(UserError) as caught:
        suite_from(values, "mine.toml")
    said = str(caught.value)
    for part in (
        "mine.toml: expected settings that fit, got 17 faults: (1) ",
        "sed: expected one of the settings about, seed",
        "did you mean 'seed'?",
        "batch: expected a whole number, at least 1, got 0",
        "images.path: expected a file or folder",
        "victims.lost.spec: expected",
        "defences.jpg.name: expected one of",
        "did you mean 'jpeg'?",
        "defences.fine.set.quality: expected 1 to 100, got 0",
        "defences.fine.set.sides: expected one of quality, got 'sides'",
        "defences.fit.false_alarms: expected a detector",
        "defences.fit.certify: expected randomized-smoothing",
        "defences.rs.certify.radii: expected at least one, got none",
        "defences.rs.certify.patch_px: expected none",
        "attacks.pdg.name: expected one of",
        "attacks.slow.set.stps: expected one of",
        "attacks.slow.set.steps: expected a whole number",
        "attacks.slow.eps: expected at most 1 with the norm inf, got 8",
        "attacks.odd.epss: expected one of the settings name, eps",
        "did you mean 'eps'?",
        "attacks.idle.adaptive: expected true, or static = true",
    ):
        assert part in said, said
    assert "\n" not in said


def test_labels_that_a_victim_does_not_have_are_told(values: Values, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("file,label\n0.png,blue\n")
    with pytest.raises(UserError, match="images for toy, label: expected one of red, green"):
        prepared(values)
    (tmp_path / "table.csv").write_text("file,label\n0.png,red\n")
    with pytest.raises(UserError, match="images for toy, n: expected at least 8 images"):
        prepared(values)


def test_suites_that_physadv_brings_are_whole(values: Values) -> None:
    assert "signs" in suite_names()
    for name in suite_names():
        suite = read_suite(name, {"path": values["images"]["path"], "n": 4})
        assert (suite.images.n, suite.images.path) == (4, values["images"]["path"])
    with pytest.raises(UserError, match="suite: expected one of signs, got 'sings'; did you mean"):
        read_suite("sings")
    with pytest.raises(UserError, match=r"images.path: expected either a path to images or data"):
        read_suite("signs")


def test_a_result_depends_on_all_that_made_it_and_on_nothing_else(values: Values) -> None:
    cell = Cell("adaptive", "toy", "bits", "pgd", "3/255", "inf")
    plain = content(prepared(values), cell)
    changes: list[Values] = [
        {"seed": 1},
        {"batch": 4},
        {"images": values["images"] | {"n": 7}},
        {"images": values["images"] | {"seed": 1}},
        {"defences": {"bits": {"name": "bit-depth", "set": {"bits": 4}}}},
        {"attacks": {"pgd": {"eps": ["3/255"], "set": {"steps": 4}}}},
    ]
    for change in changes:
        assert content(prepared(values | change), cell) != plain, change
    others = {"about": "another", "defences": values["defences"] | {"jpeg": {}}}
    assert content(prepared(values | others), cell) == plain


def test_images_are_drawn_anew_with_another_seed_only(values: Values) -> None:
    one, same = prepared(values), prepared(values)
    other = prepared(values | {"images": values["images"] | {"seed": 1}})
    assert one.images["toy"] == same.images["toy"] != other.images["toy"]
    assert len(one.pictures["toy"].files) == 8


def run_in(
    path: Path, values: Values, *, stop: int = 99, resume: bool = False
) -> tuple[Benchmark, list[Cell]]:
    """Run a suite in a folder, and stop by hand before a cell; return what ran."""
    ran = list[Cell]()

    def runner(ready: Prepared, cells: Sequence[Cell], begun: Begun) -> Iterator[Result]:
        for number, cell in enumerate(cells):
            if number == stop:
                raise KeyboardInterrupt
            ran.append(cell)
            yield from here(ready, [cell], begun)

    folder = BenchmarkFolder(path, prepared(values))
    folder.begin(resume=resume, force=False)
    try:
        return run_benchmark(folder, runner, Silent()), ran
    except KeyboardInterrupt:
        return Benchmark((), {}, ()), ran


def test_a_run_that_was_stopped_ends_as_one_that_was_not(values: Values, tmp_path: Path) -> None:
    whole, ran = run_in(tmp_path / "whole", values)
    _, first = run_in(tmp_path / "broken", values, stop=4)
    assert len(first) == 4
    damaged = sorted((tmp_path / "broken/cells").iterdir())[0]
    damaged.write_text(damaged.read_text()[:100])
    again, second = run_in(tmp_path / "broken", values, resume=True)
    assert len(second) == len(ran) - 4 + 1, "a file that is not whole is made anew"
    assert {cell: alone(found) for cell, found in again.results.items()} == {
        cell: alone(found) for cell, found in whole.results.items()
    }
    assert again.rows == tuple(
        replace(row, slowdown=other.slowdown)
        for row, other in zip(whole.rows, again.rows, strict=True)
    )


def test_a_cell_that_crashes_is_kept_as_such_and_tried_again(
    values: Values, tmp_path: Path
) -> None:
    values["defences"]["own"] = {"name": f"{tmp_path / 'own.py'}:crashing"}
    found, _ = run_in(tmp_path / "out", values)
    assert {cell.defence for cell in found.crashed} == {"own"}
    assert len(found.crashed) == 1 + 4
    assert str(next(iter(found.crashed.values()))) == "ZeroDivisionError: no such luck"
    traces = list((tmp_path / "out/cells").glob("*.error.txt"))
    assert len(traces) == 5
    assert "Traceback" in traces[0].read_text()
    facts = json.loads((tmp_path / "out/card.json").read_text())
    assert len(facts["crashed"]) == 5
    assert "Crashed cells" in (tmp_path / "out/leaderboard.html").read_text()
    _, again = run_in(tmp_path / "out", values, resume=True)
    assert {cell.defence for cell in again} == {"own"}


def test_processes_find_what_one_does_and_outlive_one_that_is_killed(
    values: Values, tmp_path: Path
) -> None:
    values["defences"]["own"] = {"name": f"{tmp_path / 'own.py'}:killing"}
    values["attacks"] = {"pgd": values["attacks"]["pgd"]}
    ready = prepared(values)
    cells = [cell for cell in plan_cells(ready) if (cell.defence, cell.kind) != ("own", "static")]
    begun = list[Cell]()
    found = dict(in_processes(2)(ready, cells, begun.append))
    assert begun == cells
    assert set(found) == set(cells)
    for cell, one in found.items():
        if cell.defence == "own":
            assert isinstance(one, Failure)
            assert str(one).startswith("process died: signal SIGKILL")
        else:
            assert alone(one) == alone(tried(ready, cell))


def test_ray_finds_what_one_process_does(values: Values, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'physadv[ray]'")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # or a busy machine starves it
    values["attacks"] = {"pgd": values["attacks"]["pgd"]}
    ready = prepared(values)
    cells = list(plan_cells(ready))
    found = dict(on_ray("local")(ready, cells, lambda _: None))
    assert set(found) == set(cells)
    for cell, one in here(ready, cells, lambda _: None):
        assert alone(one) == alone(found[cell])


def test_a_machine_that_fails_takes_the_cell_with_it_that_it_was_at(
    values: Values, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of Ray's nodes, with a scheduler and workers each; one is killed after the first cell."""
    cluster_utils = pytest.importorskip(
        "ray.cluster_utils", reason="ray is not installed: pip install 'physadv[ray]'"
    )
    monkeypatch.setenv("RAY_worker_niceness", "0")
    (tmp_path / "noting.py").write_text(NOTING.format(folder=tmp_path))
    values["attacks"] = {"pgd": values["attacks"]["pgd"]}
    values["defences"] = {"none": {}, "noting": {"name": f"{tmp_path / 'noting.py'}:noting"}}
    ready = prepared(values)
    cells = list(plan_cells(ready))
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        other = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        found = dict(on_ray(cluster.address)(ready, cells, lambda _: None))
        assert {cell: alone(one) for cell, one in found.items()} == {
            cell: alone(one) for cell, one in here(ready, cells, lambda _: None)
        }
        assert len(list(tmp_path.glob("*.node"))) == 2
        rest = on_ray(cluster.address)(ready, cells, lambda _: None)
        left = dict([next(iter(rest))])
        cluster.remove_node(other, allow_graceful=False)
        left |= dict(rest)
    finally:
        cluster.shutdown()
    assert set(left) == set(cells)
    lost = {cell for cell, one in left.items() if isinstance(one, Failure)}
    assert len(lost) <= 1
    assert all(alone(left[cell]) == alone(found[cell]) for cell in set(cells) - lost)


def test_the_file_in_the_docs_is_one(values: Values) -> None:
    """But for what it names that lies on other machines."""
    page = (ROOT / "docs/benchmark.md").read_text(encoding="utf-8")
    found = tomllib.loads(page.split("```toml\n")[1].split("```")[0])
    del found["victims"]["hardened"], found["defences"]["mine"]
    suite = suite_from(found, images={"path": values["images"]["path"]})
    assert suite.attacks["pgd"].eps == ("4/255", "8/255")
    assert suite.defences["coarse"].set == {"bits": 3}
