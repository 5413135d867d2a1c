"""Laws of printing: defaults, tone value, ink limit, dots, veil, the profile's table, drift."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from physadv.core import (
    Encoded,
    Ink,
    Linear,
    UserError,
    declared,
    decode,
    draw,
    encode,
    generator,
    neutral,
    take,
)
from physadv.printing import Drift, Printer, Profile, load_profile, read_icc, read_profile
from physadv.printing.halftone import limit_ink

COVER = torch.ones(1, 1, 1, 1)


def ink(colour: Tensor) -> Ink:
    return Ink(Encoded(colour), torch.ones_like(colour[:, :1]))


def some(size: int = 24, seed: int = 0) -> Ink:
    return ink(torch.rand(1, 3, size, size, generator=generator(seed)))


def grey(light_ratio: float) -> Ink:
    return ink(encode(Linear(torch.full((1, 3, 1, 1), light_ratio))))


def cube(nodes: int) -> Tensor:
    """Return the encoded colours (N,N,N,3) at a table's nodes."""
    axis = torch.linspace(0, 1, nodes)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)


def test_the_default_printer_is_a_line_between_black_and_white() -> None:
    paint = some()
    assert torch.equal(Printer()(paint).reflectance, 0.04 + (0.88 - 0.04) * decode(paint.colour))


@pytest.mark.parametrize("gain_pct", [-10.0, 14.0, 25.0])
def test_dot_gain_is_what_a_densitometer_reads_at_half_tone(gain_pct: float) -> None:
    """Murray and Davies: area = (white - R) / (white - black)."""
    printer = Printer(dot_gain_pct=gain_pct)
    read = [float(printer(grey(bare)).reflectance.mean()) for bare in (0.0, 0.5, 1.0)]
    areas = [100 * (0.88 - value) / (0.88 - 0.04) for value in read]
    assert areas == pytest.approx([100, 50 + gain_pct, 0], abs=1e-3)


@given(st.floats(0, 25), st.floats(1, 3), st.floats(0.0, 0.99))
@settings(max_examples=40, deadline=None)
def test_more_light_in_the_file_is_more_light_in_print(
    gain_pct: float, n_ratio: float, bare: float
) -> None:
    printer = Printer(dot_gain_pct=gain_pct, yule_nielsen_ratio=n_ratio)
    dark, light = (float(printer(grey(v)).reflectance.mean()) for v in (bare, bare + 0.01))
    assert 0.04 - 1e-5 <= dark <= light + 1e-6 <= 0.88 + 1e-5


def test_yule_and_nielsen_by_hand() -> None:
    """At half the area and n = 2: ((sqrt(0.64) + sqrt(0.04)) / 2)^2 = 0.25."""
    printer = Printer(0.04, 0.64, yule_nielsen_ratio=2.0)
    assert float(printer(grey(0.5)).reflectance.mean()) == pytest.approx(0.25, abs=1e-5)


def test_the_paper_tints_the_white_and_not_the_black() -> None:
    printer = Printer(tint_ratio=(1.0, 0.95, 0.9))
    white, black = (printer(grey(v)).reflectance.flatten().tolist() for v in (1.0, 0.0))
    assert white == pytest.approx([0.88, 0.88 * 0.95, 0.88 * 0.9], abs=1e-6)
    assert black == pytest.approx([0.04] * 3, abs=1e-6)


def test_the_inks_never_exceed_their_limit_and_keep_their_shares() -> None:
    area = torch.rand(1, 3, 16, 16, generator=generator(1))
    limited = limit_ink(area, 180.0)
    assert float(limited.sum(dim=1).max()) <= 1.8 + 1e-5
    over = area.sum(dim=1, keepdim=True) > 1.8
    assert 0 < int(over.sum()) < over.numel()
    assert torch.equal(torch.where(over, 0, limited), torch.where(over, 0, area))
    shares, kept = area / area.sum(dim=1, keepdim=True), limited / limited.sum(dim=1, keepdim=True)
    torch.testing.assert_close(kept, shares)


