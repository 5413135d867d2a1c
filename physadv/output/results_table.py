"""The results of a benchmark as a table: a row a cell, or a threat that is proved harmless."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from physadv.core import Rate, wilson
from physadv.evaluation.suites import Attempt, Cell, Failure, Outcome, accuracy

COLUMNS = (
    *("kind", "victim", "defence", "attack", "eps", "norm", "threat", "needs"),
    *("n", "hits", "share", "low", "high"),
    *("attacked", "success", "noise", "one step", "rejected", "slowdown"),
    *("queries", "seconds", "processor seconds", "doubts", "error"),
)
"""`hits` of `n` images are read right, withstand, or are certified; low and high bound 95 %."""
Table = list[dict[str, Any]]


def result_rows(cells: Sequence[Cell], results: Mapping[Cell, Outcome | Failure]) -> Table:
    """Return rows of all columns, None where there is nothing to say."""
    return [row for cell in cells if cell in results for row in _rows(cell, results[cell])]


def write_results(path: Path, table: Table) -> None:
    """Write the table as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({k: "" if v is None else v for k, v in row.items()} for row in table)


def _rows(cell: Cell, found: Outcome | Failure) -> Table:
    own = {"kind": cell.kind, "victim": cell.victim, "defence": cell.defence}
    row = dict.fromkeys(COLUMNS) | own
    if cell.attack:
        row |= {"attack": cell.attack, "eps": cell.eps or None, "norm": cell.norm or None}
        row["threat"] = cell.threat
    if isinstance(found, Failure):
        return [row | {"error": str(found)}]
    row |= {"seconds": round(found.seconds, 3), "processor seconds": round(found.processor_s, 3)}
    row |= {"queries": found.queries, "doubts": " | ".join(found.doubts) or None}
    if found.certified is not None:
        shares = {name: wilson(sum(held), len(held)) for name, held in found.certified.items()}
        return [row | {"threat": name} | _shares(rate) for name, rate in shares.items()]
    row |= _shares(accuracy(found)) | {"needs": found.needs, "rejected": found.refused}
    row["slowdown"] = None if found.slowdown is None else round(found.slowdown, 3)
    if found.attacked:
        tried = Attempt(cell, found)
        rates = {"success": tried.success, "noise": tried.noise, "one step": tried.one_step}
        row |= {k: None if one is None else round(one.share, 4) for k, one in rates.items()}
        row["attacked"] = found.attacked
    return [row]


def _shares(rate: Rate) -> dict[str, Any]:
    ends = {"share": rate.share, "low": rate.low, "high": rate.high}
    return {"n": rate.n, "hits": rate.hits} | {name: round(end, 4) for name, end in ends.items()}
