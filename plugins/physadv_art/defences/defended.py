"""Any defence of physadv's around an ART classifier."""

from typing import Any

from art.defences.transformer.transformer import Transformer

from physadv.core import check
from physadv.defences import Defence
from physadv_art.estimators import from_victim
from physadv_art.frame import ends
from physadv_art.victim import as_victim


class Defended(Transformer):  # type: ignore[misc]  # ART has no types
    """Turns a classifier into one behind a defence; attacks go through it.

    Gradients pass the defence, exactly or by the approximation that it brings. A detector of
    attacks adds a class at the end, `rejected`: want neither it nor the label of it.
    """

    params = ("defence",)

    def __init__(self, classifier: Any, defence: Defence) -> None:
        """Take the classifier and a defence, as `physadv.defences.Jpeg(50)`. Raises `UserError`."""
        super().__init__(classifier)
        good = callable(defence) and not isinstance(defence, type)
        expected, got = "a defence, as Jpeg(50)", type(defence).__name__
        check(good, "defence", expected=expected, got=got)
        self.defence = defence
        self._is_fitted = True

    def __call__(self, x: Any = None, transformed_classifier: Any = None) -> Any:
        """Return `transformed_classifier`, or the one given before, defended; x may be left out."""
        inner = transformed_classifier or self.classifier
        known = as_victim(inner)
        return from_victim(
            self.defence(known),
            clip_values=ends(inner.clip_values),
            channels_first=bool(inner.channels_first),
            input_px=known.size_px,
        )

    def fit(self, x: Any, y: Any = None, **kwargs: Any) -> None:
        """Do nothing: there is nothing to fit."""
