"""`physadv benchmark`: a small run, killed and gone on with, and what is refused."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from physadv.evaluation.suites import Begun, Cell, Prepared, Result, here
from tests.journey.commands import card, done, physadv, refused
from tests.shared_data import ROOT
from tests.suites import write_toys

SUITE, OUT = "mine.toml", Path("physadv-benchmark")
RUN = ("benchmark", "--suite", SUITE, "--jobs", 1)
TIMES = ("seconds", "processor seconds", "slowdown")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Go to a folder with a toy suite, its images and its victim; return the suite."""
    monkeypatch.chdir(tmp_path)
    values = write_toys(Path())
    write(values)
    return values


def write(values: dict[str, Any]) -> None:
    Path(SUITE).write_text(tomli_w.dumps(values), encoding="utf-8")


def table(folder: Path) -> list[dict[str, str]]:
    """Return the results without what differs between equal runs."""
    with (folder / "results.csv").open(encoding="utf-8") as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


def test_a_run_leaves_tables_a_card_and_a_page(work: dict[str, Any]) -> None:
    found = done(*RUN)
    rows, facts = table(OUT), card(OUT)
    assert [row["kind"] for row in rows].count("adaptive") == 6
    assert facts["cells"] == len(rows) == len(list((OUT / "cells").iterdir())) == 9
    best = facts["leaderboard"][0]
    assert f"{100 * best['withstand all']['share']:.1f} %" in found.stdout
    assert facts["suite"]["attacks"]["pgd"]["static"] is True
    assert set(facts["versions"]) >= {"physadv", "torch", "python"}
    page = (OUT / "leaderboard.html").read_text(encoding="utf-8")
    for part in ("Leaderboard", "Adaptive:", "Static:", "toy · bits", "pgd, eps 3/255"):
        assert part in page
    assert "Crashed" not in page
    assert "http" not in page.replace("http-equiv", "")
    pyarrow = pytest.importorskip("pyarrow.parquet", reason="pip install 'physadv[parquet]'")
    again = pyarrow.read_table(OUT / "results.parquet").to_pylist()
    assert [str(row["hits"]) for row in again] == [row["hits"] for row in rows]


