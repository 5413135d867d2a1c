"""Beyond images: policies' observations and texts, with a judge of anything."""

from physadv.beyond.dqn import DQN
from physadv.beyond.environments import environment
from physadv.beyond.judge import Outcome, judge
from physadv.beyond.mean import Mean, mean_of
from physadv.beyond.observe import (
    AtRandom,
    ObservationAttack,
    Preferred,
    always,
    noise_of,
    preference,
    timed,
)
from physadv.beyond.play import Played, Space, bounds, play, spread
from physadv.beyond.text import TextVictim, WordAttack, random_words
from physadv.beyond.words import (
    CharacterEdits,
    Synonyms,
    Words,
    changed_places,
    nearest_words,
)

__all__ = [
    "DQN",
    "AtRandom",
    "CharacterEdits",
    "Mean",
    "ObservationAttack",
    "Outcome",
    "Played",
    "Preferred",
    "Space",
    "Synonyms",
    "TextVictim",
    "WordAttack",
    "Words",
    "always",
    "bounds",
    "changed_places",
    "environment",
    "judge",
    "mean_of",
    "nearest_words",
    "noise_of",
    "play",
    "preference",
    "random_words",
    "spread",
    "timed",
]
