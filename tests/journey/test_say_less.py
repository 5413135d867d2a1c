"""What telling less costs is counted on what the victim reads, not on what is told."""

import pytest
import torch
import typer
from typer.testing import CliRunner

from benchmarks import say_less as bench
from benchmarks.digital_black_box import SpentError
from physadv.core import Encoded, generator, quantise
from physadv.defences import Defence, LabelOnly, NoisyScores, QueryDetection, RoundedScores
from tests.shared_data import DATA, needs_data
from tests.victims import small_victim


def guarded(defence: Defence | None, eps: float = 8 / 255, queries: int = 30) -> bench.Guarded:
    victim = small_victim()
    clean = quantise(torch.full((1, 3, 12, 16), 0.5))
    shown = int(victim(Encoded(clean)).best)
    return bench.Guarded(victim, clean, shown, None, (eps, queries), defence=defence)


def test_the_attacker_is_told_what_the_defence_tells() -> None:
    images = Encoded(quantise(torch.rand(3, 3, 12, 16, generator=generator(0))))
    for defence in (LabelOnly(), RoundedScores(2)):
        told = guarded(defence)(images).scores
        assert torch.equal(told, defence(small_victim())(images).scores.detach())
    assert torch.equal(guarded(None)(images).scores, small_victim()(images).scores.detach())


def test_noise_on_what_is_told_is_no_success() -> None:
    made = guarded(NoisyScores(1000.0))
    told = [int(made(Encoded(made.clean)).best) for _ in range(20)]
    assert len(set(told)) > 1
    assert (made.first, made.queries) == (None, 20)


def test_what_is_rejected_is_told_to_be_as_it_was_and_is_no_success() -> None:
    made = guarded(QueryDetection(), eps=1.0)
    far = torch.rand(100, 3, 12, 16, generator=generator(0))
    misread = quantise(far[made.victim(Encoded(quantise(far))).best != made.shown][:1])
    made.guarded(Encoded(misread))  # seen before: the next is a duplicate
    answer = made(Encoded(misread))
    assert (int(answer.best), made.first) == (made.shown, None)
    with pytest.raises(SpentError):
        guarded(None, eps=1.0)(Encoded(misread))


@needs_data
def test_it_prints_a_row_for_each_and_leaves_out_what_is_the_same() -> None:
    options = ["--n", "1", "--queries", "10", "--attack", "evade-hc", "--only", "label-only"]
    app = typer.Typer()
    app.command()(bench.main)
    found = CliRunner().invoke(app, [str(DATA), *options, "--only", "query-detection"])
    assert found.exit_code == 0, found.output
    assert "| evade-hc | none |" in found.output
    assert "| evade-hc | query-detection |" in found.output
    assert "label-only" not in found.output
    wrong = CliRunner().invoke(app, [str(DATA), "--only", "labels"])
    assert "did you mean" in str(wrong.exception)
