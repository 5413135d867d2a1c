"""A classifier behind an HTTP address as a victim: a black box that costs something to ask."""

import hashlib
from collections.abc import Sequence
from math import nan
from pathlib import Path

import torch
from torch import Tensor

from physadv.core import Answer, Encoded, UserError, check
from physadv.victims.door import check_images
from physadv.victims.kept import Answers, Kept
from physadv.victims.labels import find_label
from physadv.victims.prepare import Prepare
from physadv.victims.service import Line, Service
from physadv.victims.wire import Wire


class BudgetError(UserError):
    """The query budget is used up; `scores` (B,K) are what is known, NaN where nothing is."""

    scores: Tensor


class UnansweredError(UserError):
    """The server hangs, fails or answers nonsense; what was answered before is kept."""


UNANSWERED = (BudgetError, UnansweredError)
"""Why there may be no answer to all that was asked."""


class Remote:
    """A classifier that is asked over HTTP, by scores, probabilities or labels alone.

    `service` is its address (a URL, or a `Service` with time limit, retries, rate, certificates),
    `wire` how images and answers travel, `prepare` the size images are brought to (and, for nested
    lists, all else it can do). Up to `per_request` images go in one request. At most `budget`
    images are sent, retries included; `queries` counts them. What was answered once is not asked
    again: answers are kept in the folder `cache`, across runs, or in memory without one.
    There is no gradient.
    """

    differentiable = False

    def __init__(
        self,
        service: str | Service,
        labels: Sequence[str],
        prepare: Prepare,
        *,
        wire: Wire | None = None,
        budget: int | None = None,
        cache: str | Path | None = None,
    ) -> None:
        """Get ready; nothing is sent yet. Raises `UserError` for settings that do not fit."""
        check(not isinstance(labels, str), "labels", expected="a list of names", got=repr(labels))
        check(budget is None or budget >= 0, "budget", expected="images, or None", got=budget)
        self.service = Service(service) if isinstance(service, str) else service
        self.wire = Wire() if wire is None else wire
        self.labels, self.prepare, self.budget = tuple(labels), prepare, budget
        plain = Prepare(prepare.size_px)
        changed = (prepare.mean, prepare.std, prepare.bgr, prepare.scale, prepare.channels_last)
        same = (plain.mean, plain.std, plain.bgr, plain.scale, plain.channels_last)
        expected, fix = "no change of values for PNG", 'or say Wire(body="json_lists")'
        good = not self.wire.is_png or changed == same
        check(good, "prepare", expected=expected, got=prepare, fix=fix)
        self.name, self.queries, self.per_request = self.service.place, 0, 16
        told = "labels alone" if self.wire.answers == "labels" else self.wire.answers
        self.note = f"black box over HTTP: it tells {told}"
        self.answers: Answers = Kept(cache, len(self.labels))
        self._line = Line(self.service)

    def __repr__(self) -> str:
        """Say what it is in one line."""
        return f"<Remote {self.name}: {len(self.labels)} classes, {self.queries} images sent>"

    @property
    def size_px(self) -> tuple[int, int]:
        """The (height, width) that images are brought to."""
        return self.prepare.size

    def __call__(self, images: Encoded) -> Answer:
        """Answer for (B,3,H,W) images in [0,1] of any size.

        Raises `BudgetError`, and `UnansweredError` where the server hangs, fails, or answers
        nonsense; what was answered before that is kept.
        """
        check_images(images)
        batch = self.prepare(images.detach().float().cpu())
        keys = [self._key(batch[k : k + 1]) for k in range(len(batch))]
        known = {key: self.answers.get(key) for key in keys}
        try:
            self._fill(known, {key: k for k, key in enumerate(keys)}, batch)
        except BudgetError as error:
            error.scores = self._together(known, keys).to(images)
            raise
        except UserError as error:
            expected, got, fix = error.expected, error.got, error.fix
            raise UnansweredError(error.argument, expected=expected, got=got, fix=fix) from error
        return Answer(self._together(known, keys).to(images))

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label, an index, or an index in digits; see `find_label`."""
        return find_label(self.labels, name_or_index)

    def digest(self) -> str:
        """Return the SHA-256 of the address, the wire and the labels; the weights are not ours."""
        told = f"{self.service.place} {self.wire} {self.labels}"
        return hashlib.sha256(told.encode()).hexdigest()

    def _fill(
        self, known: dict[str, list[float] | None], rows: dict[str, int], batch: Tensor
    ) -> None:
        """Ask for what is not known; each different image once."""
        open_keys = [key for key, scores in known.items() if scores is None]
        while open_keys:
            room = self.per_request if self.budget is None else self.budget - self.queries
            asked = open_keys[: max(1, min(self.per_request, room))]
            piece = batch[[rows[key] for key in asked]]
            for key, scores in zip(asked, self._ask(piece).tolist(), strict=True):
                known[key] = scores
                self.answers.put(key, scores)
            open_keys = open_keys[len(asked) :]

    def _ask(self, batch: Tensor) -> Tensor:
        kind, body = self.wire.request(batch)
        reply = self._line.post(kind, body, lambda: self._spend(len(batch)))
        return self.wire.read(reply, len(batch), self.labels)

    def _spend(self, count: int) -> None:
        if self.budget is not None and self.queries + count > self.budget:
            raise BudgetError(
                "budget",
                expected=f"at most {self.budget} images to be sent",
                got=f"{self.queries} sent, and {count} more to send",
                fix="answers so far are kept; give a larger budget to go on",
            )
        self.queries += count

    def _key(self, image: Tensor) -> str:
        """Return the hash of what the request for one image says, and how its answer is read."""
        told = f"{self.service.url} {self.wire} {self.labels} {tuple(image.shape)} "
        return hashlib.sha256(told.encode() + self.wire.content(image)).hexdigest()

    def _together(self, known: dict[str, list[float] | None], keys: Sequence[str]) -> Tensor:
        empty = [nan] * len(self.labels)
        rows = [known[key] or empty for key in keys]
        return torch.tensor(rows, dtype=torch.float64)
