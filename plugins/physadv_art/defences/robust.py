"""physadv's trainings that harden, as ART's trainers and as a transformer."""

from typing import Any

import numpy as np
import torch
from art.defences.trainer import Trainer
from art.defences.transformer.transformer import Transformer
from art.utils import check_and_transform_label_format
from tqdm.auto import tqdm

from physadv.core import check
from physadv.training.robust import Method, Schooling, Student, Teacher, teach
from physadv_art.learner import Learner


class RobustTrainer(Trainer):  # type: ignore[misc]  # ART has no types
    """Trains a classifier by a method of `physadv.training.robust`, as `Trades(eps=8 / 255)`.

    Any `PyTorchClassifier` with an optimizer, of images of any size, range and channel order; its
    network only has to be callable. A method's `eps` is that of images in [0,1]. Preprocessing is
    applied as it is at predict time, with its gradients.
    """

    def __init__(self, classifier: Any, method: Method, *, seed: int = 0) -> None:
        """Take the classifier, which is trained in place. Raises `UserError`."""
        super().__init__(classifier)
        self.learner, self.method, self.seed = Learner(classifier), method, seed
        known = classifier.optimizer is not None
        fix = "give one to the PyTorchClassifier"
        check(known, "classifier", expected="one with an optimizer", got="none", fix=fix)
        good = callable(method) and not isinstance(method, type)
        got = getattr(method, "__name__", type(method).__name__)
        check(good, "method", expected="a method, as Pgd(eps=8 / 255)", got=got)

    def fit(
        self, x: Any, y: Any, batch_size: int = 128, nb_epochs: int = 20, **kwargs: Any
    ) -> None:
        """Train on images and their labels, one-hot or classes; `verbose` shows a bar."""
        classifier = self.classifier
        told = check_and_transform_label_format(np.asarray(y), classifier.nb_classes)
        images = self.learner.frame.images(x).to(classifier.device)
        labels = torch.from_numpy(told.argmax(axis=1)).to(classifier.device)
        recipe = Schooling(nb_epochs, batch_size, self.seed)
        steps = teach(self.learner, images, labels, self.method, classifier.optimizer, recipe)
        for _ in tqdm(steps, desc=type(self.method).__name__, disable=not kwargs.get("verbose")):
            pass


class Distillation(Transformer):  # type: ignore[misc]  # ART has no types
    """Defensive distillation (Papernot et al. 2016): a student learns a teacher's soft labels.

    `fit` trains the teacher, the classifier given, on labels with softmax(z / temperature); the
    call trains the student on what the teacher tells, at the temperature, too. The student is
    used with a temperature of 1. Neither has to answer with probabilities. Carlini & Wagner 2017
    break it.
    """

    params = ("temperature", "batch_size", "nb_epochs", "seed")

    def __init__(
        self,
        classifier: Any,
        temperature: float = 20.0,
        *,
        batch_size: int = 128,
        nb_epochs: int = 20,
        seed: int = 0,
    ) -> None:
        """Take the teacher; raises `UserError` for a temperature of 0 or below."""
        super().__init__(classifier)
        self.temperature, self.seed = temperature, seed
        self.batch_size, self.nb_epochs = batch_size, nb_epochs
        self._check_params()

    def fit(self, x: Any, y: Any = None, **kwargs: Any) -> None:
        """Train the teacher in place; leave it out for one that was trained at the temperature."""
        check(y is not None, "y", expected="labels, one-hot or classes", got="none")
        self._train(self.classifier, Teacher(self.temperature), x, y, **kwargs)
        self._is_fitted = True

    def __call__(self, x: Any, transformed_classifier: Any) -> Any:
        """Train `transformed_classifier` in place, and return it; x needs no labels."""
        student = Student(Learner(self.classifier), self.temperature)
        nothing = np.zeros(len(x), dtype=np.int64)
        return self._train(transformed_classifier, student, x, nothing)

    def _train(self, classifier: Any, method: Method, x: Any, y: Any, **kwargs: Any) -> Any:
        trainer = RobustTrainer(classifier, method, seed=self.seed)
        settings = {"batch_size": self.batch_size, "nb_epochs": self.nb_epochs} | kwargs
        trainer.fit(x, y, **settings)
        return trainer.get_classifier()

    def _check_params(self) -> None:
        Teacher(self.temperature)
        Schooling(self.nb_epochs, self.batch_size)