def test_a_limit_makes_black_grey() -> None:
    """200 % of 300 % black leaves a third of the paper bare: Murray-Davies."""
    bare = float(Printer(ink_limit_pct=200.0)(grey(0.0)).reflectance.mean())
    assert bare == pytest.approx(0.04 + (0.88 - 0.04) / 3, abs=1e-5)


def test_a_laminate_veils_what_is_below() -> None:
    """What its surface reflects does not reach the ink: R' = v + (1 - v) R."""
    printed = Printer()(some()).reflectance
    veiled = Printer(laminate_ratio=0.04)(some()).reflectance
    torch.testing.assert_close(veiled, 0.04 + 0.96 * printed)


@pytest.mark.parametrize("dpi", [150.0, 300.0, 1200.0])
def test_dots_finer_than_the_ink_change_nothing(dpi: float) -> None:
    paint = some()  # 24 columns of 0.5 mm
    plain = Printer()(paint).reflectance
    assert torch.equal(Printer(dpi=dpi)(paint, width_mm=12.0).reflectance, plain)


def test_coarse_dots_are_averages_at_true_scale() -> None:
    """12 mm at 25.4 dpi are 12 dots of 1 mm: blocks of 2 x 2 of the 24 columns."""
    paint = some()
    seen = Printer(dpi=25.4)(paint, width_mm=12.0).reflectance
    blocks = paint.colour.reshape(1, 3, 12, 2, 12, 2).mean(dim=(3, 5))
    expected = 0.04 + 0.84 * decode(Encoded(blocks))
    torch.testing.assert_close(seen[..., ::2, ::2], expected)
    assert torch.equal(seen[..., ::2, ::2], seen[..., 1::2, 1::2])


def test_a_table_of_what_the_file_says_changes_nothing() -> None:
    """A trilinear table of a function that is linear in each channel is exact."""
    paint = some()
    for nodes in (2, 9, 17):
        torch.testing.assert_close(
            Profile(cube(nodes))(paint.colour), decode(paint.colour), atol=2e-6, rtol=1e-4
        )


