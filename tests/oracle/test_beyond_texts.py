"""Words are changed as an exhaustive search would; labels alone are asked where that is said."""

from typing import Any

import numpy as np
import pytest

from physadv.beyond import (
    CharacterEdits,
    Synonyms,
    TextVictim,
    WordAttack,
    Words,
    changed_places,
    judge,
    nearest_words,
    random_words,
)
from physadv.core import UserError, generator
from tests.texts import TABLE, corpus, fitted

TEXTS = [text for text, _ in corpus()]
LABELS = [label for _, label in corpus()]
GOOD = "The film was lovely, and rather clever."
WAYS = {"good": ("boring", "moving", "tender"), "lovely": ("hollow", "moving", "clumsy")}


class Mute:
    """A model that may be asked for its answer, and for nothing else."""

    def __init__(self) -> None:
        self.model = fitted()
        self.classes_ = self.model.classes_

    def predict(self, texts: list[str]) -> Any:
        return self.model.predict(texts)

    def predict_proba(self, texts: list[str]) -> Any:
        raise AssertionError("scores were asked for")


@pytest.mark.parametrize("order", ["pwws", "saliency"])
def test_a_single_substitution_is_the_best_there_is(order: str) -> None:
    table = {"lovely": ("hollow", "moving", "clumsy"), "clever": ("tender", "boring")}
    model = fitted()
    words = Words.of(GOOD)
    tried = {
        (place, way): str(words.put({place: way}))
        for place, word in enumerate(words.words)
        for way in table.get(word, ())
    }
    column = list(model.classes_).index("good")
    chances = {key: model.predict_proba([text])[0, column] for key, text in tried.items()}
    how = WordAttack(Synonyms(table), order=order, share=0.01)
    (made,) = how(TextVictim(model), [GOOD], ["good"])
    (place,) = changed_places(GOOD, made)
    rivals = {key: chance for key, chance in chances.items() if key[0] == place}
    assert made == tried[min(rivals, key=lambda key: rivals[key])]


def test_the_order_of_pwws_is_its_formula() -> None:
    """softmax(saliency) * gain, worked out here from the probabilities alone."""
    table = {"lovely": ("moving", "plain"), "clever": ("hollow", "plain"), "film": ("plain",)}
    model, words = fitted(), Words.of(GOOD)
    column = list(model.classes_).index("good")

    def chance(changes: dict[int, str]) -> float:
        return float(model.predict_proba([str(words.put(changes))])[0, column])

    places = [k for k, word in enumerate(words.words) if word in table]
    saliency = np.array([chance({}) - chance({k: "neverseenword"}) for k in places])
    least = [min((chance({k: way}), way) for way in table[words.words[k]])[1] for k in places]
    gain = np.array([chance({}) - chance({k: way}) for k, way in zip(places, least, strict=True)])
    score = np.exp(saliency) / np.exp(saliency).sum() * gain
    first = int(score.argmax())
    (made,) = WordAttack(Synonyms(table), share=0.01)(TextVictim(model), [GOOD], ["good"])
    assert made == str(words.put({places[first]: least[first]}))


def test_labels_alone_are_enough_and_scores_are_never_asked_for() -> None:
    opposite = {"lovely": ("boring",), "clever": ("hollow",), "film": ("story",)}
    how = WordAttack(Synonyms(opposite), answers="labels", share=0.5)
    victim = TextVictim(Mute())
    (made,) = how(victim, [GOOD], ["good"], seed=1)
    assert victim.read([made]) == ["bad"]
    assert changed_places(GOOD, made) in [(3,), (6,), (3, 6)]
    with pytest.raises(AssertionError, match="scores were asked for"):
        WordAttack(Synonyms(opposite))(TextVictim(Mute()), [GOOD], ["good"])


def test_no_change_that_succeeds_by_labels_can_be_put_back() -> None:
    how = WordAttack(CharacterEdits(draws=2), answers="labels", share=1.0, queries=60)
    victim, some = TextVictim(fitted()), slice(0, None, 8)
    made_of = how(victim, TEXTS[some], LABELS[some])
    assert made_of != TEXTS[some]
    for text, label, made in zip(TEXTS[some], LABELS[some], made_of, strict=True):
        words, other = Words.of(text), Words.of(made).words
        places = changed_places(text, made)
        for place in places if len(places) > 1 else ():
            fewer = words.put({k: other[k] for k in places if k != place})
            assert victim.read([str(fewer)]) == [label]


