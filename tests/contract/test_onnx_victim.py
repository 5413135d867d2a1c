"""ONNX files: differentiable where the conversion can be trusted, else a black box, saying why."""

from pathlib import Path
from typing import Any

import onnx2torch
import pytest
import torch
from onnx import TensorProto
from torch import Tensor, nn

from physadv.core import Encoded, UserError, generator
from physadv.testing import check_victim
from physadv.victims import Prepare, load_victim, onnx_classifier
from tests.onnx_files import wanted, write, write_mean

UNKNOWN = "MeanVarianceNormalization"
"""onnxruntime runs it, onnx2torch does not know it."""
MEAN, STD = (0.3, 0.4, 0.5), (0.2, 0.3, 0.4)


def images(n: int = 3, size: tuple[int, int] = (12, 16)) -> Encoded:
    return Encoded(torch.rand(n, 3, *size, generator=generator(0)))


def prepared(batch: Tensor) -> Tensor:
    mean, std = (torch.tensor(numbers).reshape(3, 1, 1) for numbers in (MEAN, STD))
    return (batch - mean) / std


@pytest.mark.parametrize(
    "shape", [("N", 3, "H", "W"), ("N", 3, 12, 16), (1, 3, 12, 16), (2, 3, 12, 16)]
)
def test_it_answers_as_the_network_it_holds(tmp_path: Path, shape: tuple[int | str, ...]) -> None:
    file = write(tmp_path / "net.onnx", shape=shape)
    ready = Prepare((12, 16), MEAN, STD)
    with torch.no_grad():  # whatever the caller's mode is
        victim = onnx_classifier(file, list("abcd"), ready, output="scores")
    assert victim.differentiable
    assert victim.note.startswith("differentiable: onnx2torch is within")
    torch.testing.assert_close(victim(images()).scores, wanted(prepared(images())))
    check_victim(victim)


def test_an_unknown_operator_makes_it_a_black_box_that_says_so(tmp_path: Path) -> None:
    file = write(tmp_path / "net.onnx", extra=UNKNOWN, shape=(1, 3, "H", "W"))
    victim = onnx_classifier(file, list("abcd"), Prepare((12, 16), MEAN, STD), output="scores")
    assert not victim.differentiable
    assert victim.note.startswith("black box through onnxruntime: onnx2torch cannot")
    assert UNKNOWN in victim.note
    assert "\n" not in victim.note
    assert victim.queries == 0
    one_by_one = [wanted(prepared(image[None]), normalised=True) for image in images()]
    torch.testing.assert_close(victim(images()).scores, torch.cat(one_by_one), rtol=1e-3, atol=1e-4)
    assert victim.queries == 3
    check_victim(victim)


class Off(nn.Module):
    """Answers with something added to what it should."""

    def __init__(self, module: nn.Module, error: float) -> None:
        super().__init__()
        self.module, self.error = module, error

    def forward(self, batch: Tensor) -> list[Tensor]:
        return [one + self.error for one in self.module(batch)]


class Detached(Off):
    """Answers without gradient."""

    def forward(self, batch: Tensor) -> list[Tensor]:
        return [one.detach() for one in self.module(batch)]


@pytest.mark.parametrize(
    ("change", "error", "differentiable", "said"),
    [
        (Off, 1e-6, True, "within"),
        (Off, 1e-2, False, "more than 0.0001"),
        (Detached, 0.0, False, "no gradient reaches the images"),
    ],
)
def test_a_conversion_that_is_off_is_not_trusted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: type[Off],
    error: float,
    differentiable: bool,
    said: str,
) -> None:
    convert = onnx2torch.convert
    monkeypatch.setattr(onnx2torch, "convert", lambda model: change(convert(model), error))
    file = write(tmp_path / "net.onnx")
    victim = onnx_classifier(file, list("abcd"), Prepare(12), output="scores")
    assert victim.differentiable is differentiable
    assert said in victim.note
    torch.testing.assert_close(
        victim(images(2, (12, 12))).scores, wanted(images(2, (12, 12))), rtol=1e-3, atol=1e-4
    )


