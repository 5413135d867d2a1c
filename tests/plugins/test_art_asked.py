"""Our attacks that only ask on ART's classifiers that only predict, and on rows of tables."""

from typing import Any

import numpy as np
import pytest
from art.attacks.evasion import HopSkipJump
from art.estimators.classification import BlackBoxClassifier, SklearnClassifier
from art.exceptions import EstimatorError
from physadv_art import (
    PGD,
    AdvGAN,
    EstimatedPGD,
    EvadeHC,
    GenAttack,
    Transfer,
    as_victim,
    from_victim,
)
from physadv_art.frame import Array
from sklearn.linear_model import LogisticRegression

from physadv.attacks import digital
from physadv.victims import BudgetError, Prepare, Remote
from tests.plugins.cast import CLASSES, SIDE, accuracy, blobs, data, estimator, victim
from tests.plugins.test_art_attacks import ASKED, QUICK, made
from tests.server import LABELS, serving

NEEDS = [*ASKED, AdvGAN]


def closed(labels: bool = False) -> Any:
    """Return the recogniser as a function, channels last in [0,255]; `asked` counts images."""
    inner = estimator(clip_values=(0, 255), channels_first=False)

    def predict(x: Array) -> Array:
        box.asked += len(x)
        scores = np.asarray(inner.predict(x))
        return np.eye(CLASSES, dtype=np.float32)[scores.argmax(axis=1)] if labels else scores

    box = BlackBoxClassifier(predict, (SIDE, SIDE, 3), CLASSES, clip_values=(0, 255))
    box.asked = 0
    return box


def arrays(n: int = 6) -> tuple[Array, Array]:
    return data(estimator(clip_values=(0, 255), channels_first=False), n)


def settings(kind: Any) -> dict[str, Any]:
    return {"distil": "static", "distil_steps": 60} if kind is AdvGAN else {}


@pytest.mark.parametrize("kind", NEEDS)
def test_a_classifier_that_only_predicts_is_enough(kind: Any) -> None:
    on, (x, labels) = closed(), arrays()
    attack = made(kind, on, **settings(kind))
    attacked = attack.generate(x, labels)
    asked = on.asked
    assert attack.asked == asked
    assert (asked == 0) == (kind is Transfer)
    assert asked <= 6 * 150
    assert attacked.shape == x.shape
    assert attacked.dtype == np.float32
    wrong = int((on.predict(np.round(attacked)).argmax(axis=1) != labels).sum())
    assert wrong >= 2
    assert attack.result.success.hits == wrong
    assert np.array_equal(attacked, made(kind, closed(), **settings(kind)).generate(x, labels))


def test_the_class_read_is_enough_for_one_and_gradients_are_asked_of_none() -> None:
    on, (x, labels) = closed(labels=True), arrays(4)
    attack = made(EvadeHC, on)
    attacked = attack.generate(x, labels)
    assert accuracy(on, attacked, labels) <= 0.5
    with pytest.raises(EstimatorError):
        PGD(on)
    with pytest.raises(ValueError, match="distil: expected static or dynamic for an estimator"):
        AdvGAN(on)


def test_a_defence_at_the_end_is_part_of_what_is_asked() -> None:
    """`predict` alone is asked, of an estimator with gradients too: they are not looked at."""
    on: Any = estimator()
    x, labels = data(on, 4)
    seen = []
    whole = on.predict

    def predict(images: Array, **kwargs: Any) -> Array:
        seen.append(len(images))
        return np.asarray(whole(images, **kwargs))

    on.predict = predict
    attack = made(GenAttack, on)
    attack.generate(x, labels)
    assert sum(seen) == attack.asked > 4