def test_ctrl_c_says_how_to_go_on(work: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(ready: Prepared, cells: Sequence[Cell], begun: Begun) -> Iterator[Result]:
        yield from here(ready, cells[:3], begun)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("physadv.evaluation.suites.here", stops)
        found = physadv(*RUN)
    assert found.exit_code == 130
    assert "stopped; 3 cells are kept in physadv-benchmark" in found.stderr
    assert "go on with the same command and --resume" in found.stderr
    assert len(table(OUT)) == 3
    assert card(OUT)["cells not run"] == 6
    page = (OUT / "leaderboard.html").read_text(encoding="utf-8")
    assert "6 not run" in page
    assert "≤" in page, "what is not run may still fall"
    line = refused(physadv(*RUN))
    assert "out: expected a folder without a benchmark, got physadv-benchmark" in line
    assert "--resume" in line
    done(*RUN, "--resume")
    assert len(table(OUT)) == 9


def test_killed_at_any_moment_it_loses_only_what_is_in_flight(work: dict[str, Any]) -> None:
    """SIGKILL for the whole process; then the results are those of a run that was not broken."""
    words = [*RUN, "--out", "broken"]
    program = "from physadv.cli import app; app()"
    command = [sys.executable, "-c", program, *map(str, words)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": paths},
    ) as process:
        deadline = time.monotonic() + 240
        while not list(Path("broken/cells").glob("*.json")) and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    kept = {path: path.read_bytes() for path in Path("broken/cells").glob("[!.]*.json")}
    assert kept
    assert not Path("broken/results.csv").exists()
    done(*RUN, "--out", "broken", "--resume")
    assert {path: path.read_bytes() for path in kept} == kept, "what was kept is not made again"
    done(*RUN, "--out", "whole")
    assert table(Path("broken")) == table(Path("whole"))
    names = [sorted(p.name for p in Path(one).glob("cells/*")) for one in ("broken", "whole")]
    assert names[0] == names[1]


def test_a_cell_that_crashes_is_told_and_the_others_go_on(work: dict[str, Any]) -> None:
    work["defences"]["own"] = {"name": "own.py:crashing"}
    work["attacks"] = {"pgd": work["attacks"]["pgd"]}
    write(work)
    found = physadv(*RUN)
    assert found.exit_code == 1, found.output
    said = " ".join(found.stderr.split())
    assert "crashed: clean · toy · own: ZeroDivisionError: no such luck" in said
    assert "3 of 8 cells crashed" in said
    assert "Traceback" not in found.output
    assert len([row for row in table(OUT) if row["error"]]) == 3
    page = (OUT / "leaderboard.html").read_text(encoding="utf-8")
    assert "Crashed cells" in page
    assert "ZeroDivisionError" in page
    Path("own.py").write_text(Path("own.py").read_text().replace("raise Zero", "return images #"))
    other = refused(physadv(*RUN, "--resume", "--n", 7))
    assert "resume: expected the benchmark that it holds, got another suite.images.n" in other
    done(*RUN, "--resume")
    assert not [row for row in table(OUT) if row["error"]]
    assert not list((OUT / "cells").glob("*.error.*"))


def test_a_changed_suite_keeps_what_is_the_same(work: dict[str, Any]) -> None:
    work["attacks"] = {"pgd": work["attacks"]["pgd"]}
    write(work)
    done(*RUN)
    before = {path.name: path.stat().st_mtime_ns for path in (OUT / "cells").iterdir()}
    work["defences"]["jpeg"] = {}
    write(work)
    line = refused(physadv(*RUN, "--resume"))
    assert "got another suite.defences.jpeg; the same suite and images, or --resume --force" in line
    done(*RUN, "--resume", "--force")
    after = {path.name: path.stat().st_mtime_ns for path in (OUT / "cells").iterdir()}
    assert after.items() > before.items()
    done(*RUN, "--force")
    assert all(
        path.stat().st_mtime_ns > before.get(path.name, 0) for path in (OUT / "cells").iterdir()
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--suite", "sings"), "suite: expected one of signs, got 'sings'; did you mean 'signs'?"),
        (("--suite", "none.toml"), "suite: expected a file that exists, got none.toml"),
        (("--images", "none.csv"), "--images: expected a file or folder, got none.csv"),
        (("--n", 99), "images for toy, n: expected at least 99 images"),
        (("--resume",), "resume: expected a folder with a benchmark to go on with"),
        (("--ray", "local"), "ray: expected --jobs or --ray, got both"),
    ],
)
def test_what_is_wrong_is_one_line(
    work: dict[str, Any], flags: tuple[object, ...], message: str
) -> None:
    assert message in refused(physadv(*RUN, *flags))
    assert not OUT.exists()


def test_a_bad_file_tells_all_faults_in_one_line(work: dict[str, Any]) -> None:
    work["attacks"]["pdg"] = {}
    work["defences"]["jpg"] = {}
    work["victims"]["lost"] = {"spec": "lost.pt", "size_px": 6}
    write(work)
    line = refused(physadv(*RUN))
    assert "mine.toml: expected settings that fit, got 3 faults: (1) " in line
    for part in ("did you mean 'pgd'?", "did you mean 'jpeg'?", "lost.pt"):
        assert part in line
    Path(SUITE).write_text("images = [")
    assert "suite: expected a TOML file, got mine.toml" in refused(physadv(*RUN))


def test_ray_that_is_not_there_says_what_to_install(
    work: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    line = refused(physadv("benchmark", "--suite", SUITE, "--ray", "auto"))
    assert "ray: expected the packages of the extra 'ray'" in line
    assert "pip install 'physadv[ray]'" in line


def test_without_pyarrow_there_is_a_csv_and_a_word(
    work: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("physadv.output.benchmark.parquet_there", lambda: False)
    monkeypatch.setattr("physadv.output.parquet.parquet_there", lambda: False)
    work["attacks"] = {"step": work["attacks"]["step"]}
    write(work)
    said = done(*RUN).stdout
    assert "no results.parquet: pip install 'physadv[parquet]'" in said
    assert (OUT / "results.csv").exists()
    assert not (OUT / "results.parquet").exists()
    assert json.loads((OUT / "suite.json").read_text())["suite"]["images"]["n"] == 8
