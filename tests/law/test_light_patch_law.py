"""Light, lens: what is neutral changes nothing, gain is linear, areas and powers are kept."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import assume, settings
from hypothesis import given as over
from hypothesis import strategies as st
from torch import Tensor

from physadv.core import (
    Encoded,
    Film,
    Ink,
    Lighting,
    Linear,
    Sensor,
    Touch,
    UserError,
    Window,
    decode,
    generator,
)
from physadv.core.coverage import coverage
from physadv.objectives import untargeted
from physadv.output.pictures import patch_picture
from physadv.patch import LaserLine, LensDots, Pixels, Projection, ShadowPolygon, ink
from physadv.problem import Problem
from physadv.scene.street import FACE_PX
from tests.victims import small_victim
from tests.worlds import tiny_world, two_bars

SIZE = (900.0, 900.0)
WIDE = (600.0, 900.0)
ODD = (24, 24)
SHARE = st.floats(0, 1)


def window(size: int = 24, pitch: float = 1.0) -> Window:
    """Return two windows of a small sensor."""
    origin = torch.tensor([[3.0, 5.0], [40.0, 30.0]])
    return Window(origin, (size, size), Sensor(128, 96, 60.0), torch.full((2,), pitch))


def seen(touch: Touch | None, *, hardly: bool = False) -> Tensor:
    world = tiny_world()
    return world.photograph(touch, world.draw(3, generator(1)), ODD, hardly=hardly).pixels


NEUTRAL: dict[str, Touch] = {
    "no shadow": ShadowPolygon(SIZE, shade_ratio=1.0).touch(torch.rand(3, 2), FACE_PX),
    "no power": LaserLine(SIZE, power_mw=(0.0, 0.0)).touch(torch.rand(1, 5), FACE_PX),
    "no lamp": Projection(SIZE, projector_lux=0.0).touch(torch.rand(3, 12, 12), FACE_PX),
    "no opacity": LensDots(alpha_max=0.0).touch(torch.rand(8, 6)),
}


@pytest.mark.parametrize("name", NEUTRAL)
@pytest.mark.parametrize("hardly", [False, True])
def test_what_is_neutral_changes_nothing(name: str, hardly: bool) -> None:
    """Within rounding: sums of a face under light are not the ones that are remembered."""
    off = (seen(NEUTRAL[name], hardly=hardly) - seen(None, hardly=hardly)).abs().max()
    assert float(off) <= (1.01 / 255 if hardly else 2e-4)


def test_the_light_of_a_sign_is_linear_in_the_gain() -> None:
    """Rendered light under a mean of two lightings is the mean of the light under each."""
    world, face = tiny_world(), torch.rand(1, 3, 64, 64, generator=generator(2)) * 3
    given = {n: v for n, v in world.draw(2, generator(1)).items() if n.startswith("scene.")}
    scene = {name.removeprefix("scene."): value for name, value in given.items()}
    frame_world = world.draw(2, generator(1))
    views = world.scene.views(scene, world._frame(_camera(frame_world), None))

    def light(gain: Tensor) -> Tensor:
        surface = world.scene.lit(Lighting(gain), fine=True)
        return torch.cat([world.scene.render(surface, view, scene).flatten() for view in views])

    mixed = light(0.25 * face + 0.75)
    apart = 0.25 * light(face) + 0.75 * light(torch.ones_like(face))
    torch.testing.assert_close(mixed, apart, rtol=1e-4, atol=1e-4)
    assert float((light(face) - light(torch.ones_like(face))).abs().max()) > 0.1


def _camera(given: dict[str, Tensor]) -> dict[str, Tensor]:
    mine = {name: value for name, value in given.items() if name.startswith("camera.")}
    return {name.removeprefix("camera."): value for name, value in mine.items()}


@settings(max_examples=40, deadline=None)
@over(st.lists(st.tuples(SHARE, SHARE), min_size=3, max_size=3))
def test_a_shadow_s_area_is_its_triangle_s(corners: list[tuple[float, float]]) -> None:
    """A penumbra takes as much inside as it gives outside; oracle: the exact area.

    Corners keep away from the frame's edge, so that nothing is cut off; a triangle must be wider
    than a pixel (3 mm).
    """
    theta = 0.1 + 0.8 * torch.tensor(corners).double()
    patch = ShadowPolygon(WIDE, penumbra_mm=30.0)
    outline = patch.outline_mm(theta)
    exact = abs(signed(outline))
    assume(2 * exact / max(perimeter(outline), 1e-9) > 3)
    found = float(patch.hidden(theta, 300).sum()) * 9
    assert found == pytest.approx(exact, abs=30 + 0.1 * perimeter(outline))


def test_a_penumbra_is_the_sun_s_disc_cut_by_an_edge() -> None:
    """Across a straight edge: the share of a disc beyond it, in closed form."""
    patch = ShadowPolygon(SIZE, penumbra_mm=90.0)
    edge = torch.tensor([[0.5, -9.0], [0.5, 10.0], [-9.0, 0.5]]).double()
    found = patch.hidden(edge, 300)[0, 0, 150]
    t = ((450 - (torch.arange(300).double() + 0.5) * 3) / 45).clamp(-1, 1)
    expected = 0.5 + (t * (1 - t**2).sqrt() + torch.asin(t)) / math.pi
    torch.testing.assert_close(found, expected, atol=0.01, rtol=0)


def test_what_is_narrower_than_the_penumbra_has_no_full_shadow() -> None:
    """A strip of 9 mm under a disc of 90 mm: the strip's share of the disc at its middle."""
    patch = ShadowPolygon(SIZE, corners=4, penumbra_mm=90.0)
    strip = torch.tensor([[0.495, -9.0], [0.505, -9.0], [0.505, 10.0], [0.495, 10.0]]).double()
    found = float(patch.hidden(strip, 600)[0, 0, 300].max())
    assert found == pytest.approx(9 * 90 / (math.pi * 45**2), rel=0.03)


