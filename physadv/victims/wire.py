"""How images travel to a remote classifier, and how its answers are read from the reply."""

import base64
import hashlib
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor

from physadv.core import UserError, check
from physadv.core.check import one_of
from physadv.victims.labels import find_label

BODIES = ("json_png", "json_lists", "multipart")
ANSWERS = ("scores", "probabilities", "labels")
SHOWN = 60
"""How much of a reply an error shows."""


@dataclass(frozen=True)
class Wire:
    """The request's body and the reply's, both of a batch of images.

    `body`: "json_png" is `{field: [base64 of a PNG, ...]}`, "json_lists" is
    `{field: [nested lists (3,H,W) or (H,W,3) of floats, ...]}`, "multipart" is form data with one
    PNG file named `field` an image. PNG rounds to 8 bits. `reply` is the dotted way to the answers
    in the JSON reply ("predictions", "result.0.scores", "" for all of it): a list with one entry an
    image. `answers` says what an entry is: K "scores" (logits or log-probabilities), K
    "probabilities", or one of the "labels" by name or number, which then scores 1, others 0.
    """

    body: Literal["json_png", "json_lists", "multipart"] = "json_png"
    field: str = "images"
    reply: str = "scores"
    answers: Literal["scores", "probabilities", "labels"] = "scores"

    def __post_init__(self) -> None:
        """Check what was given."""
        one_of("body", self.body, BODIES)
        one_of("answers", self.answers, ANSWERS)

    @property
    def is_png(self) -> bool:
        """Whether images travel with 8 bits a value, RGB."""
        return self.body != "json_lists"

    def request(self, batch: Tensor) -> tuple[str, bytes]:
        """Return the content type and the body for a batch."""
        if self.body == "multipart":
            return _multipart(self.field, [_png(image) for image in batch])
        if self.body == "json_lists":
            images: list[Any] = batch.tolist()
        else:
            images = [base64.b64encode(_png(image)).decode() for image in batch]
        return "application/json", json.dumps({self.field: images}).encode()

    def content(self, batch: Tensor) -> bytes:
        """Return the values of a batch as they travel: equal for requests that are equal."""
        values = _bytes(batch) if self.is_png else batch
        return values.contiguous().numpy().tobytes()

    def read(self, content: bytes, rows: int, labels: Sequence[str]) -> Tensor:
        """Return the scores (rows,K) in a reply; raises `UserError` for nonsense."""
        entries = self._entries(content)
        if rows == 1 and self.answers != "labels" and _is_row(entries):
            entries = [entries]
        good = isinstance(entries, list) and len(entries) == rows
        expected = f"a list of {rows} answers at {self.reply!r} of the reply"
        check(good, "victim", expected=expected, got=_shown(content))
        if self.answers == "labels":
            return _one_hot([_class(entry, labels) for entry in entries], len(labels))
        for entry in entries:
            check(_is_row(entry), "victim", expected="finite numbers a class", got=_shown(content))
            expected = f"one name for each of the victim's {len(entry)} outputs"
            check(len(entry) == len(labels), "labels", expected=expected, got=f"{len(labels)}")
        scores = torch.tensor(entries, dtype=torch.float64)
        return scores if self.answers == "scores" else _logarithm(scores)

    def _entries(self, content: bytes) -> Any:
        try:
            found = json.loads(content)
            for part in self.reply.split(".") if self.reply else ():
                found = found[int(part)] if isinstance(found, list) else found[part]
        except (ValueError, RecursionError) as error:
            raise UserError("victim", expected="a JSON reply", got=_shown(content)) from error
        except (LookupError, TypeError) as error:
            expected, fix = f"a reply with {self.reply!r}", "say in Wire(reply=...) where it is"
            raise UserError("victim", expected=expected, got=_shown(content), fix=fix) from error
        return found


def _bytes(images: Tensor) -> Tensor:
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


def _png(image: Tensor) -> bytes:
    file = io.BytesIO()
    Image.fromarray(_bytes(image).permute(1, 2, 0).contiguous().numpy()).save(file, "PNG")
    return file.getvalue()


def _multipart(field: str, files: Sequence[bytes]) -> tuple[str, bytes]:
    boundary = hashlib.sha256(b"".join(files)).hexdigest()
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; '
        f'filename="{k}.png"\r\nContent-Type: image/png\r\n\r\n'.encode()
        + file
        + b"\r\n"
        for k, file in enumerate(files)
    ]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def _is_row(entry: object) -> bool:
    return isinstance(entry, list) and all(
        isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)
        for one in entry
    )


def _class(entry: object, labels: Sequence[str]) -> int:
    good = isinstance(entry, str | int) and not isinstance(entry, bool)
    check(good, "victim", expected="a label, by name or number", got=repr(entry)[:SHOWN])
    assert isinstance(entry, str | int)
    return find_label(labels, entry)


def _one_hot(classes: Sequence[int], count: int) -> Tensor:
    return torch.nn.functional.one_hot(torch.tensor(classes), count).double()


def _logarithm(probabilities: Tensor) -> Tensor:
    low, high = float(probabilities.min()), float(probabilities.max())
    good, got = low >= 0 and high <= 1 + 1e-6, f"{low:.3g} to {high:.3g}"
    check(good, "victim", expected="probabilities", got=got, fix='say answers="scores"')
    return probabilities.clamp_min(1e-12).log()


def _shown(content: bytes) -> str:
    text = content[:SHOWN].decode("utf-8", errors="replace")
    return repr(text) + ("…" if len(content) > SHOWN else "")
