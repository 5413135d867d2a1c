"""The contract of plugins: named attacks of a framework as digital attacks of ours."""

import tomllib
from importlib.metadata import EntryPoint
from typing import Any

import pytest
import torch

from physadv.attacks.digital import Rows, size
from physadv.core import Encoded, UserError, generator
from physadv.objectives import as_labelled, cross_entropy, targeted, untargeted
from physadv.testing import ContractError, check_plugin
from tests.plugins.cast import CLASSES, blobs, victim
from tests.shared_data import ROOT
from tests.victims import linear_victim

POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
PLUGINS = {
    name: EntryPoint(name, value, "physadv.plugins").load()
    for name, value in POINTS["physadv.plugins"].items()
}
TRIED: dict[str, list[tuple[str, dict[str, object]]]] = {
    "art": [
        ("FastGradientMethod", {"eps": 0.2}),
        ("ProjectedGradientDescent", {"eps": 0.2, "max_iter": 5}),
        ("HopSkipJump", {"max_iter": 1, "max_eval": 10, "init_eval": 5, "init_size": 20}),
        ("BoundaryAttack", {"max_iter": 2, "num_trial": 5, "sample_size": 3, "init_size": 20}),
        ("SimBA", {"max_iter": 30, "attack": "px"}),
        ("ShadowAttack", {"nb_steps": 2}),
    ],
    "foolbox": [
        ("LinfPGD", {"epsilon": 0.2, "steps": 40}),
        ("L2DeepFoolAttack", {}),
        ("LinfFastGradientAttack", {"epsilon": 0.2}),
    ],
    "torchattacks": [("PGD", {"eps": 0.2, "steps": 8, "alpha": 0.05}), ("FGSM", {"eps": 0.2})],
}
UNSEEDED = {"HopSkipJump", "BoundaryAttack"}
"""ART lets these draw from a generator of their own that takes no seed."""
CASES = [(plugin, name) for plugin, rows in TRIED.items() for name, _ in rows]


def settings(plugin: str, name: str) -> dict[str, Any]:
    return dict(dict(TRIED[plugin])[name])


@pytest.mark.parametrize(("plugin", "name"), CASES)
def test_an_attack_of_theirs_on_a_victim_of_ours(plugin: str, name: str) -> None:
    seeded = name not in UNSEEDED
    check_plugin(PLUGINS[plugin], victim(), name, settings(plugin, name), seeded=seeded)


class Wrong:
    """A plugin that takes whatever it is given."""

    about = "one line"

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def attacks(self) -> list[str]:
        return self.names

    def attack(self, name: str, settings: Any) -> Any:
        return PLUGINS["torchattacks"].attack("FGSM", {})


def test_the_contract_catches() -> None:
    with pytest.raises(ContractError, match="names are sorted"):
        check_plugin(Wrong(["b", "a"]), victim(), "a", {})
    with pytest.raises(ContractError, match="unknown attacks are refused"):
        check_plugin(Wrong(["a"]), victim(), "a", {})


@pytest.mark.parametrize(
    ("plugin", "name"), [case for case in CASES if "PGD" in case[1] or "Projected" in case[1]]
)
def test_gradient_attacks_reach_their_goals(plugin: str, name: str) -> None:
    known, (images, labels) = victim(), blobs(8, 2)
    targets = (labels + 1) % CLASSES
    attack = PLUGINS[plugin].attack(name, settings(plugin, name))
    away = attack(known, Encoded(images), untargeted(cross_entropy), rows=Rows(labels=labels))
    towards = attack(known, Encoded(images), as_labelled(cross_entropy), rows=Rows(labels=targets))
    with torch.no_grad():
        assert int((known(away).best != labels).sum()) >= 6
        assert int((known(towards).best == targets).sum()) >= 6
    assert float((away - images).abs().max()) <= 0.2 + 1e-5


@pytest.mark.parametrize("plugin", PLUGINS)
def test_what_does_not_fit_is_refused(plugin: str) -> None:
    there = PLUGINS[plugin]
    assert isinstance(there.about, str)
    assert len(there.attacks()) > 20
    assert list(there.attacks()) == sorted(there.attacks())
    with pytest.raises(UserError, match="attack: expected one of"):
        there.attack("Nothing", {})
    name = TRIED[plugin][0][0]
    with pytest.raises(UserError, match="--set: expected one of"):
        there.attack(name, {"nothing": 1})
    known, images = victim(), Encoded(blobs(2, 1)[0])
    rows = Rows(labels=torch.zeros(2, dtype=torch.long))
    with pytest.raises(UserError, match="objective: expected as_labelled or untargeted"):
        there.attack(name, {})(known, images, targeted(1), rows=rows)
    black = linear_victim(4, (16, 16))
    black.differentiable = False
    with pytest.raises(UserError, match="a black box"):
        there.attack(name, {})(black, images, untargeted(), rows=rows)


def test_reasons_why_arts_attacks_cannot_run() -> None:
    with pytest.raises(UserError, match=r"GeoDA; ART 1\.20\.1 calls numpy\.mat"):
        PLUGINS["art"].attack("GeoDA", {})
    attack = PLUGINS["art"].attack("DeepFool", {})
    rows = Rows(labels=torch.zeros(2, dtype=torch.long))
    with pytest.raises(UserError, match="DeepFool, which is untargeted; leave --target out"):
        attack(victim(), Encoded(blobs(2, 1)[0]), as_labelled(), rows=rows)
    broken = PLUGINS["art"].attack("FastGradientMethod", {"eps": "wide"})
    with pytest.raises(UserError, match="expected art:FastGradientMethod to run, got TypeError"):
        broken(victim(), Encoded(blobs(2, 1)[0]), untargeted(), rows=rows)


def test_deep_fool_of_art_finds_the_nearest_boundary_among_many_classes() -> None:
    """Of its default ten classes it would take the scores of others, and move hardly at all."""
    known = linear_victim(classes=15, seed=3)
    images = Encoded(0.4 + 0.2 * torch.rand(6, 3, 8, 8, generator=generator(1)))
    labels = known(images).best
    attack = PLUGINS["art"].attack("DeepFool", {"epsilon": 1e-3})
    made = attack(known.classifier(), images, untargeted(), rows=Rows(labels=labels))
    weight, scores = known.weight.flatten(1), known(images).scores
    gap = scores.gather(1, labels[:, None]) - scores
    apart = (weight[labels][:, None] - weight[None]).norm(dim=2)
    nearest = (gap / apart).scatter(1, labels[:, None], torch.inf).amin(dim=1)
    assert (known(made).best != labels).all()
    assert torch.allclose(size(made - images, 2.0), nearest, rtol=0.01)