def signed(outline: tuple[tuple[float, float], ...]) -> float:
    pairs = zip(outline, outline[1:] + outline[:1], strict=True)
    return sum(a[0] * b[1] - a[1] * b[0] for a, b in pairs) / 2


def perimeter(outline: tuple[tuple[float, float], ...]) -> float:
    return sum(math.dist(a, b) for a, b in zip(outline, outline[1:] + outline[:1], strict=True))


def test_a_sharp_shadow_is_the_exact_cover_pixel_by_pixel() -> None:
    """A quadrilateral with an inward corner; pixels at its four corners may be off."""
    theta = torch.tensor([[0.1, 0.2], [0.9, 0.15], [0.6, 0.5], [0.7, 0.95]])
    patch = ShadowPolygon(SIZE, corners=4, penumbra_mm=0.0)
    exact = torch.from_numpy(coverage(((patch.outline_mm(theta),),), SIZE, (150, 150)))
    off = (patch.hidden(theta.double(), 150)[0, 0] - exact).abs()
    assert float(off.mean()) < 2e-3
    assert int((off > 0.15).sum()) <= 8


def test_the_shade_is_43_per_cent_of_lightness_at_middle_grey() -> None:
    def luminance(lightness: float) -> float:
        return ((lightness + 16) / 116) ** 3 if lightness > 8 else lightness / 903.3

    ratio = luminance(0.43 * 50) / luminance(50)
    assert ShadowPolygon(SIZE).shade_ratio == pytest.approx(ratio, abs=0.01)
    gain = ShadowPolygon(SIZE, tint=(0.8, 1.0, 1.4)).touch(
        torch.tensor([[-5.0, -5], [9, 0], [0, 9]]), 8
    )
    expected = 0.18 * torch.tensor([0.8, 1.0, 1.4])
    torch.testing.assert_close(gain.gain[0, :, 4, 4], expected, atol=1e-4, rtol=0)


@settings(max_examples=25, deadline=None)
@over(SHARE, SHARE, SHARE, st.sampled_from([32, 64, 256]))
def test_a_laser_s_light_does_not_depend_on_width_or_raster(
    angle: float, width: float, wavelength: float, width_px: int
) -> None:
    """Through the frame's middle: the light in the frame is that of the line's length in it."""
    patch = LaserLine(SIZE)
    theta = torch.tensor([[angle, 0.5, width, wavelength, 1.0]])
    profile = patch.profile(patch.told(theta), width_px)[0]
    turn = math.radians(180 * angle)
    chord = 900 / max(abs(math.cos(turn)), abs(math.sin(turn)))
    found = float(profile.double().sum()) * (900 / width_px) ** 2
    assert found == pytest.approx(chord, rel=0.03)


def test_a_laser_s_lux_is_the_sum_of_its_lumens() -> None:
    """A green line of 5 mW from edge to edge, at 0.885 of the eye's best efficacy."""
    patch = LaserLine(SIZE, ambient_lux=7.0, length_mm=900.0, wavelength_nm=(532.0, 532.0))
    gain = patch.touch(torch.tensor([[0.0, 0.5, 0.5, 0.5, 1.0]]), 300).gain
    luma = torch.tensor([0.2126, 0.7152, 0.0722])
    kept = torch.tensor(1.0).new_tensor([0.0, 1.0, 0.0])  # red and blue of 532 nm are cut to 0
    lumens = float(((gain - 1)[0] * (luma * kept)[:, None, None]).sum()) * 7.0 * 0.003**2
    assert gain[0, 0].max() == 1
    assert lumens == pytest.approx(0.005 * 683 * 0.885 * 1.17, rel=0.05)  # the cut adds 17 %


