"""Our attacks inside ART's metrics, universal perturbation, AutoAttack and trainers; from JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import AutoAttack, UniversalPerturbation
from art.defences.trainer import AdversarialTrainer, AdversarialTrainerAWPPyTorch
from art.metrics import adversarial_accuracy, empirical_robustness
from art.metrics.metrics import SUPPORTED_METHODS
from physadv_art import (
    PGD,
    PhysicalClassifier,
    VictimClassifier,
    build,
    from_victim,
    register,
    registered,
    unregister,
)
from physadv_art.registration import ATTACKS

from physadv.core import UserError
from tests.plugins.cast import accuracy, data, estimator, one_hot, victim
from tests.plugins.test_art_attacks import ARGUMENTS, QUICK, made

KINDS = list(QUICK)
NAMES = {kind: name for name, kind in ATTACKS.items()}
PARAMS = {kind: dict(QUICK[kind]) for kind in KINDS}


def learner() -> VictimClassifier:
    known = victim()
    return from_victim(known, optimizer=torch.optim.SGD(known.module.parameters(), lr=0.02))


def shorter(kind: Any, on: Any) -> Any:
    """Make an attack of three steps, if it has any."""
    return made(kind, on, **({"max_iter": 3} if "max_iter" in ARGUMENTS[kind] else {}))


def test_every_attack_can_be_registered() -> None:
    assert set(ATTACKS.values()) == set(KINDS)


def test_registration_is_explicit_and_reversible() -> None:
    assert sorted(SUPPORTED_METHODS) == ["auto", "fgsm", "hsj"], "nothing happens at import"
    before = dict(SUPPORTED_METHODS), dict(UniversalPerturbation.attacks_dict)
    with registered():
        assert ATTACKS.keys() <= SUPPORTED_METHODS.keys()
        assert ATTACKS.keys() <= UniversalPerturbation.attacks_dict.keys()
    assert before == (SUPPORTED_METHODS, UniversalPerturbation.attacks_dict)
    register()
    register()
    with registered():
        pass
    assert ATTACKS.keys() <= SUPPORTED_METHODS.keys()
    unregister()
    unregister()
    assert before == (SUPPORTED_METHODS, UniversalPerturbation.attacks_dict)


@pytest.mark.parametrize("kind", KINDS)
def test_adversarial_accuracy(kind: Any) -> None:
    on = estimator()
    x, labels = data(on)
    by_hand = adversarial_accuracy(on, x, one_hot(labels), attack_crafter=made(kind, on))
    assert by_hand <= 0.75
    with registered():
        named = adversarial_accuracy(on, x, attack_name=NAMES[kind], attack_params=PARAMS[kind])
    assert 0 <= named <= 0.75


@pytest.mark.parametrize("kind", KINDS)
def test_empirical_robustness(kind: Any) -> None:
    on = estimator()
    x, _ = data(on)
    with registered():
        found = empirical_robustness(on, x, NAMES[kind], PARAMS[kind])
    assert 0 < found < 2
    if kind is PGD:
        assert found <= 0.2 / 0.4


@pytest.mark.parametrize("kind", KINDS)
def test_universal_perturbation(kind: Any) -> None:
    on = estimator()
    x, labels = data(on, 6)
    with registered():
        attack = UniversalPerturbation(
            on, NAMES[kind], PARAMS[kind], max_iter=2, eps=0.3, verbose=False
        )
        attacked = attack.generate(x, one_hot(labels))
    assert attacked.shape == x.shape
    assert 0 < np.abs(attacked - x).max() <= 0.3 + 1e-5
    assert attack.fooling_rate is not None
    with pytest.raises(NotImplementedError):
        UniversalPerturbation(on, NAMES[kind], verbose=False).generate(x)


@pytest.mark.parametrize("kind", KINDS)
def test_auto_attack(kind: Any) -> None:
    on = estimator()
    x, labels = data(on)
    attack = made(kind, on)
    eps = 0.21 if kind is PGD else 1.0
    together = AutoAttack(on, eps=eps, eps_step=0.05, attacks=[attack], targeted=kind is PGD)
    attacked = together.generate(x, one_hot(labels))
    assert accuracy(on, attacked, labels) <= accuracy(on, x, labels) - 0.25
    assert kind.__name__ in repr(together)


@pytest.mark.parametrize("kind", KINDS)
def test_adversarial_trainer(kind: Any) -> None:
    on = learner()
    x, labels = data(on, 16)
    trainer = AdversarialTrainer(on, shorter(kind, on), ratio=0.5)
    trainer.fit(x, one_hot(labels), batch_size=8, nb_epochs=1)
    assert trainer.predict(x).shape == (16, 4)


@pytest.mark.parametrize("mode", ["PGD", "TRADES"])
@pytest.mark.parametrize("kind", KINDS)
def test_adversarial_trainer_awp(kind: Any, mode: str) -> None:
    on, proxy = learner(), learner()
    x, labels = data(on, 16)
    before = [w.detach().clone() for w in on.model.parameters()]
    trainer = AdversarialTrainerAWPPyTorch(
        on, proxy, shorter(kind, on), mode=mode, gamma=0.01, beta=6.0, warmup=0
    )
    trainer.fit(x, one_hot(labels), batch_size=8, nb_epochs=1)
    assert any(not torch.equal(a, b) for a, b in zip(before, on.model.parameters(), strict=True))


def test_a_security_curve_by_hand() -> None:
    """Accuracy falls as the budget grows, and is the clean one at none."""
    on = estimator()
    x, labels = data(on, 16)
    attack, curve = PGD(on, max_iter=8, verbose=False), []
    for eps in (0.0, 0.05, 0.1, 0.2):
        attack.set_params(eps=eps)
        curve.append(accuracy(on, attack.generate(x, labels), labels))
    assert curve[0] == accuracy(on, x, labels)
    assert curve == sorted(curve, reverse=True)
    assert curve[-1] < 0.5


def test_estimators_and_attacks_from_json(tmp_path: Path) -> None:
    inner = {
        "module": "physadv_art.estimators",
        "name": "from_victim",
        "kwargs": {"victim": "bundled", "clip_values": [0.0, 255.0], "channels_first": False},
    }
    outer = {
        "module": "physadv_art.estimators",
        "name": "PhysicalClassifier",
        "kwargs": {"classifier": inner, "camera": "street", "samples": 2},
    }
    on = build(outer)
    assert isinstance(on, PhysicalClassifier)
    assert on.input_shape == (48, 48, 3)
    path = tmp_path / "attack.json"
    config = {
        "module": "physadv_art.attacks",
        "name": "PGD",
        "kwargs": {"eps": 8.0, "max_iter": 2, "verbose": False},
        "knowledge": "white",
        "use_label": True,
    }
    path.write_text(json.dumps(config))
    attack = build(path, on)
    assert isinstance(attack, PGD)
    assert attack.eps == 8.0
    theirs = {"module": "art.attacks.evasion", "name": "FastGradientMethod", "kwargs": {"eps": 8}}
    assert build(theirs, estimator()).eps == 8


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"module": "os", "name": "system"}, "config module: expected a module of physadv_art"),
        ({"module": "physadv_art.nothing", "name": "PGD"}, "config module: expected"),
        ({"module": "physadv_art", "name": "PGDD"}, "did you mean 'PGD'"),
        ({"module": "physadv_art"}, "config name: expected a text, got None"),
        ({"modul": "physadv_art", "name": "PGD"}, "config: expected the keys module, name"),
        ({"module": "physadv_art", "name": "PGD", "kwargs": {"epss": 1}}, "config kwargs: exp"),
        ({"module": "physadv_art", "name": "PGD", "kwargs": {"eps": -1}}, "PGD eps: expected"),
    ],
)
def test_configurations_that_are_none(config: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build(config, estimator())


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="config: expected a JSON file"):
        build(tmp_path / "none.json")
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(UserError, match="config: expected a JSON object"):
        build(tmp_path / "list.json")
