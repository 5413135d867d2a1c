"""A corpus made by a grammar, with no chance of being mistaken for people's, and its classifier."""

from itertools import product
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

WORDS = {
    "good": ("lovely", "clever", "moving", "tender"),
    "bad": ("boring", "clumsy", "hollow", "tedious"),
}
TABLE = {word: ("plain", "usual") for words in WORDS.values() for word in words}
"""Neither of the others is in the corpus."""


def corpus() -> list[tuple[str, str]]:
    """Return texts with their classes: each has two words of its class."""
    things = ("film", "story", "cast")
    return [
        (f"The {thing} was {one}, and rather {other}.", label)
        for label, words in WORDS.items()
        for thing, one, other in product(things, words, words)
        if one != other
    ]


def fitted() -> Any:
    """Return a classifier that is linear in the words' weights."""
    texts, labels = zip(*corpus(), strict=True)
    return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, labels)
