"""What a suite's cells say together: who withstands, ranked, and what is to be doubted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from physadv.attacks.digital import Needs
from physadv.core import Rate, wilson
from physadv.evaluation.audit import audit
from physadv.evaluation.suites.cells import ADAPTIVE, CERTIFY, CLEAN, STATIC, Cell
from physadv.evaluation.suites.measure import Failure, Outcome

Results = Mapping[Cell, Outcome | Failure]


@dataclass(frozen=True)
class Row:
    """What is left of a victim behind a defence; shares are of all images, misread ones lost.

    `robust` withstand every attack of the suite, adaptive and static; `worst` is the single
    adaptive attack that leaves least, and `threats` what withstands all attacks of one size.
    `missing` cells crashed or were not run: `robust` is then too high, if anything.
    """

    victim: str
    defence: str
    clean: Rate | None
    robust: Rate | None
    worst: tuple[str, Rate] | None
    threats: dict[str, Rate]
    slowdown: float | None
    refused: Rate | None
    missing: int
    doubts: tuple[str, ...] = field(default=())

    @property
    def told(self) -> str:
        """What tables call it."""
        return f"{self.victim} · {self.defence}"


@dataclass(frozen=True)
class Attempt:
    """A cell's attack, as an audit compares it with others."""

    cell: Cell
    found: Outcome

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.cell.attack}, static" if self.transferred else self.cell.attack

    @property
    def told(self) -> str:
        """What tables call it."""
        return f"{self.cell.told}, static" if self.transferred else self.cell.told

    @property
    def eps(self) -> float | None:
        """The largest change."""
        return self.found.eps

    @property
    def size(self) -> str:
        """The same as the suite has it."""
        return self.cell.eps or f"{self.eps:g}"

    @property
    def needs(self) -> Needs | None:
        """What it must be told."""
        return self.found.needs

    @property
    def norm(self) -> str | None:
        """The norm that eps is one of."""
        return self.found.norm

    @property
    def transferred(self) -> bool:
        """Whether its images were made on the victim undefended."""
        return self.cell.kind == STATIC

    @property
    def success(self) -> Rate:
        """How often it succeeds, of those read right before."""
        left = sum(self.found.right)
        return wilson(self.found.attacked - left, self.found.attacked)

    @property
    def met(self) -> Sequence[bool]:
        """Which images are lost, misread ones among them."""
        return [not one for one in self.found.right]

    @property
    def noise(self) -> Rate | None:
        """How often noise of its size succeeds."""
        return None if self.found.noise is None else wilson(*self.found.noise)

    @property
    def one_step(self) -> Rate | None:
        """How often it succeeds after one step."""
        return None if self.found.one_step is None else wilson(*self.found.one_step)


def accuracy(found: Outcome) -> Rate:
    """Return how many images are read right, or withstand."""
    return wilson(sum(found.right), len(found.right))


def leaderboard(cells: Sequence[Cell], results: Results) -> list[Row]:
    """Return a row for each victim and defence, the one that withstands most first.

    Ties are broken by what withstands the smaller sizes, from the largest down, then by what is
    read right without an attack.
    """
    rows = [
        _row([one for one in cells if (one.victim, one.defence) == pair], results)
        for pair in dict.fromkeys((one.victim, one.defence) for one in cells)
    ]
    return sorted(rows, key=_rank)


def _rank(row: Row) -> tuple[float, ...]:
    smaller = sorted(rate.share for rate in row.threats.values())
    clean = -1.0 if row.clean is None else row.clean.share
    robust = -1.0 if row.robust is None else row.robust.share
    return (-robust, *(-share for share in smaller), -clean)


def _row(cells: Sequence[Cell], results: Results) -> Row:
    known = {one: found for one in cells if isinstance(found := results.get(one), Outcome)}
    attacks = {one: found for one, found in known.items() if one.kind in (ADAPTIVE, STATIC)}
    plain = next((found for one, found in known.items() if one.kind == CLEAN), None)
    threats: dict[str, list[Outcome]] = {}
    for one, found in sorted(attacks.items(), key=lambda pair: pair[1].eps or 0.0):
        threats.setdefault(one.threat, []).append(found)
    every = [*attacks.values(), *([] if plain is None else [plain])]
    alone = {one.told: accuracy(found) for one, found in attacks.items() if one.kind == ADAPTIVE}
    asked = None if plain is None else len(plain.right)
    return Row(
        cells[0].victim,
        cells[0].defence,
        None if plain is None else accuracy(plain),
        _withstand(every) if attacks else None,
        min(alone.items(), key=lambda pair: pair[1].share) if alone else None,
        {name: rate for name, some in threats.items() if (rate := _withstand(some))},
        None if plain is None else plain.slowdown,
        None if plain is None or plain.refused is None else wilson(plain.refused, asked or 1),
        sum(one.kind != CERTIFY for one in cells) - len(attacks) - (plain is not None),
        tuple(_doubts(attacks)),
    )


def _withstand(found: Sequence[Outcome]) -> Rate | None:
    """Return how many images are read right whatever was done."""
    if not found:
        return None
    each = [all(column) for column in zip(*(one.right for one in found), strict=True)]
    return wilson(sum(each), len(each))


def _doubts(attacks: Mapping[Cell, Outcome]) -> list[str]:
    """Return what is doubted of single attacks, and where several contradict one another."""
    tried = [Attempt(one, found) for one, found in attacks.items() if found.attacked]
    single = [
        f"{Attempt(one, found).told}: {d}" for one, found in attacks.items() for d in found.doubts
    ]
    return [*audit(tried), *single]
