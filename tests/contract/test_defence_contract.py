"""What every defence keeps: a victim again, the first as it was, chance by the call alone."""

from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

import pytest
import torch

import physadv.defences
from physadv.core import Answer, Encoded, UserError
from physadv.defences import (
    BitDepth,
    Defence,
    Defended,
    DerandomizedSmoothing,
    FeatureSqueezing,
    Jpeg,
    LabelOnly,
    LocalGradientsSmoothing,
    Median,
    NoisyScores,
    PatchCleanser,
    QueryDetection,
    RandomizedSmoothing,
    ReverseSigmoid,
    RoundedScores,
    SaliencyMasking,
    TotalVariation,
)
from physadv.testing import ContractError, check_defence, check_victim
from physadv.victims import Victim
from tests.victims import cell_detector, closed_victim, small_victim

DEFENCES: list[Defence] = [
    BitDepth(),
    DerandomizedSmoothing(),
    FeatureSqueezing(),
    Jpeg(),
    LabelOnly(),
    LocalGradientsSmoothing(),
    Median(),
    NoisyScores(),
    PatchCleanser(masks=3),
    QueryDetection(),
    RandomizedSmoothing(sigma=0.5, samples=20, soft=True),
    ReverseSigmoid(),
    RoundedScores(),
    SaliencyMasking(),
    TotalVariation(),
]
CHANCE = {NoisyScores, RandomizedSmoothing}
NEEDS_GRADIENTS = {SaliencyMasking}
NOISE = Encoded(torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("make", [small_victim, closed_victim])
def test_the_contract_of_defences(defence: Defence, make: Callable[[], Victim]) -> None:
    if make is closed_victim and type(defence) in NEEDS_GRADIENTS:
        with pytest.raises(UserError, match="victim: expected one with gradients"):
            defence(make())
        return
    made = check_defence(defence, make(), detector=cell_detector(), chance=type(defence) in CHANCE)
    assert made.digest() != getattr(made.undefended, "digest", str)()


def test_every_defence_is_here() -> None:
    exported: list[Any] = [getattr(physadv.defences, name) for name in physadv.defences.__all__]
    known: set[Any] = {one for one in exported if is_dataclass(one) and hasattr(one, "about")}
    assert known == {type(one) for one in DEFENCES}
    names = [one.about.name for one in exported if one in known]
    assert len(set(names)) == len(names)


class Other(Defended):
    """Breaks what it is told to."""

    def __init__(self, victim: Victim, fault: str) -> None:
        super().__init__(victim, "a fault")
        self.fault = fault
        if fault == "labels":
            self.labels = (*victim.labels, "another")
        if fault == "undefended":
            self.undefended = small_victim(seed=3)
        if fault == "name":
            self.name = victim.name

    def __call__(self, images: Encoded) -> Answer:
        answer = super().__call__(images)
        if self.fault == "again":
            return Answer(answer.scores + self.calls)
        if self.fault == "slope":
            return Answer(answer.scores.detach() + 0 * images.sum())
        if self.fault == "weights":
            with torch.no_grad():
                next(self.undefended.module.parameters()).add_(1e-3)  # type: ignore[attr-defined]  # it has one
        return answer

    def reset(self) -> None:
        if self.fault != "again":
            super().reset()


@pytest.mark.parametrize(
    ("fault", "clause"),
    [
        ("labels", "labels are the victim's"),
        ("undefended", "found as `undefended`"),
        ("name", "the name says"),
        ("again", "the same images get the same answer"),
        ("slope", "gradients reach every image"),
        ("weights", "as they were|the same answer"),
    ],
)
def test_a_fault_is_found(fault: str, clause: str) -> None:
    with pytest.raises(ContractError, match=clause):
        check_defence(lambda victim: Other(victim, fault), small_victim())


def test_what_chance_there_is_comes_from_the_call() -> None:
    with pytest.raises(ContractError, match="each call has a chance of its own"):
        check_defence(BitDepth(), small_victim(), chance=True)
    with pytest.raises(ContractError, match="the same answer"):
        check_victim(NoisyScores()(small_victim()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BitDepth(9), "bits: expected 1 to 8, got 9"),
        (lambda: Median(2), "side_px: expected an odd number, got 2"),
        (lambda: TotalVariation(0.0), "weight: expected"),
        (lambda: Jpeg(0), "quality: expected 1 to 100, got 0"),
        (lambda: RoundedScores(-1), "decimals: expected 0 or more, got -1"),
        (lambda: ReverseSigmoid(beta=0.0), "beta: expected"),
        (lambda: NoisyScores(0.0), "std: expected"),
        (lambda: FeatureSqueezing(threshold=2.0), "threshold: expected above 0, below 2"),
        (lambda: FeatureSqueezing(8, 1), "bits: expected fewer than 8 bits"),
        (lambda: QueryDetection(shared=51), "shared: expected at most kept, 50, got 51"),
        (lambda: RandomizedSmoothing(sigma=0.0), "sigma: expected above 0, got 0.0"),
        (lambda: RandomizedSmoothing(samples=0), "samples: expected at least 1"),
        (lambda: DerandomizedSmoothing(threshold=1.0), "threshold: expected 0 or more, below 1"),
        (lambda: DerandomizedSmoothing(axis="column"), "axis: expected one of columns, rows"),
        (lambda: DerandomizedSmoothing(17)(small_victim())(NOISE), "band_px: expected at most 16"),
        (lambda: PatchCleanser(share=0.0), "share: expected a share between 0 and 1"),
        (lambda: PatchCleanser(masks=0), "masks: expected at least 1"),
        (lambda: PatchCleanser(patch_px=(13, 4))(small_victim()), "patch_px: .* 12x16 px"),
        (lambda: SaliencyMasking(threshold=1.0), "threshold: expected a share between 0 and 1"),
        (lambda: LocalGradientsSmoothing(overlap_px=15), "overlap_px: expected 0 or more, below"),
        (lambda: QueryDetection(step=0), "step: expected 1 to 255"),
        (lambda: Jpeg()(cell_detector()), "victim: expected a classifier, got .*a detector"),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
