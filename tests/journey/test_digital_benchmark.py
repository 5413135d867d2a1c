"""The side by side of attacks that only ask counts honestly, and runs small."""

import pytest
import torch
import typer
from typer.testing import CliRunner

from benchmarks import digital_black_box as bench
from physadv.core import Encoded, quantise
from tests.shared_data import DATA, needs_data
from tests.victims import small_victim


def counted(eps: float, queries: int) -> bench.Counted:
    victim = small_victim()
    clean = quantise(torch.full((1, 3, 16, 16), 0.5))
    shown = int(victim(Encoded(clean)).best)
    return bench.Counted(victim, clean, shown, None, (eps, queries))


def test_what_is_beyond_eps_is_no_success_and_what_is_beyond_the_budget_ends_it() -> None:
    victim = counted(8 / 255, 30)
    far = torch.rand(100, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    misread = far[victim.victim(Encoded(quantise(far))).best != victim.shown]
    assert len(misread) > 0
    victim(Encoded(misread[:1]))
    assert (victim.first, victim.queries) == (None, 1)
    wide = counted(1.0, 30)
    with pytest.raises(bench.SpentError):
        wide(Encoded(torch.cat([wide.clean, misread[:1], misread[:1]])))
    assert (wide.first, wide.queries) == (2, 2)
    with pytest.raises(bench.SpentError):
        victim(Encoded(victim.clean.expand(30, -1, -1, -1)))
    assert victim.first is None


@pytest.mark.parametrize("name", [one for one in bench.ATTACKS if "foolbox" not in one])
def test_every_attack_of_the_table_asks(name: str) -> None:
    victim = counted(8 / 255, 60)
    bench.attacked(name, victim, 0)
    assert victim.queries >= 20 or victim.first is not None


@needs_data
def test_it_prints_a_row_for_each() -> None:
    options = ["--n", "1", "--queries", "20", "--attack", "noise", "--attack", "evade-hc"]
    app = typer.Typer()
    app.command()(bench.main)
    found = CliRunner().invoke(app, [str(DATA), *options])
    assert found.exit_code == 0, found.output
    assert found.output.count("/1,") >= 4