def test_a_table_is_read_at_its_nodes_and_between_them() -> None:
    table = torch.rand(4, 4, 4, 3, generator=generator(2))
    at = torch.tensor([1 / 3, 2 / 3, 1.0]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(encode(Profile(table)(Encoded(at))).flatten(), table[1, 2, 3])
    between = torch.tensor([0.5, 2 / 3, 1.0]).reshape(1, 3, 1, 1)
    middle = (table[1, 2, 3] + table[2, 2, 3]) / 2
    torch.testing.assert_close(encode(Profile(table)(Encoded(between))).flatten(), middle)


@pytest.mark.parametrize(
    "printer",
    [
        Printer(dot_gain_pct=15.0, yule_nielsen_ratio=1.7, ink_limit_pct=220.0),
        Printer(tint_ratio=(1.0, 0.98, 0.9), laminate_ratio=0.03),
        Printer.of(Profile(0.2 + 0.6 * torch.rand(5, 5, 5, 3, generator=generator(4)))),
    ],
)
def test_the_gradient_is_the_difference_quotient(printer: Printer) -> None:
    colour = 0.1 + 0.8 * torch.rand(1, 3, 2, 3, generator=generator(3), dtype=torch.float64)

    def light(at: Tensor) -> Tensor:
        return printer(ink(at)).reflectance

    assert torch.autograd.gradcheck(light, colour.requires_grad_(), atol=1e-5)


def test_a_profile_survives_its_file(tmp_path: Path) -> None:
    table = torch.rand(5, 5, 5, 3, generator=generator(0))
    scatter = torch.tensor([0.03, 0.02, 0.01]), torch.tensor([0.004, 0.005, 0.006])
    profile = Profile(table, "photo.jpg", 1.25, *scatter)
    profile.save(tmp_path / "p.safetensors")
    read = read_profile(tmp_path / "p.safetensors")
    assert (read.source, read.held_out_de2000) == ("photo.jpg", 1.25)
    kept = (read.table, read.gain_std_ratio, read.offset_std_ratio)
    assert all(map(torch.equal, kept, (table, *scatter)))
    Profile(table).save(tmp_path / "p.safetensors")
    assert load_profile(tmp_path / "p.safetensors").held_out_de2000 is None


def test_files_that_are_no_profiles(tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("hello")
    save_file({"theta": torch.zeros(2)}, tmp_path / "theta.safetensors")
    Profile(torch.full((3, 3, 3, 3), torch.nan)).save(tmp_path / "nan.safetensors")
    Profile(torch.zeros(3, 4, 3, 3)).save(tmp_path / "shape.safetensors")
    expected = {
        "absent": "a file that exists",
        "text": "none or damaged",
        "theta": "holds something else",
        "nan": "0..1",
        "shape": "(N,N,N,3)",
    }
    for name, told in expected.items():
        with pytest.raises(UserError, match="printer: expected") as caught:
            load_profile(tmp_path / f"{name}.safetensors")
        assert told in str(caught.value)
    with pytest.raises(UserError, match="out: expected a file that can be written"):
        Profile(torch.zeros(2, 2, 2, 3)).save(tmp_path)


def test_drift_is_idle_unless_a_profile_is_uncertain() -> None:
    assert Printer().vary(draw(declared(Printer()), 4, generator(0))) is None
    certain = Printer.of(Profile(cube(3)))
    assert certain.vary(neutral(declared(certain), 4)) is None


def test_drift_has_the_deviations_of_the_profile() -> None:
    """A uniform span of half width w has the standard deviation w / sqrt(3)."""
    gain_std, offset_std = torch.tensor([0.03, 0.02, 0.05]), torch.tensor([0.01, 0.002, 0.004])
    printer = Printer.of(Profile(cube(3), "", None, gain_std, offset_std))
    names = declared(printer)
    assert {name.partition(".")[0] for name in names} == {"drift"}
    found = printer.vary(draw(names, 20000, generator(0)))
    assert found is not None
    gain, offset = found
    torch.testing.assert_close(gain.mean(dim=0), torch.ones(3), atol=2e-3, rtol=0)
    torch.testing.assert_close(gain.std(dim=0), gain_std, rtol=0.02, atol=0)
    torch.testing.assert_close(offset.std(dim=0), offset_std, rtol=0.02, atol=0)


def test_drift_at_neutral_changes_nothing_and_rows_are_their_own() -> None:
    drift = Drift.of(torch.full((3,), 0.03), torch.full((3,), 0.01))
    rest = drift(neutral(declared(drift), 2))
    assert rest is not None
    assert torch.equal(rest[0], torch.ones(2, 3))
    assert torch.equal(rest[1], torch.zeros(2, 3))
    given_ = draw(declared(drift), 3, generator(0))
    whole, alone = drift(given_), drift(take(given_, slice(1, 2)))
    assert whole is not None
    assert alone is not None
    assert torch.equal(whole[0][1:2], alone[0])


@pytest.mark.parametrize(
    ("settings_", "argument"),
    [
        ({"white_ratio": 0.03}, "Printer"),
        ({"tint_ratio": (1.2, 1.0, 1.0)}, "Printer"),
        ({"dot_gain_pct": 30.0}, "dot_gain_pct"),
        ({"yule_nielsen_ratio": 0.5}, "yule_nielsen_ratio"),
        ({"ink_limit_pct": 320.0}, "ink_limit_pct"),
        ({"laminate_ratio": -0.1}, "laminate_ratio"),
        ({"dpi": 0.0}, "dpi"),
    ],
)
def test_printers_that_cannot_be(settings_: dict[str, float], argument: str) -> None:
    with pytest.raises(UserError, match=f"^{argument}: "):
        replace(Printer(), **settings_)  # type: ignore[arg-type]  # one of several types


def test_an_unknown_intent(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"intent: expected one of perceptual, relative"):
        read_icc(tmp_path / "p.icc", intent="relativ")
