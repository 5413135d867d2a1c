"""Attacks on text classifiers: words changed one by one, asked for scores or for labels alone.

Ren, Deng, He & Che, "Generating Natural Language Adversarial Examples through Probability Weighted
Word Saliency", ACL 2019 (PWWS), with candidates of your own in place of WordNet and named
entities; with edits of characters in place of words it stands nearest to Gao et al. 2018 and
Li et al. 2019, whose ranking is by saliency alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from physadv.beyond.words import Candidates, Words, changed_places
from physadv.core import check, generator, spawn
from physadv.core.check import at_least_one, one_of

ANSWERS = ("scores", "labels")
ORDERS = ("pwws", "saliency")
UNKNOWN_WORD = "qzxunknownqzx"
"""Stands for a word that the victim does not know, where saliency is measured."""


class TextVictim:
    """A fitted text classifier, e.g. a pipeline of scikit-learn, that counts what it is asked.

    `model` has `classes_`, `predict(texts)` and, for scores, `predict_proba(texts)`.
    """

    def __init__(self, model: Any) -> None:
        """Raise `UserError` for what is not fitted."""
        known: Any = getattr(model, "classes_", None)
        got, fix = repr(type(model).__name__), "call its fit first"
        check(known is not None, "model", expected="a fitted text classifier", got=got, fix=fix)
        self.model, self.classes, self.queries = model, list(known), 0

    def read(self, texts: Sequence[str]) -> list[Any]:
        """Return the class that each text is read as."""
        self._count(texts)
        return list(self.model.predict(list(texts)))

    def chance(self, texts: Sequence[str], label: Any) -> np.ndarray:
        """Return the probability of a class for each text, (N,).

        Raises `UserError` where the model gives none, or does not know the class.
        """
        has, fix = hasattr(self.model, "predict_proba"), "answers='labels' needs none"
        check(has, "model", expected="predict_proba", got=type(self.model).__name__, fix=fix)
        expected = f"one of the classes {self.classes}"
        check(label in self.classes, "truth", expected=expected, got=repr(label))
        self._count(texts)
        found = np.asarray(self.model.predict_proba(list(texts)), dtype=np.float64)
        check(bool(np.isfinite(found).all()), "model", expected="finite scores", got="NaN")
        return np.asarray(found[:, self.classes.index(label)])

    def _count(self, texts: Sequence[str]) -> None:
        wrong = [one for one in texts if not isinstance(one, str)]
        check(not wrong, "texts", expected="strings", got=repr(wrong[:1]))
        self.queries += len(texts)


class _Spent(Exception):  # noqa: N818  # it ends a search and is no error
    """The next question is beyond the budget of a text."""


@dataclass(frozen=True)
class WordAttack:
    """Settings of the change of words; call it with a victim, texts and what they are.

    `candidates` says what a word may become, at most a `share` of the words (one at least) is
    changed, and at most `queries` texts are asked about for each. With `answers="scores"` words
    are changed in order until the answer is another: "pwws" by softmax(saliency) times the gain
    of each word's best candidate, chosen in the text as it was; "saliency" by the loss of
    probability where the word is unknown, the best candidate chosen in the text as it stands.
    With "labels" only the class is asked for: words are changed at random until it is another,
    then put back one by one while it stays so (the first two steps of Maheshwary, Maheshwary &
    Pudi 2021, arXiv 2012.14956, without their genetic search for likeness), and again from the
    start while there are queries.
    """

    candidates: Candidates
    answers: str = "scores"
    order: str = "pwws"
    share: float = 0.2
    queries: int = 500

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that are none."""
        one_of("answers", self.answers, ANSWERS)
        one_of("order", self.order, ORDERS)
        good = 0 < self.share <= 1
        check(good, "share", expected="above 0 and at most 1", got=self.share)
        at_least_one(self, "queries")

    def __call__(
        self, victim: TextVictim, texts: Sequence[str], truth: Sequence[Any], *, seed: int = 0
    ) -> list[str]:
        """Return a text for each: the first found that is read otherwise, else the best there was.

        By labels alone the best there was is the text itself. Chance comes from the seed and the
        text, so that a text's result is the same in whatever company.
        """
        fits = len(texts) == len(truth)
        check(fits, "truth", expected=f"a class for each of {len(texts)} texts", got=len(truth))
        search = _by_scores if self.answers == "scores" else _by_labels
        made = []
        for text, label in zip(texts, truth, strict=True):
            rng = generator(spawn(seed, "words", text))
            made.append(search(_Asker(victim, label, self.queries), Words.of(text), self, rng))
        return made

    def most(self, words: Words) -> int:
        """Return how many words of a text may be changed."""
        return max(1, int(self.share * len(words.words)))

    def options(self, words: Words, rng: torch.Generator) -> dict[int, list[str]]:
        """Return the candidates by place, of the words that have any."""
        found = {k: list(self.candidates(one, rng)) for k, one in enumerate(words.words)}
        return {place: ways for place, ways in found.items() if ways}


