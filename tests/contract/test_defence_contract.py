"""What every defence keeps: a victim again, the first as it was, chance by the call alone."""

from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import physadv.defences
from physadv.core import Answer, Encoded, UserError, generator
from physadv.defences import (
    APEGAN,
    BitDepth,
    Defence,
    Defended,
    DefenseGAN,
    DerandomizedSmoothing,
    FeatureSqueezing,
    Jpeg,
    LabelOnly,
    LocalGradientsSmoothing,
    MagNet,
    Median,
    NoisyScores,
    ObjectSeeker,
    PatchCleanser,
    PatchSegmentation,
    QueryDetection,
    RandomizedSmoothing,
    Reconstruction,
    ReverseSigmoid,
    RoundedScores,
    SafetyNet,
    SaliencyMasking,
    TotalVariation,
)
from physadv.generative import Autoencoder, Restorer, UNet, seeded
from physadv.testing import ContractError, check_defence, check_victim
from physadv.victims import Victim
from tests.victims import cell_detector, closed_victim, linear_victim, small_victim


class Painter(nn.Module):
    """Makes a grey image of 12x16 px of two numbers, brighter with their sum."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.2))

    def forward(self, latents: Tensor) -> Tensor:
        grey = (self.gain * latents.sum(dim=1)).sigmoid()
        return grey[:, None, None, None].expand(-1, 3, 12, 16)


def magnet() -> MagNet:
    net = seeded(Autoencoder, 0, 4)
    return MagNet(net, (Reconstruction(net, "l1"), Reconstruction(net, "jsd", threshold=0.1)))


def safety_net(layer: str = "features", width: int = 8 * 12 * 16) -> SafetyNet:
    vectors = torch.rand(4, width, generator=generator(0)).round()
    weights = torch.tensor([1.0, -0.5, 0.5, -1.0])
    return SafetyNet(layer, torch.tensor([0.1, 0.5]), vectors, weights, 0.1, 1 / width)


DEFENCES: list[Defence] = [
    APEGAN(seeded(Restorer, 0, 4)),
    BitDepth(),
    DerandomizedSmoothing(),
    FeatureSqueezing(),
    Jpeg(),
    LabelOnly(),
    LocalGradientsSmoothing(),
    DefenseGAN(Painter(), 2, steps=3, restarts=2),
    magnet(),
    Median(),
    NoisyScores(),
    PatchCleanser(masks=3),
    PatchSegmentation(seeded(UNet, 0, 4, halvings=2)),
    QueryDetection(),
    RandomizedSmoothing(sigma=0.5, samples=20, soft=True),
    ReverseSigmoid(),
    RoundedScores(),
    SaliencyMasking(),
    safety_net(),
    TotalVariation(),
]
OF_DETECTORS: list[Defence] = [ObjectSeeker(lines=2, masked_score=0.5)]
CHANCE = {DefenseGAN, NoisyScores, RandomizedSmoothing}
NEEDS_GRADIENTS = {SaliencyMasking}
NOISE = Encoded(torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(0)))
BLACK = Encoded(torch.zeros(2, 3, 12, 16))


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("make", [small_victim, closed_victim])
def test_the_contract_of_defences(defence: Defence, make: Callable[[], Victim]) -> None:
    if make is closed_victim and type(defence) in NEEDS_GRADIENTS:
        with pytest.raises(UserError, match="victim: expected one with gradients"):
            defence(make())
        return
    made = check_defence(defence, make(), other=cell_detector(), chance=type(defence) in CHANCE)
    assert made.digest() != getattr(made.undefended, "digest", str)()


@pytest.mark.parametrize("defence", OF_DETECTORS, ids=lambda one: type(one).__name__)
def test_the_contract_of_defences_of_detectors(defence: Defence) -> None:
    made = check_defence(defence, cell_detector(), other=small_victim())
    assert made.digest() != getattr(made.undefended, "digest", str)()
    with pytest.raises(UserError, match=r"victim: expected a classifier, got .*a detector"):
        Jpeg()(made)


def test_every_defence_is_here() -> None:
    exported: list[Any] = [getattr(physadv.defences, name) for name in physadv.defences.__all__]
    known: set[Any] = {one for one in exported if is_dataclass(one) and hasattr(one, "about")}
    assert known == {type(one) for one in DEFENCES + OF_DETECTORS}
    names = [one.about.name for one in exported if one in known]
    assert len(set(names)) == len(names)


def test_other_weights_or_thresholds_are_another_defence() -> None:
    victim, nets = small_victim(), [seeded(Restorer, seed, 4) for seed in (0, 0, 1)]
    first, same, other = (APEGAN(net)(victim).digest() for net in nets)
    assert first == same != other
    fitted = magnet().fitted(victim, BLACK)
    assert fitted(victim).digest() != magnet()(victim).digest()


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
        (
            lambda: PatchSegmentation(nn.Conv2d(3, 1, 1), (0.2, 1.5)),
            r"sides_ratio: expected shares above 0, at most 1, got \(0.2, 1.5\)",
        ),
        (lambda: PatchSegmentation(nn.Conv2d(3, 1, 1), softness=0.0), "softness: expected above 0"),
        (lambda: PatchSegmentation(nn.Conv2d(3, 1, 1), rounds=0), "rounds: expected at least 1"),
        (
            lambda: PatchSegmentation(nn.Conv2d(3, 1, 1), tolerance=1.0),
            "tolerance: expected 0 or more, below 1",
        ),
        (lambda: LocalGradientsSmoothing(overlap_px=15), "overlap_px: expected 0 or more, below"),
        (lambda: QueryDetection(step=0), "step: expected 1 to 255"),
        (lambda: Reconstruction(Painter(), "l3"), "measure: expected one of l1, l2, jsd, got 'l3'"),
        (lambda: Reconstruction(Painter(), "jsd", 0.0), "temperature: expected above 0, got 0.0"),
        (lambda: MagNet(Painter(), ())(small_victim()), "reformer: expected a network that makes"),
        (lambda: magnet().fitted(small_victim(), BLACK, 0.0), "false_alarms: expected a share"),
        (
            lambda: APEGAN(nn.AvgPool2d(2))(small_victim()),
            r"translator: .*got \(1, 3, 6, 8\); take",
        ),
        (lambda: DefenseGAN(Painter(), 2)(linear_victim()), r"generator: .*\(8, 8\), mode='bilin"),
        (
            lambda: DefenseGAN(Painter(), 2, slope="own"),
            "slope: expected one of straight, unrolled",
        ),
        (lambda: DefenseGAN(Painter(), 2, momentum=1.0), r"momentum: expected a number in \[0,1\)"),
        (lambda: safety_net("late")(small_victim()), "layer: expected a name .*got 'late'"),
        (
            lambda: safety_net(width=5)(small_victim()),
            "layer: expected a layer of 5 values, .* 1536",
        ),
        (lambda: safety_net()(linear_victim()), "victim: expected one made of a torch module"),
        (lambda: ObjectSeeker()(small_victim()), "victim: expected a detector, got .*a classifier"),
        (lambda: ObjectSeeker(lines=0), "lines: expected at least 1"),
        (lambda: ObjectSeeker(covered=0.0), "covered: expected a share above 0"),
        (lambda: ObjectSeeker(masked_score=1.0), "masked_score: expected 0 or more, below 1"),
        (lambda: Jpeg()(cell_detector()), "victim: expected a classifier, got .*a detector"),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
