"""Attacks beyond images: `python -m benchmarks.beyond policies`, and of texts of your own
`python -m benchmarks.beyond texts FILE`, lines of id, mean sentiment and text, tabs between.
"""

from collections.abc import Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import nn

from benchmarks import show
from physadv.beyond import (
    DQN,
    AtRandom,
    CharacterEdits,
    ObservationAttack,
    Space,
    Synonyms,
    TextVictim,
    WordAttack,
    bounds,
    changed_places,
    environment,
    judge,
    mean_of,
    nearest_words,
    noise_of,
    play,
    random_words,
    spread,
    timed,
)
from physadv.core import check, generator, spawn

app = typer.Typer()
CATCH = "physadv/Catch-v0"
TASKS = {
    "CartPole-v1": (DQN(look=1000, trials=10, goal=500.0), (0.05, 0.1, 0.2, 0.4, 0.8)),
    CATCH: (DQN(steps=20_000), (0.01, 0.03, 0.1, 0.3)),
}
CLEAR = 1.0
"""Texts of a mean sentiment nearer to 0 are left out: people do not agree about them."""


@app.command()
def policies(
    n: Annotated[int, typer.Option(min=2, help="Episodes of each figure.")] = 100,
    steps: Annotated[int, typer.Option(help="Steps of training; 0 for each task's own.")] = 0,
    task: Annotated[list[str] | None, typer.Option(help="Tasks; all.")] = None,
    seed: int = 0,
) -> None:
    """Print return by eps: attacked, through another agent, noise, and timed; two agents a task."""
    torch.set_num_threads(1)
    show.heading()
    for name in task or list(TASKS):
        how, radii = TASKS[name]
        make = partial(environment, name)
        how = DQN(steps=steps, look=steps) if steps else how
        agent, other = (how(make, seed=spawn(seed, name, k)) for k in range(2))
        seeds = [spawn(seed, "episode", k) % 2**31 for k in range(n)]
        before = [spawn(seed, "scale", k) % 2**31 for k in range(10)]
        space = spread(make, agent, before) if name != CATCH else bounds(make)
        clean = mean_of(play(make, agent, seeds).returns)
        _say(f"\n{name}: {n} episodes, return {clean}, not attacked")
        _curves(make, (agent, other), seeds, space, radii)
        _moments(make, agent, seeds, space, (radii[-1], before))


def _curves(
    make: Any,
    agents: tuple[nn.Module, nn.Module],
    seeds: list[int],
    space: Space,
    radii: Sequence[float],
) -> None:
    columns = "attacked | acts otherwise | through another agent | noise"
    _say(f"| eps | norm | {columns} |\n|---|---|---|---|---|---|")
    for eps in radii:
        for norm in (inf, 2.0, 1.0):
            own = ObservationAttack(eps, norm)
            through = ObservationAttack(eps, norm, through=agents[1])
            ways = [own, through, noise_of(own)]
            played = [play(make, agents[0], seeds, way, space=space) for way in ways]
            first, *others = (str(mean_of(one.returns)) for one in played)
            turned = 100 * float(played[0].turned.sum() / played[0].attacked.sum())
            told = " | ".join([first, f"{turned:.0f} %", *others])
            _say(f"| {eps:g} | {norm:g} | {told} |")


def _moments(
    make: Any, agent: nn.Module, seeds: list[int], space: Space, how: tuple[float, list[int]]
) -> None:
    eps, before = how
    _say(f"\neps {eps:g}, norm inf\n| moments | attacked | return |\n|---|---|---|")
    for share in (0.1, 0.25, 0.5):
        chosen = timed(make, agent, before, share)
        ways = {
            f"timed, {share:g}": ObservationAttack(eps, when=chosen, aim="least"),
            f"at random, {share:g}": ObservationAttack(eps, when=AtRandom(share), aim="least"),
            f"noise, timed, {share:g}": ObservationAttack(eps, when=chosen, along="noise"),
        }
        for name, way in ways.items():
            played = play(make, agent, seeds, way, space=space)
            _say(f"| {name} | {100 * played.share:.0f} % | {mean_of(played.returns)} |")


@app.command()
def texts(
    file: Annotated[Path, typer.Argument(help="Lines of id, mean sentiment, text.")],
    n: Annotated[int, typer.Option(min=1, help="Texts attacked.")] = 200,
    share: Annotated[float, typer.Option(help="Of the words that may be changed.")] = 0.2,
    queries: Annotated[int, typer.Option(min=1, help="For each text.")] = 500,
    seed: int = 0,
) -> None:
    """Print how often a scikit-learn classifier is fooled, by words and by edits of characters."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    show.heading()
    rows = _read(file)
    order = torch.randperm(len(rows), generator=generator(spawn(seed, "texts"))).tolist()
    check(len(rows) > n, "n", expected=f"less than {len(rows)} texts", got=n)
    test, train = [rows[k] for k in order[:n]], [rows[k] for k in order[n:]]
    near = Synonyms(nearest_words(text for text, _ in train))
    models = {"logistic regression": LogisticRegression(C=10.0), "naive Bayes": MultinomialNB()}
    for name, model in models.items():
        fitted = make_pipeline(TfidfVectorizer(), model).fit(*map(list, zip(*train, strict=True)))
        victim = TextVictim(fitted)
        head = (
            "| attack | success | control | words changed | queries each |\n|---|---|---|---|---|"
        )
        _say(f"\n{name}: fitted on {len(train)} texts\n{head}")
        for kind, ways in {"nearest words": near, "character edits": CharacterEdits()}.items():
            for told in ({"order": "pwws"}, {"order": "saliency"}, {"answers": "labels"}):
                how = WordAttack(ways, share=share, queries=queries, **told)  # type: ignore[arg-type]  # strings all
                _row(f"{kind}, {next(iter(told.values()))}", victim, how, test)


def _row(name: str, victim: TextVictim, how: WordAttack, test: list[tuple[str, str]]) -> None:
    items, truth = [text for text, _ in test], [label for _, label in test]
    found = judge(
        items,
        truth,
        victim.read,
        partial(how, victim),
        control=partial(random_words, candidates=how.candidates),
        counter=victim,
    )
    parts = [
        len(changed_places(items[place], made)) / max(1, len(items[place].split()))
        for place, made, fooled in zip(found.kept, found.made, found.fooled, strict=True)
        if fooled
    ]
    changed = f"{100 * sum(parts) / len(parts):.0f} %" if parts else "-"
    each = (found.queries or 0) / len(found.kept)
    _say(f"| {name} | {found.success} | {found.control} | {changed} | {each:.0f} |")


def _read(file: Path) -> list[tuple[str, str]]:
    lines = [line.split("\t") for line in file.read_text("utf-8", "replace").splitlines()]
    whole = [(row[2], float(row[1])) for row in lines if len(row) == 3]
    return [(text, "good" if mean > 0 else "bad") for text, mean in whole if abs(mean) >= CLEAR]


def _say(line: str) -> None:
    show.console.print(line, markup=False, soft_wrap=True, highlight=False)


if __name__ == "__main__":
    show.run(app)