def test_dots_have_the_paper_s_profile() -> None:
    patch = LensDots(dots=1, alpha_max=0.3, exponent=1.5, radius_ratio=(0.1, 0.1))
    theta = torch.tensor([[0.5, 0.5, 0.0, 1.0, 0.5, 0.0]])
    layer = patch.touch(theta).layer(window(pitch=2.0))
    place = window(pitch=2.0).pixels() - torch.tensor([64.0, 48.0])
    expected = 0.3 * torch.exp(-((place.norm(dim=-1) / 12.8) ** 3))
    torch.testing.assert_close(layer[:, 3], expected, atol=1e-6, rtol=1e-4)
    colour = decode(Encoded(torch.tensor([1.0, 0.5, 0.0])[None, :, None, None]))
    torch.testing.assert_close(layer[:, :3], colour * expected[:, None], atol=1e-6, rtol=1e-4)


def test_dots_stay_where_they_are_on_the_sensor_whatever_the_window() -> None:
    patch, theta = LensDots(), torch.rand(8, 6, generator=generator(3))
    film = patch.touch(theta)
    whole = film.layer(Window(torch.zeros(1, 2), (96, 128), Sensor(128, 96, 60.0)))
    part = film.layer(window())
    torch.testing.assert_close(part[1:], whole[:, :, 30:54, 40:64])


def test_dots_lie_over_one_another_as_one_after_the_other() -> None:
    patch, theta = LensDots(dots=3), torch.rand(3, 6, generator=generator(4))
    light = Linear(torch.rand(2, 3, 24, 24, generator=generator(5)))
    one = light
    for dot in theta:
        one = LensDots(dots=1).touch(dot[None]).before(one, window())
    torch.testing.assert_close(patch.touch(theta).before(light, window()), one)


Size = tuple[float, float]
PATCHES: dict[str, Callable[[Size], ShadowPolygon | LaserLine | Projection | LensDots]] = {
    "shadow": lambda size_mm: ShadowPolygon(size_mm, penumbra_mm=300.0),
    "laser": lambda size_mm: LaserLine(size_mm, lines=2, width_mm=(80.0, 300.0)),
    "projector": lambda size_mm: Projection(size_mm, 300.0),
    "dots": lambda _: LensDots(dots=2, radius_ratio=(0.2, 0.5)),
}


@pytest.mark.parametrize("name", PATCHES)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    patch = PATCHES[name](WIDE)
    theta = patch.start(generator(6)).double().clamp(0.1, 0.9).requires_grad_()

    def values(theta: Tensor) -> Tensor:
        touch = patch.touch(theta, 16)
        return touch.layer(window(8)) if isinstance(touch, Film) else touch.gain

    assert torch.autograd.gradcheck(values, (theta,), eps=1e-6, atol=1e-4)


@pytest.mark.parametrize("name", PATCHES)
def test_the_world_hands_the_gradient_on(name: str) -> None:
    patch = PATCHES[name](SIZE)
    problem = Problem(small_victim(), untargeted(), patch, tiny_world(label=0))
    theta = patch.start(generator(7)).requires_grad_()
    loss = problem.evaluate(theta, problem.draw(3, generator(8))).loss.mean()
    (slope,) = torch.autograd.grad(loss, theta)
    assert bool(slope.isfinite().all())
    assert float(slope.abs().max()) > 0


def test_light_for_another_frame_is_refused() -> None:
    expected = r"patch: expected light on a frame of 900 x 900 mm.*got .*43 x 64"
    with pytest.raises(UserError, match=expected):
        seen(Projection(WIDE).touch(torch.rand(3, 8, 12), 64))


def test_what_cannot_be_printed_is_refused() -> None:
    patch = LensDots()
    with pytest.raises(UserError, match=r"a patch of ink.*LensDots, which is film"):
        patch_picture(patch, patch.start(generator(0)))
    printable = Pixels(two_bars())
    assert isinstance(ink(printable, printable.start(generator(0)), 64), Ink)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ShadowPolygon(SIZE, corners=2), "corners.*at least 3.*2"),
        (lambda: ShadowPolygon(SIZE, shade_ratio=1.2), "shade_ratio.*from 0 to 1"),
        (lambda: ShadowPolygon(SIZE, penumbra_mm=-1.0), "penumbra_mm"),
        (lambda: LaserLine(SIZE, lines=0), "lines.*at least 1"),
        (lambda: LaserLine(SIZE, ambient_lux=0.0), "ambient_lux.*above 0"),
        (lambda: LaserLine(SIZE, width_mm=(0.0, 5.0)), "width_mm.*above 0"),
        (lambda: Projection(SIZE, ambient_lux=0.0), "ambient_lux.*above 0"),
        (lambda: Projection(SIZE, projector_lux=-1.0), "projector_lux"),
        (lambda: Projection(SIZE, contrast_ratio=0.5), "contrast_ratio"),
        (lambda: LensDots(dots=0), "dots.*at least 1"),
        (lambda: LensDots(alpha_max=1.5), "alpha_max.*from 0 to 1"),
        (lambda: LensDots(exponent=0.0), "exponent.*above 0"),
        (lambda: LensDots(radius_ratio=(0.0, 0.1)), "radius_ratio.*above 0"),
    ],
)
def test_what_no_light_can_be_is_refused(make: Callable[[], object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        make()
