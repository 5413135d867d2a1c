"""Every digital attack keeps the contract; the contract catches those that do not."""

from dataclasses import dataclass
from math import inf
from typing import Any

import pytest
import torch

import physadv.attacks.digital
from physadv.attacks.digital import (
    PGD,
    RP2,
    DigitalAttack,
    EstimatedPGD,
    EvadeHC,
    GenAttack,
    Patch,
    settings_of,
)
from physadv.core import Encoded
from physadv.presets import PRESETS
from physadv.testing import ContractError, check_digital
from tests.victims import linear_victim, small_victim

ATTACKS: dict[str, DigitalAttack] = {
    "pgd inf": PGD(inf, 0.05, steps=3),
    "pgd 2": PGD(2.0, 0.5, steps=3),
    "pgd 1": PGD(1.0, 3.0, steps=3, random_starts=2),
    "patch": Patch(steps=4, check_every=2),
    "patch shared": Patch(steps=4, shared=True, batch=2, check_every=2),
    "patch moved": Patch(steps=3, turn_deg=10, size_ratio=0.1, shift_ratio=0.1, gain_ev=0.3),
    "rp2": RP2(steps=4),
    "estimated spsa": EstimatedPGD("spsa", eps=0.05, queries=24, samples=5),
    "estimated nes 2": EstimatedPGD("nes", 2.0, 0.5, queries=14, samples=5, antithetic=False),
    "estimated groups 1": EstimatedPGD("groups", 1.0, 3.0, queries=14, samples=5, rounded=False),
    "estimated coordinates": EstimatedPGD("coordinates", eps=0.05, queries=24, samples=5),
    "genetic": GenAttack(0.05, 20, guided=True, cells=2, detail=6),
    "evade-hc": EvadeHC(eps=0.05, queries=20, paths=4, kept=2, length=8),
    "patch photographed": Patch(steps=2, tries=1, camera=PRESETS["street"].camera),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_on_a_small_network(name: str) -> None:
    check_digital(ATTACKS[name], small_victim())


@pytest.mark.parametrize(
    "name", ["pgd inf", "patch", "rp2", "estimated nes 2", "genetic", "evade-hc"]
)
def test_attack_on_a_linear_victim(name: str) -> None:
    check_digital(ATTACKS[name], linear_victim())


def test_every_attack_is_tried() -> None:
    exported = [getattr(physadv.attacks.digital, n) for n in physadv.attacks.digital.__all__]
    kinds = {one for one in exported if isinstance(one, type) and _told(_settings(one))}
    assert kinds == {type(one) for one in ATTACKS.values()}


def _settings(thing: type) -> Any:
    return settings_of(thing) if hasattr(thing, "__dataclass_fields__") else {}


def _told(settings: Any) -> bool:
    return bool(settings) and all("about" in one.metadata for one in settings.values())


def test_every_setting_says_what_it_is() -> None:
    for attack in {type(one) for one in ATTACKS.values()}:
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