@pytest.mark.parametrize("answers", ["scores", "labels"])
@pytest.mark.parametrize("order", ["pwws", "saliency"])
def test_budgets_hold_and_a_text_is_the_same_in_any_company(answers: str, order: str) -> None:
    how = WordAttack(CharacterEdits(), answers=answers, order=order, share=0.3, queries=15)
    victim = TextVictim(fitted())
    made = how(victim, TEXTS, LABELS, seed=3)
    assert victim.queries <= 15 * len(TEXTS)
    for text, other in zip(TEXTS, made, strict=True):
        assert len(changed_places(text, other)) <= how.most(Words.of(text)) == 2
    assert how(victim, TEXTS[5:6], LABELS[5:6], seed=3) == made[5:6]


def test_it_beats_as_many_changes_at_random_and_the_queries_are_counted() -> None:
    victim = TextVictim(fitted())
    table = {"good": ("tedious", "hollow"), "bad": ("lovely", "tender")}
    ways = Synonyms(dict.fromkeys(TABLE, table["good"] + table["bad"]))
    how = WordAttack(ways, share=0.5)
    found = judge(
        TEXTS,
        LABELS,
        victim.read,
        lambda texts, labels: how(victim, texts, labels),
        control=lambda texts, made: random_words(texts, made, ways),
        counter=victim,
    )
    assert found.control is not None
    assert found.success.share > found.control.share
    alone = TextVictim(fitted())
    how(alone, [TEXTS[k] for k in found.kept], [LABELS[k] for k in found.kept])
    assert found.queries == alone.queries
    shown = [TEXTS[k] for k in found.kept]
    for text, other, made in zip(
        shown, random_words(shown, found.made, ways), found.made, strict=True
    ):
        assert len(changed_places(text, other)) == len(changed_places(text, made))


def test_a_text_is_put_together_as_it_was() -> None:
    for text in ("", "  a, b!", "It's 'so-so'…\nReally?", *TEXTS):
        assert str(Words.of(text)) == text


@pytest.mark.parametrize("kind", ["swap", "delete", "insert", "neighbour", "homoglyph"])
def test_edits_are_what_they_are_called(kind: str) -> None:
    for seed in range(40):
        for made in CharacterEdits((kind,))("splendid", generator(seed)):
            assert (made[0], made[-1]) == ("s", "d")
            length = {"delete": 7, "insert": 9}.get(kind, 8)
            assert len(made) == length
            differ = [k for k in range(8) if length == 8 and made[k] != "splendid"[k]]
            assert kind not in ("neighbour", "homoglyph") or len(differ) == 1
            if kind == "swap":
                assert len(differ) == 2
                assert sorted(made) == sorted("splendid")
            if kind == "homoglyph":
                assert not made.isascii()
    assert CharacterEdits()("the", generator(0)) == []


def test_words_used_alike_are_near() -> None:
    frames = [
        f"{who} {does} the {thing}"
        for who in ("cats", "dogs")
        for does in ("chase", "eat")
        for thing in ("ball", "bone")
    ]
    table = nearest_words(frames, near=1, size=4)
    assert table["cats"] == ["dogs"]
    assert table["bone"] == ["ball"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: WordAttack(CharacterEdits(), answers="all"), "answers: expected one of"),
        (lambda: WordAttack(CharacterEdits(), share=0.0), "share: expected above 0"),
        (lambda: WordAttack(CharacterEdits(), queries=0), "queries: expected at least 1"),
        (lambda: CharacterEdits(("turn",)), "kinds: expected one of"),
        (lambda: Synonyms({"good": ("not bad",)}), "table: expected single words"),
        (lambda: TextVictim(object()), "model: expected a fitted text classifier"),
        (lambda: TextVictim(fitted()).read([1]), "texts: expected strings"),  # type: ignore[list-item]  # wrong on purpose
        (lambda: TextVictim(fitted()).chance(["a"], "odd"), "truth: expected one of the classes"),
        (lambda: nearest_words([""]), "texts: expected a corpus"),
    ],
)
def test_what_is_wrong_is_said(call: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()


def test_a_model_without_probabilities_can_still_be_asked_by_labels() -> None:
    class Bare:
        classes_ = ("good", "bad")

        def predict(self, texts: list[str]) -> list[str]:
            return ["bad" if "plain" in text else "good" for text in texts]

    how = WordAttack(Synonyms(TABLE), answers="labels")
    (made,) = how(TextVictim(Bare()), [GOOD], ["good"], seed=2)
    assert "plain" in made
    with pytest.raises(UserError, match="model: expected predict_proba"):
        WordAttack(Synonyms(TABLE))(TextVictim(Bare()), [GOOD], ["good"])
