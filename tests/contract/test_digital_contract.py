"""Every digital attack keeps the contract; the contract catches those that do not."""

from dataclasses import dataclass, is_dataclass
from inspect import signature
from math import inf
from typing import Any, get_args

import pytest
import torch

import physadv.attacks.digital
from physadv.attacks.digital import (
    LBFGS,
    PGD,
    RP2,
    About,
    AdvGAN,
    DigitalAttack,
    Disguise,
    EstimatedPGD,
    EvadeHC,
    FastGradient,
    FrameworkAttack,
    GenAttack,
    Iterative,
    Needs,
    Patch,
    Perceptual,
    Smallest,
    Synthesis,
    Universal,
    settings_of,
)
from physadv.attacks.digital.named import OWN
from physadv.core import Encoded
from physadv.presets import PRESETS
from physadv.testing import ContractError, check_digital
from physadv.victims import Victim
from tests.victims import linear_victim, small_victim

ATTACKS: dict[str, DigitalAttack] = {
    "pgd inf": PGD(inf, 0.05, steps=3),
    "pgd 2": PGD(2.0, 0.5, steps=3),
    "pgd 1": PGD(1.0, 3.0, steps=3, random_starts=2),
    "pgd 0": PGD(0.0, 12, steps=3),
    "fast gradient": FastGradient(eps=0.05),
    "fast gradient 2": FastGradient(2.0, 0.5),
    "fast gradient 1": FastGradient(1.0, 3.0),
    "fast gradient 0": FastGradient(0.0, 12),
    "iterative": Iterative(eps=0.05, steps=3),
    "iterative 2": Iterative(2.0, 0.5, steps=3),
    "momentum": Iterative(eps=0.05, steps=3, decay=1.0),
    "lbfgs": LBFGS(rounds=4, steps=10),
    "smallest": Smallest(rounds=3, steps=3),
    "smallest fast gradient": Smallest(rounds=3, attack=FastGradient(eps=0.1)),
    "perceptual": Perceptual(steps=6, rate=1.0),
    "universal": Universal(eps=0.05, steps=3, batch=2),
    "universal 2": Universal(2.0, 0.5, steps=3, batch=2),
    "patch": Patch(steps=4, check_every=2),
    "patch shared": Patch(steps=4, shared=True, batch=2, check_every=2),
    "patch moved": Patch(steps=3, turn_deg=10, size_ratio=0.1, shift_ratio=0.1, gain_ev=0.3),
    "rp2": RP2(steps=4),
    "synthesis": Synthesis(steps=4, confidence=1.0),
    "synthesis fourier": Synthesis(
        steps=3, confidence=1.0, basis="fourier", band=0.7, decay=1.0, smooth=1.0, jitter_px=1
    ),
    "disguise": Disguise(steps=4),
    "disguise in colours": Disguise(ssim=None, de2000=2.0, steps=3),
    "advgan": AdvGAN(steps=3),
    "advgan distilled": AdvGAN(steps=3, distil="dynamic", distil_steps=3),
    "estimated spsa": EstimatedPGD("spsa", eps=0.05, queries=24, samples=5),
    "estimated nes 2": EstimatedPGD("nes", 2.0, 0.5, queries=14, samples=5, antithetic=False),
    "estimated groups 1": EstimatedPGD("groups", 1.0, 3.0, queries=14, samples=5, rounded=False),
    "estimated coordinates": EstimatedPGD("coordinates", eps=0.05, queries=24, samples=5),
    "genetic": GenAttack(0.05, 20, guided=True, cells=2, detail=6),
    "evade-hc": EvadeHC(eps=0.05, queries=20, paths=4, kept=2, length=8),
    "patch photographed": Patch(steps=2, tries=1, camera=PRESETS["street"].camera),
}
WITHOUT_CHANCE = (FastGradient, Iterative, LBFGS, Perceptual)


def tried(attack: DigitalAttack, victim: Victim) -> None:
    plain = attack.attack if isinstance(attack, Smallest) else attack
    check_digital(attack, victim, chance=not isinstance(plain, WITHOUT_CHANCE))


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_on_a_small_network(name: str) -> None:
    tried(ATTACKS[name], small_victim())


@pytest.mark.parametrize(
    "name",
    [
        *("pgd inf", "patch", "rp2", "lbfgs", "iterative", "smallest", "synthesis", "disguise"),
        *("advgan", "estimated nes 2", "genetic", "evade-hc"),
    ],
)
def test_attack_on_a_linear_victim(name: str) -> None:
    tried(ATTACKS[name], linear_victim())


EXPORTED = [getattr(physadv.attacks.digital, name) for name in physadv.attacks.digital.__all__]
CALLED = {"victim", "images", "objective", "rows", "seed", "watch"}
KINDS: list[Any] = [
    one
    for one in EXPORTED
    if isinstance(one, type) and is_dataclass(one) and one is not FrameworkAttack
    if signature(one.__call__).parameters.keys() >= CALLED
]
"""What is called as an attack is, and has settings."""


def test_every_attack_is_tried() -> None:
    assert {type(one) for one in ATTACKS.values()} == set(KINDS)


def test_every_attack_says_what_it_is() -> None:
    """`physadv attacks` and `--attack` find an attack by what it says of itself."""
    silent = [kind.__name__ for kind in KINDS if not isinstance(getattr(kind, "about", 0), About)]
    assert silent == [], "declare about: ClassVar[About] = About(name, needs, norm, source)"
    abouts: list[About] = [kind.about for kind in KINDS]
    assert len({one.name for one in abouts}) == len(abouts)
    for one in abouts:
        assert one.name == one.name.lower()
        assert one.needs in get_args(Needs)
        assert one.norm
        assert any(year in one.source for year in map(str, range(1960, 2030))), one
    assert list(OWN) == sorted(one.name for one in abouts)


def test_every_setting_says_what_it_is() -> None:
    for attack in KINDS:
        for name, one in settings_of(attack).items():
            assert len(one.metadata["about"].split()) > 2, name


@dataclass(frozen=True)
class Wrong(PGD):
    """Does what it should not."""

    how: str = ""

    def __call__(self, victim: Any, images: Encoded, objective: Any, **rest: Any) -> Encoded:
        if self.how == "global":
            torch.rand(1)
        seed = {"seed": 0} if self.how == "seedless" else {}
        made = PGD.__call__(self, victim, images, objective, **rest | seed)
        if self.how == "outside":
            return Encoded(made + 0.1)
        if self.how == "in place":
            images.mul_(0.5)
        if self.how == "no mask":
            return Encoded((made + 0.001).clamp(0, 1))
        return made


@pytest.mark.parametrize(
    ("how", "clause"),
    [
        ("global", "does not use the global generator"),
        ("outside", "images stay in"),
        ("in place", "the same seed|not written to"),
        ("seedless", "another seed"),
        ("no mask", "what a mask leaves out"),
    ],
)
def test_the_contract_catches(how: str, clause: str) -> None:
    with pytest.raises(ContractError, match=clause):
        check_digital(Wrong(eps=0.05, steps=2, how=how), small_victim())