def test_bgr_scale_and_layout_are_arguments(tmp_path: Path) -> None:
    shape = ("N", "H", "W", 3)
    file = write(tmp_path / "net.onnx", channels_last=True, shape=shape)
    ready = Prepare((12, 16), bgr=True, scale=2.0, channels_last=True)
    victim = onnx_classifier(file, list("abcd"), ready, output="scores")
    torch.testing.assert_close(victim(images()).scores, wanted(2 * images().flip(1)))


def test_a_graph_of_doubles_is_asked_in_doubles(tmp_path: Path) -> None:
    file = write_mean(tmp_path / "net.onnx", kind=TensorProto.DOUBLE)
    victim = onnx_classifier(file, list("rgb"), Prepare((12, 16)))
    torch.testing.assert_close(victim(images()).scores, images().mean(dim=(2, 3)))


def test_the_digest_follows_the_file(tmp_path: Path) -> None:
    for extra in ("", UNKNOWN):
        ready = Prepare((12, 16))
        one = onnx_classifier(write(tmp_path / "a.onnx", extra=extra), None, ready, output="scores")
        two = onnx_classifier(write(tmp_path / "b.onnx", extra=extra), None, ready, output="scores")
        assert one.labels == ("class 0", "class 1", "class 2", "class 3")
        assert one.digest() == two.digest()
    content = (tmp_path / "b.onnx").read_bytes()
    (tmp_path / "b.onnx").write_bytes(content + b"\x72\x00")  # an empty documentation field
    three = onnx_classifier(tmp_path / "b.onnx", None, Prepare((12, 16)), output="scores")
    assert three.digest() != one.digest()


def refusal(path: Path, **given: Any) -> str:
    with pytest.raises(UserError) as caught:
        onnx_classifier(path, list("abcd"), **({"prepare": Prepare((12, 16))} | given))(images())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_and_settings_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "net.onnx", shape=("N", 3, 12, 16))
    assert refusal(file).startswith(
        "output: expected the name of the scores among scores, pooled, got"
    )
    assert "output: expected one of scores, pooled" in refusal(file, output="logits")
    assert "6 outputs, got 4 names" in refusal(file, output="pooled")
    assert refusal(file, prepare=Prepare(8), output="scores").startswith("prepare: expected what")
    last = Prepare((12, 16), channels_last=True)
    assert "check size_px and channels_last" in refusal(file, prepare=last, output="scores")
    assert refusal(tmp_path / "absent.onnx").startswith("victim: expected a file that exists")
    for keep in (0, 100):
        (tmp_path / "cut.onnx").write_bytes(file.read_bytes()[:keep])
        assert refusal(tmp_path / "cut.onnx").startswith(
            "victim: expected an ONNX file that onnxruntime runs, got"
        )


def test_a_size_is_read_from_the_graph_where_it_says_one(tmp_path: Path) -> None:
    fixed = write(tmp_path / "fixed.onnx", shape=("N", 3, 12, 16))
    assert onnx_classifier(fixed, output="scores").size_px == (12, 16)
    last = write(tmp_path / "last.onnx", shape=("N", 12, 16, 3), channels_last=True)
    found = onnx_classifier(last, output="scores")
    assert (found.size_px, found.prepare.channels_last) == ((12, 16), True)
    free = write(tmp_path / "free.onnx")
    with pytest.raises(UserError, match=r"^size_px: expected the height and width"):
        onnx_classifier(free, output="scores")


def test_the_layout_is_read_from_the_graph_where_the_size_is_given(tmp_path: Path) -> None:
    shape = ("N", "H", "W", 3)
    file = write(tmp_path / "n.onnx", channels_last=True, shape=shape, outputs=("scores",))
    named = load_victim(str(file), size_px=(12, 16))
    torch.testing.assert_close(named(images()).scores, wanted(images()))


def test_it_is_named_by_its_file(tmp_path: Path) -> None:
    file = write(tmp_path / "net.onnx", outputs=("scores",))
    ours = onnx_classifier(file, list("abcd"), Prepare((12, 16), MEAN, STD))
    named = load_victim(str(file), labels=list("abcd"), size_px=(12, 16), mean=MEAN, std=STD)
    torch.testing.assert_close(named(images()).scores, ours(images()).scores)
    assert (named.name, named.labels) == ("net.onnx", tuple("abcd"))
