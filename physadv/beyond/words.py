"""Texts as words and what lies between them; what each word may be changed into."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from physadv.core import check
from physadv.core.check import at_least_one, one_of

WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
EDITS = ("swap", "delete", "insert", "neighbour", "homoglyph")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
HOMOGLYPHS = dict(zip("aceijopsxy", "асеіјорѕху", strict=True))  # noqa: RUF001  # Cyrillic is meant

Candidates = Callable[[str, torch.Generator], Sequence[str]]
"""What a word may be changed into: other single words; chance comes from the generator."""


@dataclass(frozen=True)
class Words:
    """A text taken apart: `gaps[0] words[0] gaps[1] … words[-1] gaps[-1]`."""

    words: tuple[str, ...]
    gaps: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Words":
        """Take a text apart; words are runs of letters and digits, apostrophes inside included."""
        return cls(tuple(WORD.findall(text)), tuple(WORD.split(text)))

    def __str__(self) -> str:
        """Return the text."""
        pairs = zip(self.words, self.gaps[1:], strict=True)
        return self.gaps[0] + "".join(word + gap for word, gap in pairs)

    def put(self, changes: Mapping[int, str]) -> "Words":
        """Return the text with the words at these places changed."""
        words = tuple(changes.get(place, word) for place, word in enumerate(self.words))
        return Words(words, self.gaps)


def changed_places(text: str, other: str) -> tuple[int, ...]:
    """Return the places of the words in which two texts of as many words differ."""
    one, two = Words.of(text).words, Words.of(other).words
    check(len(one) == len(two), "text", expected=f"{len(one)} words", got=len(two))
    return tuple(k for k, pair in enumerate(zip(one, two, strict=True)) if pair[0] != pair[1])


@dataclass(frozen=True)
class Synonyms:
    """Other words from a table of your own, or of `nearest_words`; a capital stays one."""

    table: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        """Raise `UserError` for what is no single word."""
        for word, others in self.table.items():
            wrong = [one for one in (word, *others) if not WORD.fullmatch(one)]
            check(not wrong, "table", expected="single words", got=f"{wrong[:1]} for {word!r}")

    def __call__(self, word: str, _rng: torch.Generator) -> Sequence[str]:
        """Return the others, none for a word that is not in the table."""
        found = [one for one in self.table.get(word.lower(), ()) if one != word.lower()]
        return [one.capitalize() for one in found] if word[:1].isupper() else found


@dataclass(frozen=True)
class CharacterEdits:
    """A letter of the word changed, `draws` times each kind; first and last letter stay.

    The kinds of Gao et al. 2018 (DeepWordBug, arXiv 1801.04354): two letters swapped, one deleted,
    one inserted; and those of Li et al. 2019 (TextBugger, arXiv 1812.05271) for one substituted: a
    neighbour on the keyboard, a letter that looks the same. TextBugger's space inside a word is
    left out: words would be counted differently. Words of fewer than `shortest` letters stay.
    """

    kinds: tuple[str, ...] = EDITS
    draws: int = 1
    shortest: int = 4

    def __post_init__(self) -> None:
        """Raise `UserError` for unknown kinds and for numbers below 1."""
        for kind in self.kinds:
            one_of("kinds", kind, EDITS)
        at_least_one(self, "draws", "shortest")

    def __call__(self, word: str, rng: torch.Generator) -> Sequence[str]:
        """Return each edit once, those that change the word and leave it one."""
        if len(word) < max(self.shortest, 3):
            return []
        made = [edited(word, kind, rng) for kind in self.kinds for _ in range(self.draws)]
        return [one for one in dict.fromkeys(made) if one != word and WORD.fullmatch(one)]


def edited(word: str, kind: str, rng: torch.Generator) -> str:
    """Return a word of at least three letters with one edit inside; itself where there is none."""
    places = [k for k in range(1, len(word) - 1) if kind not in _FITS or _FITS[kind](word, k)]
    if not places:
        return word
    at = places[_below(len(places), rng)]
    before, letter, after = word[:at], word[at], word[at + 1 :]
    if kind == "swap":
        return before + word[at + 1] + letter + word[at + 2 :]
    if kind == "delete":
        return before + after
    if kind == "insert":
        return before + LETTERS[_below(len(LETTERS), rng)] + letter + after
    others = HOMOGLYPHS[letter] if kind == "homoglyph" else _beside(letter)
    return before + others[_below(len(others), rng)] + after


def _beside(letter: str) -> str:
    """Return the letters left and right of one on the keyboard."""
    for row in KEYS:
        if letter in row:
            at = row.index(letter)
            return row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
    return ""


_FITS: dict[str, Callable[[str, int], bool]] = {
    "swap": lambda word, at: at + 2 < len(word) and word[at] != word[at + 1],
    "neighbour": lambda word, at: bool(_beside(word[at])),
    "homoglyph": lambda word, at: word[at] in HOMOGLYPHS,
}
"""Whether a kind of edit can begin at a place inside a word; those not named always can."""


def _below(end: int, rng: torch.Generator) -> int:
    return int(torch.randint(end, (1,), generator=rng))


def nearest_words(
    texts: Iterable[str], *, near: int = 8, words: int = 2000, size: int = 50, window: int = 4
) -> dict[str, list[str]]:
    """Return, for the most frequent words of a corpus, those used most alike in it.

    Positive pointwise mutual information of words at most `window` apart, its `size` leading
    singular vectors, cosines (Levy, Goldberg & Dagan 2015, with the square root of the singular
    values). Words used alike are no synonyms: opposites are among them. The `words` most frequent
    are counted, less the 100 first, which hold sentences together and keep their place.
    """
    split = [[one.lower() for one in Words.of(text).words] for text in texts]
    count: dict[str, int] = {}
    for one in (word for text in split for word in text):
        count[one] = count.get(one, 0) + 1
    known = sorted(count, key=lambda one: (-count[one], one))[:words]
    check(len(known) >= 2, "texts", expected="a corpus of at least two words", got=len(known))
    place = {word: k for k, word in enumerate(known)}
    table = np.zeros((len(known), len(known)))
    for text in split:
        at = [place.get(one, -1) for one in text]
        for k, row in enumerate(at):
            for column in at[k + 1 : k + 1 + window]:
                if row >= 0 and column >= 0:
                    table[row, column] += 1
                    table[column, row] += 1
    return _nearest(table, known, near, size)


def _nearest(table: np.ndarray, known: list[str], near: int, size: int) -> dict[str, list[str]]:
    total, sums = max(table.sum(), 1.0), np.maximum(table.sum(axis=1), 1.0)
    share = np.maximum(table * total / np.outer(sums, sums), 1.0)
    left, values, _ = np.linalg.svd(np.log(share))
    vectors = left[:, :size] * np.sqrt(values[:size])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -np.inf)
    first = 100 if len(known) > 200 else 0
    alike[:, :first] = -np.inf
    order = np.argsort(-alike, axis=1, kind="stable")[:, :near]
    return {known[k]: [known[j] for j in order[k]] for k in range(first, len(known))}
