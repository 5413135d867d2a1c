"""Which of ART's evasion attacks run on which adapter: tried, and kept in docs/art.md."""

import inspect
import re
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import art.attacks.evasion as evasion
import numpy as np
import pytest
from art.attacks import EvasionAttack
from art.exceptions import EstimatorError
from physadv_art import from_victim
from physadv_art.limits import BLACK_BOX, NOTES, PROBABILITIES, SINGLE, UNFIT, fitting

from physadv.victims import Classifier, Ensemble, Prepare, onnx_classifier
from tests.onnx_files import write
from tests.plugins.cast import SIDE, data, estimator, one_hot
from tests.plugins.test_art_estimators import physical
from tests.shared_data import ROOT
from tests.victims import linear_victim

ONCE = {"max_iter": 1, "nb_random_init": 1}
SETTINGS: dict[str, dict[str, Any]] = {
    "AutoAttack": {"eps": 0.3},
    "AutoConjugateGradient": ONCE,
    "AutoProjectedGradientDescent": ONCE,
    "BasicIterativeMethod": {"max_iter": 2},
    "BoundaryAttack": {
        "max_iter": 2,
        "targeted": False,
        "num_trial": 5,
        "sample_size": 3,
        "init_size": 20,
    },
    "CarliniL0Method": {"max_iter": 1, "binary_search_steps": 1},
    "CarliniL2Method": {"max_iter": 2, "binary_search_steps": 1},
    "CarliniLInfMethod": {"max_iter": 1},
    "CompositeAdversarialAttackPyTorch": {"enabled_attack": (3, 5), "attack_order": "random"},
    "DeepFool": {"max_iter": 2},
    "ElasticNet": {"max_iter": 2, "binary_search_steps": 1},
    "HopSkipJump": {"max_iter": 1, "max_eval": 10, "init_eval": 5, "init_size": 20},
    "MomentumIterativeMethod": {"max_iter": 2},
    "NewtonFool": {"max_iter": 2},
    "PixelAttack": {"th": 1, "max_iter": 1},
    "ProjectedGradientDescent": {"max_iter": 2},
    "ProjectedGradientDescentNumpy": {"max_iter": 2},
    "ProjectedGradientDescentPyTorch": {"max_iter": 2},
    "RescalingAutoConjugateGradient": ONCE,
    "SaliencyMapMethod": {"theta": 0.5, "gamma": 0.01},
    "ShadowAttack": {"nb_steps": 2},
    "SignOPTAttack": {"targeted": False, "max_iter": 1, "num_trial": 3, "query_limit": 60, "k": 2},
    "SimBA": {"max_iter": 5, "attack": "px"},
    "SpatialTransformation": {"max_rotation": 20, "num_rotations": 2},
    "SquareAttack": {"max_iter": 2},
    "TargetedUniversalPerturbation": {
        "max_iter": 1,
        "eps": 0.3,
        "attacker_params": {"targeted": True},
    },
    "ThresholdAttack": {"th": 20, "es": 1, "max_iter": 1},
    "UniversalPerturbation": {"max_iter": 1, "eps": 0.3, "attacker": "fgsm"},
    "VirtualAdversarialMethod": {"max_iter": 1},
    "Wasserstein": {
        "max_iter": 1,
        "conjugate_sinkhorn_max_iter": 3,
        "projected_sinkhorn_max_iter": 3,
        "regularization": 50.0,
    },
    "ZooAttack": {"max_iter": 1, "nb_parallel": 4, "use_resize": False, "use_importance": False},
}
SLOW = {
    *("VirtualAdversarialMethod", "ThresholdAttack", "CarliniL0Method", "CarliniLInfMethod"),
    *("AutoAttack", "CompositeAdversarialAttackPyTorch", "SignOPTAttack"),
}
"""These are tried on one adapter with gradients alone."""


@lru_cache
def onnx_victim() -> Classifier:
    """Return a small ONNX file that onnx2torch converts."""
    with TemporaryDirectory() as folder:
        file = write(Path(folder) / "net.onnx")
        return onnx_classifier(file, list("abcd"), Prepare(SIDE), output="scores")


