"""Victims without gradients as ART's black boxes: remote, ONNX that is only asked, ensembles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import HopSkipJump, ProjectedGradientDescent
from art.defences.postprocessor import ReverseSigmoid
from art.estimators.classification import BlackBoxClassifierNeuralNetwork
from art.exceptions import EstimatorError
from physadv_art import BlackBoxVictim, PhysicalClassifier, from_victim
from physadv_art.plugin import plugin

from physadv.attacks.digital import Rows
from physadv.core import Encoded, UserError, generator
from physadv.objectives import untargeted
from physadv.victims import BudgetError, Ensemble, Prepare, Remote, Wire, onnx_classifier
from tests.onnx_files import write
from tests.server import LABELS, serving
from tests.victims import closed_victim, linear_victim

SIZE = (12, 16)
HOP = {"max_iter": 2, "max_eval": 30, "init_eval": 10, "init_size": 50, "verbose": False}


def unknown_onnx(folder: Path) -> Any:
    file = write(folder / "net.onnx", extra="MeanVarianceNormalization", shape=(1, 3, "H", "W"))
    return onnx_classifier(file, list("abcd"), Prepare(SIZE), output="scores")


def closed_linear() -> Any:
    """Return linear scores without gradients; random images are of any class."""
    victim = linear_victim(4, SIZE)
    victim.bias, victim.differentiable = torch.zeros(4), False
    return victim


class Counted:
    """A victim that counts the images it is shown."""

    queries = 0

    def __init__(self, victim: Any) -> None:
        self.victim = victim

    def __getattr__(self, name: str) -> Any:
        return getattr(self.victim, name)

    def __call__(self, images: Encoded) -> Any:
        self.queries += len(images)
        return self.victim(images)


VICTIMS: dict[str, Callable[[Path], Any]] = {
    "network": lambda _: closed_victim(),
    "linear": lambda _: Counted(closed_linear()),
    "onnx": unknown_onnx,
    "ensemble": lambda _: Ensemble([linear_victim(5, SIZE), closed_victim()]),
}


def unit(n: int = 3) -> Encoded:
    return Encoded(torch.rand(n, 3, *SIZE, generator=generator(1)))


@pytest.mark.parametrize(("clip_values", "channels_first"), [((0, 255), False), ((-1, 1), True)])
@pytest.mark.parametrize("kind", VICTIMS)
def test_it_answers_as_the_victim_and_counts(
    kind: str, clip_values: tuple[float, float], channels_first: bool, tmp_path: Path
) -> None:
    victim, images = VICTIMS[kind](tmp_path), unit()
    on = from_victim(victim, clip_values=clip_values, channels_first=channels_first)
    assert isinstance(on, BlackBoxVictim)
    assert isinstance(on, BlackBoxClassifierNeuralNetwork)
    assert on.nb_classes == len(victim.labels)
    assert repr(on).startswith(f"BlackBoxVictim(victim={victim.name}, ")
    for told in (f"nb_classes={on.nb_classes}", "clip_values=[", "preprocessing_defences=None"):
        assert told in repr(on)
    assert on.input_shape == ((3, *SIZE) if channels_first else (*SIZE, 3))
    wide = images.double().numpy() * (clip_values[1] - clip_values[0]) + clip_values[0]
    x = wide if channels_first else wide.transpose(0, 2, 3, 1)
    before = on.queries
    found = on.predict(x, batch_size=2)
    assert found.dtype == np.float32
    assert on.queries == before + 3
    assert np.allclose(found, victim(images).scores.detach(), atol=1e-4)
    likely = from_victim(victim, clip_values=clip_values, probabilities=True)
    assert np.allclose(likely.predict(wide).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", ["linear", "ensemble"])
def test_hop_skip_jump_finds_another_class(kind: str, tmp_path: Path) -> None:
    on, x = from_victim(VICTIMS[kind](tmp_path)), unit(1).numpy()
    attacked = HopSkipJump(on, **HOP).generate(x)
    other = np.random.default_rng(0).random(x.shape)
    assert on.predict(attacked).argmax() != on.predict(x).argmax()
    assert np.linalg.norm(attacked - x) < np.linalg.norm(other - x)
    assert on.queries > 30


def greyish(n: int) -> np.ndarray[Any, Any]:
    """Return noise that is a little more red."""
    noise = np.random.default_rng(0).uniform(0.3, 0.6, (n, 3, 8, 8)).astype(np.float32)
    noise[:, 0] += 0.05
    return noise


def test_labels_of_a_server_are_enough() -> None:
    """The boundary of the toy server is where two colours' means are equal."""
    with serving() as server:
        server.answers = "labels"
        wire = Wire(reply="result.scores", answers="labels")
        remote = Remote(server.url, LABELS, Prepare(8), wire=wire, budget=2000)
        on = from_victim(remote)
        x = greyish(1)
        assert on.predict(x).tolist() == [[1, 0, 0]]
        attacked = HopSkipJump(on, **HOP).generate(x)
        mean = attacked.mean(axis=(2, 3))[0]
        assert mean.argmax() != 0
        assert on.queries == remote.queries == server.images


def test_a_budget_that_is_used_up_says_so_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    with serving() as server:
        wire, cache = Wire(reply="result.scores"), tmp_path / "answers"

        def remote(budget: int) -> Remote:
            return Remote(server.url, LABELS, Prepare(8), wire=wire, budget=budget, cache=cache)

        with pytest.raises(BudgetError, match="budget: expected at most 40 images"):
            HopSkipJump(from_victim(remote(40)), **HOP).generate(greyish(1))
        assert server.images == 40
        again = from_victim(remote(0))
        assert again.predict(greyish(1)).argmax() == 0


def test_our_plugin_runs_decisions_and_refuses_gradients() -> None:
    victim, images = closed_linear(), unit(2)
    rows = Rows(labels=victim(images).best)
    attack = plugin.attack("HopSkipJump", {k: v for k, v in HOP.items() if k != "verbose"})
    found = attack(victim, images, untargeted(), rows=rows)
    assert bool((victim(found).best != rows.labels).all())
    message = (
        "victim: expected gradients, which art:DeepFool needs, got .*black box; take one of art"
    )
    with pytest.raises(UserError, match=message):
        plugin.attack("DeepFool", {})(victim, images, untargeted(), rows=rows)


def test_what_needs_a_network_is_refused() -> None:
    on = from_victim(closed_victim(), postprocessing_defences=ReverseSigmoid())
    assert on.predict(unit().numpy()).shape == (3, 5)
    with pytest.raises(EstimatorError):
        ProjectedGradientDescent(on, verbose=False).generate(unit().numpy())
    with pytest.raises(UserError, match=r"from_victim, black box: expected one of .*'loss'"):
        from_victim(closed_victim(), loss=torch.nn.CrossEntropyLoss())
    with pytest.raises(UserError, match="classifier: expected a PyTorchClassifier"):
        PhysicalClassifier(on, "lab")
    with pytest.raises(UserError, match="victim: expected weights to fit"):
        on.clone_for_refitting()
