"""Classifiers of scikit-learn keep the victims' contract and say what the library says."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.svm import SVC, LinearSVC

from physadv.attacks.digital import PGD, Rows
from physadv.attacks.digital.substitute import SubstituteRecipe, Transfer, train_substitute
from physadv.core import Encoded, UserError, generator
from physadv.evaluation import judge_transfer
from physadv.objectives import cross_entropy, untargeted
from physadv.testing import check_victim
from physadv.victims import Classifier, hog, pixels, scikit_classifier

SIDE, LABELS = 16, ("red", "green", "blue")
BLACK = {
    "svm": SVC(),
    "svm, linear kernel": SVC(kernel="linear"),
    "forest": RandomForestClassifier(30, random_state=0),
    "neighbours": KNeighborsClassifier(3),
    "centroids": NearestCentroid(),
}
LINEAR = {
    "logistic": LogisticRegression(),
    "linear svm": LinearSVC(random_state=0),
    "perceptron": Perceptron(random_state=0),
}


def tinted(n: int, classes: int, seed: int = 0) -> tuple[Encoded, NDArray[Any]]:
    """Draw images (n,3,h,w) with one stronger channel, and its number."""
    rng = generator(seed)
    images = 0.6 * torch.rand(n, 3, SIDE, SIDE, generator=rng)
    numbers = torch.arange(n) % classes
    images[torch.arange(n), numbers] += 0.15
    return Encoded(images), numbers.numpy()


def arrays(images: Encoded) -> NDArray[Any]:
    return images.double().permute(0, 2, 3, 1).numpy()


def victim(model: Any, classes: int = 3, features: Any = pixels, *, fitted: int = 30) -> Classifier:
    images, numbers = tinted(fitted, classes)
    model.fit(features(arrays(images)), numbers)
    labels = LABELS[:classes]
    return scikit_classifier(model, labels, size_px=SIDE, features=features)


@pytest.mark.parametrize("name", [*BLACK, *LINEAR])
def test_the_contract_of_victims(name: str) -> None:
    made = victim((BLACK | LINEAR)[name])
    check_victim(made)
    assert made.differentiable is (name in LINEAR)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", [*BLACK, *LINEAR])
def test_it_names_the_class_that_the_library_names(name: str, classes: int) -> None:
    model = (BLACK | LINEAR)[name]
    made, (images, _) = victim(model, classes), tinted(20, classes, seed=5)
    images = Encoded((images + 0.2 * torch.rand(images.shape, generator=generator(9))).clamp(0, 1))
    assert made(images).best.tolist() == model.predict(pixels(arrays(images))).tolist()


def test_probabilities_come_as_logarithms() -> None:
    model = KNeighborsClassifier(3)
    made, (images, _) = victim(model), tinted(10, 3, seed=1)
    wanted = np.maximum(model.predict_proba(pixels(arrays(images))), 1e-9)
    assert np.allclose(made(images).scores.exp().numpy(), wanted, rtol=1e-5)


@pytest.mark.parametrize("name", ["logistic", "linear svm"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_gradient_of_a_linear_one_is_its_weights(name: str, classes: int) -> None:
    model = LINEAR[name]
    made, (images, _) = victim(model, classes), tinted(4, classes, seed=1)
    point = images.clone().requires_grad_()
    scores = made(Encoded(point)).scores
    decided = model.decision_function(pixels(arrays(images)))
    rise = (scores[:, 1] - scores[:, 0]).detach().numpy()
    wanted = decided[:, 1] - decided[:, 0] if classes > 2 else 2 * decided
    assert np.allclose(rise, wanted, atol=1e-4)
    (slope,) = torch.autograd.grad(scores[:, 1].sum(), point)
    weight = model.coef_[1] if classes > 2 else model.coef_[0]
    expected = torch.from_numpy(weight).reshape(SIDE, SIDE, 3).permute(2, 0, 1).float()
    assert torch.allclose(slope, expected.expand_as(slope), atol=1e-6)


def test_one_against_one_weights_are_not_taken_for_class_weights() -> None:
    """Three classes have three pairs: the shapes agree, the meaning does not."""
    model = SVC(kernel="linear")
    made = victim(model)
    assert model.coef_.shape == (3, 3 * SIDE * SIDE)
    assert not made.differentiable


def test_classes_are_found_by_name_and_absent_ones_are_never_said() -> None:
    images, numbers = tinted(30, 2)
    named = np.array(["blue", "red"])[numbers]
    model = RandomForestClassifier(8, random_state=0).fit(pixels(arrays(images)), named)
    made = scikit_classifier(model, LABELS, size_px=SIDE)
    scores = made(images).scores
    assert {LABELS[k] for k in made(images).best.tolist()} == {"red", "blue"}
    assert bool((scores[:, 1] < scores[:, [0, 2]].amin(dim=1)).all())


def test_histograms_of_gradients_do_not_change_with_brightness() -> None:
    images, _ = tinted(2, 3)
    assert hog(arrays(images)).shape == (2, 36)
    assert np.allclose(hog(arrays(images)), hog(arrays(images) * 0.5 + 0.2), atol=1e-2)
    check_victim(victim(KNeighborsClassifier(1), features=hog))


def test_models_are_told_apart_and_the_same_are_the_same() -> None:
    one, other = victim(KNeighborsClassifier(1)), victim(KNeighborsClassifier(5))
    assert one.digest() == victim(KNeighborsClassifier(1)).digest() != other.digest()
    assert one.queries == 0


@pytest.mark.parametrize("name", ["svm", "forest", "neighbours"])
def test_what_is_made_on_a_substitute_fools_what_has_no_gradient(name: str) -> None:
    made, (own, _) = victim(BLACK[name], fitted=240), tinted(40, 3, seed=2)
    recipe = SubstituteRecipe(160, network="linear", side_px=SIDE, learning_rate=0.005)
    substitute = train_substitute(made, own, recipe).substitute
    assert made.queries == 160
    images, numbers = tinted(30, 3, seed=3)
    labels, goal = torch.from_numpy(numbers), untargeted(cross_entropy)
    attack = Transfer(substitute, PGD(eps=0.12, steps=5))
    moved = attack(made, images, goal, rows=Rows(labels=labels))
    signs = torch.randint(2, images.shape, generator=generator(0)) * 2 - 1
    noisy = Encoded((images + 0.12 * signs).clamp(0, 1))
    found = judge_transfer({"transfer": moved, "noise": noisy}, [made], images, labels)
    ((transfer,), (noise,)) = found.success
    assert transfer is not None and noise is not None
    assert found.read[0].hits >= 24
    assert transfer.low > noise.high


@pytest.mark.parametrize(
    ("model", "size", "message"),
    [
        (SVC(), SIDE, "model: expected a fitted classifier"),
        (None, 8, "model: expected a model that takes these features.*check size_px"),
    ],
)
def test_what_does_not_fit_is_refused(model: Any, size: int, message: str) -> None:
    images, numbers = tinted(6, 3)
    given = model or KNeighborsClassifier(1).fit(pixels(arrays(images)), numbers)
    with pytest.raises(UserError, match=message):
        scikit_classifier(given, LABELS, size_px=size)


def test_labels_that_miss_a_class_are_refused() -> None:
    images, numbers = tinted(6, 3)
    model = KNeighborsClassifier(1).fit(pixels(arrays(images)), numbers)
    with pytest.raises(UserError, match="label: expected a class from 0 to 1"):
        scikit_classifier(model, LABELS[:2], size_px=SIDE)