@pytest.mark.parametrize("kind", [EstimatedPGD, GenAttack, EvadeHC])
def test_rows_of_a_table_and_images_of_scikit_learn(kind: Any) -> None:
    images, labels = blobs(256, 1)
    rows, y = images.flatten(1).numpy(), labels.numpy()
    fitted = LogisticRegression(max_iter=200).fit(rows, y)
    on = SklearnClassifier(fitted, clip_values=(0.0, 1.0))
    x, truth = rows[:5], y[:5]
    mask = np.ones(x.shape, dtype=bool)
    mask[:, ::7] = False
    more: dict[str, Any] = {"detail": 24} if kind is GenAttack else {}
    attacked = made(kind, on, eps=0.5, queries=300, **more).generate(x, truth, mask=mask)
    assert attacked.shape == x.shape
    assert np.array_equal(attacked[~mask], x[~mask])
    assert (on.predict(attacked).argmax(axis=1) != truth).any()
    whole = images[:5].numpy()
    again = made(kind, on, eps=0.5).generate(whole, truth)
    assert again.shape == whole.shape
    assert (on.predict(again.reshape(5, -1)).argmax(axis=1) != truth).any()
    few = SklearnClassifier(LogisticRegression().fit(rows[:, :4], y), clip_values=(0.0, 1.0))
    assert made(kind, few).generate(rows[:3, :4]).shape == (3, 4), "as many columns as channels"
    with pytest.raises(ValueError, match=r"x: expected a batch, 2 dimensions, got shape \(5, "):
        made(kind, on).generate(whole[:, 0])


def test_a_least_change_asks_about_no_more_than_it_may() -> None:
    on, (x, labels) = closed(), arrays(3)
    attack = made(GenAttack, on, minimal=True, queries=20)
    attack.generate(x, labels)
    assert attack.asked <= 3 * (10 * 20 + 9)


@pytest.mark.parametrize(
    "substitute", [lambda: estimator(clip_values=(-1.0, 1.0), channels_first=False), victim]
)
def test_what_images_are_made_on(substitute: Any) -> None:
    """As images of PGD on the substitute: a step is in the units of whoever it is made on."""
    on, (x, labels) = closed(), arrays(3)
    known = substitute()
    attack = Transfer(on, known, digital.PGD(eps=0.1, steps=3), verbose=False)
    attacked = attack.generate(x, labels)
    assert 0 < np.abs(attacked - x).max() <= 25.5 + 1e-3
    if known is not None and not hasattr(known, "module"):
        same = Transfer(on, known, PGD(known, eps=0.2, max_iter=3, verbose=False), verbose=False)
        assert np.array_equal(same.generate(x, labels), attacked)
        attack.set_params(attack=digital.PGD(eps=0.0, steps=1))
        assert np.array_equal(attack.generate(x, labels), x)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "substitute: expected a classifier with gradients, got None"),
        ({"substitute": "nowhere"}, "substitute: expected a folder or file made by physadv train"),
    ],
)
def test_what_is_no_substitute_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Transfer(closed(), **values).generate(arrays(2)[0])
    other = from_victim("bundled")
    with pytest.raises(ValueError, match="substitute: expected the 4 labels"):
        Transfer(closed(), other, verbose=False).generate(arrays(2)[0])


def test_where_a_servers_budget_ends_what_was_found_is_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    grey = np.full((1, 3, 8, 8), 0.4, dtype=np.float32)
    grey[:, 0] += 0.2
    with serving() as server:
        remote = Remote(server.url, LABELS, Prepare(8), budget=30)
        on = from_victim(remote)
        attack = GenAttack(on, eps=0.01, queries=100, verbose=False)
        attacked = attack.generate(grey, np.array([0]))
        assert server.images == remote.queries == 30
        assert 0 < np.abs(attacked - grey).max() <= 0.01 + 0.5 / 255
        with pytest.raises(BudgetError):
            HopSkipJump(on, max_iter=1, verbose=False).generate(1 - grey)


def test_none_but_those_that_ask_are_here() -> None:
    kinds = {kind for kind in QUICK if kind.settings.about.needs != "gradients"}
    assert kinds == set(ASKED)
    assert as_victim(closed()).differentiable is False