def closed(**kwargs: Any) -> Any:
    """Return a black box of linear scores, as ART has it."""
    victim = linear_victim(4, (SIDE, SIDE))
    victim.differentiable = False
    return from_victim(victim, **kwargs)


def ensemble(**kwargs: Any) -> Any:
    """Return two linear victims as one."""
    members = [linear_victim(4, (SIDE, SIDE), seed) for seed in (1, 2)]
    return from_victim(Ensemble(members), **kwargs)


ADAPTERS: dict[str, Any] = {
    "VictimClassifier": estimator,
    "PhysicalClassifier": lambda **_: physical("lab"),
    "another victim": lambda **kw: from_victim(linear_victim(4, (SIDE, SIDE)), **kw),
    "ONNX": lambda **kw: from_victim(onnx_victim(), **kw),
    "ensemble": ensemble,
    "black box": closed,
}


def test_every_attack_of_arts_is_in_the_table() -> None:
    theirs = {
        name
        for name, thing in vars(evasion).items()
        if inspect.isclass(thing) and issubclass(thing, EvasionAttack)
    }
    assert theirs == UNFIT.keys() | set(fitting())
    assert not UNFIT.keys() & set(fitting())
    assert NOTES.keys() <= set(fitting())


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("name", fitting())
def test_attacks_run(name: str, adapter: str) -> None:
    if adapter == "black box" and name not in BLACK_BOX:
        pytest.skip("needs gradients")
    if name in PROBABILITIES and adapter == "PhysicalClassifier":
        pytest.skip("asks for probabilities")
    on = ADAPTERS[adapter](**({"probabilities": True} if name in PROBABILITIES else {}))
    x, labels = data(on, 1 if name in SINGLE or name in SLOW else 2)
    settings = dict(SETTINGS.get(name, {}))
    if "verbose" in inspect.signature(getattr(evasion, name)).parameters:
        settings["verbose"] = False
    attack = getattr(evasion, name)(on, **settings)
    attacked = np.asarray(attack.generate(x.copy(), one_hot(labels)))
    assert attacked.shape == x.shape
    assert np.isfinite(attacked).all()
    assert attacked.min() >= -1e-6
    assert attacked.max() <= 1 + 1e-6


@pytest.mark.parametrize("name", sorted(set(fitting()) - BLACK_BOX))
def test_the_others_need_gradients(name: str) -> None:
    """ART says so, but for two of them, which fail later."""
    late = {"AutoAttack": ValueError, "ProjectedGradientDescentPyTorch": AttributeError}
    on, settings = closed(), SETTINGS.get(name, {})
    x, labels = data(on, 1)
    with pytest.raises(late.get(name, EstimatorError)):
        getattr(evasion, name)(on, **settings).generate(x, one_hot(labels))


def test_geoda_still_needs_what_numpy_has_removed() -> None:
    """When this fails, ART has been mended and `UNFIT` is out of date."""
    on = estimator()
    x, labels = data(on, 2)
    with pytest.raises(AttributeError, match=r"np\.mat"):
        evasion.GeoDA(on, max_iter=400, verbose=False).generate(x, one_hot(labels))


def table() -> str:
    """Return the table of docs/art.md."""
    rows = ["| attack of ART | our adapters | black boxes | what to know |", "|---|---|---|---|"]
    rows += [
        f"| {name} | runs | {'runs' if name in BLACK_BOX else 'no'} | {NOTES.get(name, '')} |"
        for name in fitting()
    ]
    rows += [f"| {name} | no | no | {reason} |" for name, reason in sorted(UNFIT.items())]
    return "\n".join(rows)


def test_the_table_of_the_docs_is_this_one() -> None:
    page = (ROOT / "docs" / "art.md").read_text(encoding="utf-8")
    found = re.search(r"^\| attack of ART .*?(?=\n\n|\Z)", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    assert found[0].strip() == table(), "write it anew: python -m tests.plugins.test_art_matrix"


if __name__ == "__main__":
    print(table())