@dataclass
class _Asker:
    """A victim with the budget of one text."""

    victim: TextVictim
    label: Any
    left: int

    def chance(self, texts: list[str]) -> np.ndarray:
        self._pay(texts)
        return self.victim.chance(texts, self.label) if texts else np.zeros(0)

    def fooled(self, text: str) -> bool:
        self._pay([text])
        return bool(self.victim.read([text])[0] != self.label)

    def _pay(self, texts: list[str]) -> None:
        if len(texts) > self.left:
            raise _Spent
        self.left -= len(texts)


def _by_scores(asker: _Asker, words: Words, how: WordAttack, rng: torch.Generator) -> str:
    best, least = str(words), np.inf
    try:
        least = float(asker.chance([best])[0])
        options = how.options(words, rng)
        places = sorted(options)
        unknown = [str(words.put({place: UNKNOWN_WORD})) for place in places]
        saliency = least - asker.chance(unknown)
        chosen: dict[int, str] = {}
        if how.order == "pwws" and places:
            found = [_best(asker, words, place, options[place]) for place in places]
            gain = least - np.array([one[1] for one in found])
            weight = np.exp(saliency - saliency.max())
            ranked = np.argsort(-gain * weight / weight.sum(), kind="stable")
            chosen = {place: one[0] for place, one in zip(places, found, strict=True)}
        else:
            ranked = np.argsort(-saliency, kind="stable")
        changes: dict[int, str] = {}
        for place in (places[k] for k in ranked[: how.most(words)]):
            way = chosen.get(place) or _best(asker, words.put(changes), place, options[place])[0]
            tried = str(words.put(changes | {place: way}))
            now = float(asker.chance([tried])[0])
            if now < least:
                changes, best, least = changes | {place: way}, tried, now
                if asker.fooled(best):
                    break
    except _Spent:
        pass
    return best


def _best(asker: _Asker, words: Words, place: int, ways: list[str]) -> tuple[str, float]:
    """Return the candidate of least probability for one place, and that probability."""
    chances = asker.chance([str(words.put({place: way})) for way in ways])
    least = int(chances.argmin())
    return ways[least], float(chances[least])


def _by_labels(asker: _Asker, words: Words, how: WordAttack, rng: torch.Generator) -> str:
    try:
        while True:
            options = how.options(words, rng)
            if not options:
                return str(words)
            changes = _stumbled(asker, words, options, rng)
            for place in list(changes):
                fewer = {k: way for k, way in changes.items() if k != place}
                if fewer and asker.fooled(str(words.put(fewer))):
                    changes = fewer
            if 0 < len(changes) <= how.most(words):
                return str(words.put(changes))
    except _Spent:
        return str(words)


def _stumbled(
    asker: _Asker, words: Words, options: dict[int, list[str]], rng: torch.Generator
) -> dict[int, str]:
    """Return random changes, one more at a time, that are read otherwise; none where all fail."""
    places = sorted(options)
    changes: dict[int, str] = {}
    for k in torch.randperm(len(places), generator=rng).tolist():
        ways = options[places[k]]
        changes[places[k]] = ways[int(torch.randint(len(ways), (1,), generator=rng))]
        if asker.fooled(str(words.put(changes))):
            return changes
    return {}


def random_words(
    texts: Sequence[str], made: Sequence[str], candidates: Candidates, *, seed: int = 0
) -> list[str]:
    """Return the control: as many words of each text changed as in `made`, at random places."""
    found = []
    for text, other in zip(texts, made, strict=True):
        words, rng = Words.of(text), generator(spawn(seed, "control", text))
        ways = {k: list(candidates(one, rng)) for k, one in enumerate(words.words)}
        places = [k for k, some in ways.items() if some]
        order = torch.randperm(len(places), generator=rng).tolist()
        picked = [places[k] for k in order[: len(changed_places(text, other))]]
        draw = {k: int(torch.randint(len(ways[k]), (1,), generator=rng)) for k in picked}
        found.append(str(words.put({k: ways[k][draw[k]] for k in picked})))
    return found
