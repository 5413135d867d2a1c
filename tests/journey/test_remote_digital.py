"""Digital attacks that only ask, against a server with a budget: what was paid is never lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from physadv.attacks.digital import DigitalAttack, EstimatedPGD, EvadeHC, GenAttack, Rows
from physadv.core import Encoded
from physadv.evaluation import Pictures, attack_pictures
from physadv.objectives import margin, targeted, untargeted
from physadv.victims import BudgetError, Prepare, Remote, Service, Wire
from tests.server import LABELS, Server, serving

SIZE = (6, 8)
ATTACKS: dict[str, DigitalAttack] = {
    "estimated": EstimatedPGD(eps=8 / 255, queries=120, samples=5),
    "gen-attack": GenAttack(eps=8 / 255, queries=120, detail=2),
    "evade-hc": EvadeHC(eps=8 / 255, queries=120, paths=6, kept=2, length=8),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as running:
        yield running


def remote(
    server: Server, budget: int, cache: Path | None = None, answers: str = "scores"
) -> Remote:
    server.answers = answers
    return Remote(
        Service(server.url, timeout_s=5.0, tries=1),
        LABELS,
        Prepare(SIZE),
        wire=Wire(answers=answers),  # type: ignore[arg-type]  # one of its words
        budget=budget,
        cache=cache,
    )


def reddish(count: int = 1, lead: int = 4) -> Encoded:
    """Return grey images with a little more red, in bytes, all different."""
    images = torch.full((count, 3, *SIZE), 100.0)
    images[:, 0] += lead
    for number in range(count):
        images[number, 2, 0, number] = 90
    return Encoded(images / 255)


@pytest.mark.parametrize(
    ("name", "answers"), [(n, "scores") for n in ATTACKS] + [("evade-hc", "labels")]
)
def test_they_succeed_through_a_server(server: Server, name: str, answers: str) -> None:
    victim, rows = remote(server, 1000, answers=answers), Rows(labels=torch.tensor([0]))
    made = ATTACKS[name](victim, reddish(lead=2), untargeted(margin), rows=rows, seed=0)
    assert int(victim(made).best) != 0
    assert victim.queries <= 120


@pytest.mark.parametrize("name", ["estimated", "gen-attack"])
def test_where_the_budget_ends_the_best_so_far_is_there_and_paid_answers_are_used_again(
    server: Server, name: str, tmp_path: Path
) -> None:
    goal, images = targeted(2, margin, confidence=1e9), reddish(lead=60)
    cut = remote(server, 40, tmp_path / "answers")
    some = ATTACKS[name](cut, images, goal, seed=0)
    assert (cut.queries, server.images) == (40, 40)
    losses = [
        float(goal.loss(cut(one), Rows().photo(one))) for one in (images, some)
    ]  # both were asked about, so that they cost nothing more
    assert losses[1] < losses[0]
    whole = ATTACKS[name](remote(server, 1000), images, goal, seed=0)
    before = server.images
    more = remote(server, 1000, tmp_path / "answers")
    assert torch.equal(ATTACKS[name](more, images, goal, seed=0), whole)
    assert server.images - before == before - 40 - 40


def test_batches_that_were_paid_are_judged(server: Server) -> None:
    images = reddish(6, lead=60)
    pictures = Pictures((Path("x.png"),) * 6, images, torch.zeros(6, dtype=torch.long), told=True)
    victim, goal = remote(server, 100), (untargeted(margin), None)
    attack = GenAttack(eps=8 / 255, queries=40)
    found = attack_pictures(victim, attack, pictures, goal, seed=0, watch=(2, lambda _: None))
    assert found.interrupted
    assert found.report.n == len(found.images) == 4
    with pytest.raises(BudgetError, match="budget: expected at most 1 images"):
        attack_pictures(
            remote(server, 1), attack, pictures, goal, seed=0, watch=(2, lambda _: None)
        )
