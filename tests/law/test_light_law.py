"""Light on the sign: the sun and its gloss, shadows, headlamps, and all of it together."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.core import Sight, Span, declared, draw, generator, neutral, take
from physadv.core.pixels import pixel_grid
from physadv.scene import SignLight
from physadv.scene.dirt import Dirt
from physadv.scene.headlamps import OBSERVATION_DEG, WHITE_RA2, Headlamps, retroreflection
from physadv.scene.illuminate import Lights, illuminate
from physadv.scene.layers import Parts
from physadv.scene.shadow import SUN_DEG, Shadow
from physadv.scene.sun import F0, Sun, direction, ggx
from tests.plain_light import light_sign

SIZE = (600.0, 900.0)
MIDDLE = torch.tensor([450.0, 300.0, 0.0])


def sight(eyes_m: list[tuple[float, float, float]], pixels: tuple[int, int] = (24, 32)) -> Sight:
    """Return the whole frame, seen evenly, from places in metres from its middle."""
    height, width = pixels
    points = pixel_grid(height, width) * torch.tensor([SIZE[1] / width, SIZE[0] / height])
    eye = torch.tensor(eyes_m) * 1000 + MIDDLE
    return Sight(points.repeat(len(eyes_m), 1, 1, 1), eye, SIZE)


def only(sight_: Sight, row: int) -> Sight:
    return replace(sight_, points_mm=sight_.points_mm[[row]], eye_mm=sight_.eye_mm[[row]])


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def sun_at(azimuth: float, elevation: float, share: float = 1.0) -> dict[str, Tensor]:
    names = {"azimuth_deg": azimuth, "elevation_deg": elevation, "sun_ratio": share}
    return neutral(declared(Sun()), 1) | {name: column(value) for name, value in names.items()}


@pytest.mark.parametrize(
    ("azimuth", "elevation", "cosine"),
    [(0, 0, 1), (60, 0, 0.5), (0, 60, 0.5), (-60, 60, 0.25), (90, 20, 0), (180, 10, 0)],
)
def test_sunlight_follows_the_cosine_and_skylight_stays(
    azimuth: float, elevation: float, cosine: float
) -> None:
    for share in (0.0, 0.3, 1.0):
        found = Sun().irradiance(sun_at(azimuth, elevation, share))
        assert float(found) == pytest.approx(1 - share + share * cosine, abs=1e-6)


def test_the_sun_stands_right_and_above() -> None:
    to_right, above = direction(sun_at(90, 0))[0], direction(sun_at(0, 90))[0]
    torch.testing.assert_close(to_right, column(1, 0, 0), atol=1e-6, rtol=0)
    torch.testing.assert_close(above, column(0, -1, 0), atol=1e-6, rtol=0)


def walter(v: np.ndarray, sun: np.ndarray, alpha: float) -> float:
    """Return the GGX BRDF as Walter et al. (2007) write it, with tangents (eq. 20, 33, 34)."""
    half = (v + sun) / np.linalg.norm(v + sun)
    slope = np.tan(np.arccos(min(1.0, half[2])))
    spread = alpha**2 / (np.pi * half[2] ** 4 * (alpha**2 + slope**2) ** 2)
    seen = [2 / (1 + np.sqrt(1 + (alpha * np.tan(np.arccos(w[2]))) ** 2)) for w in (v, sun)]
    mirrored = F0 + (1 - F0) * (1 - v @ half) ** 5
    return float(mirrored * spread * seen[0] * seen[1] / (4 * v[2] * sun[2]))


def test_gloss_is_walters_ggx_at_every_pixel() -> None:
    scene, given = sight([(0.7, -0.4, 1.5)], (6, 8)), sun_at(35, 20, 0.6)
    found = Sun().gloss(scene, given, torch.tensor([[0.15, 0.45]]))
    assert found.shape == (1, 2, 6, 8)
    sun = direction(given)[0].double().numpy()
    for row, col in ((0, 0), (2, 5), (5, 7)):
        point = torch.cat([scene.points_mm[0, row, col], torch.zeros(1)])
        v = (scene.eye_mm[0] - point).double().numpy()
        v = v / np.linalg.norm(v)
        for k, alpha in enumerate((0.15, 0.45)):
            wanted = math.pi * 0.6 * sun[2] * walter(v, sun, alpha)
            assert float(found[0, k, row, col]) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("angle", [0.0, 30.0, 60.0])
def test_gloss_at_the_mirror_direction_is_the_closed_form(angle: float) -> None:
    """There h is the normal, D = 1 / (pi a^2); a Lambertian face of albedo 1 would give 1."""
    eye = (5 * math.tan(math.radians(-angle)), 0.0, 5.0)
    scene = replace(sight([eye]), points_mm=MIDDLE[:2].reshape(1, 1, 1, 2))
    found = float(Sun().gloss(scene, sun_at(angle, 0), torch.tensor([[0.2]])))
    cosine = math.cos(math.radians(angle))
    smith = 2 / (1 + math.sqrt(1 + (0.2 * math.tan(math.radians(angle))) ** 2))
    schlick = 0.04 + 0.96 * (1 - cosine) ** 5
    assert found == pytest.approx(schlick * smith**2 / (4 * 0.2**2 * cosine), rel=1e-4)


def test_a_sun_behind_the_sign_gives_no_gloss() -> None:
    found = Sun().gloss(sight([(0, 0, 3)]), sun_at(120, 30), torch.tensor([[0.2]]))
    assert float(found.abs().max()) == 0


unit = st.floats(0.02, 1.0)


@settings(max_examples=100, deadline=None)
@over(unit, unit, st.floats(0, 360), st.floats(0.05, 1.0))
def test_the_brdf_is_reciprocal(seen: float, lit: float, turn: float, alpha: float) -> None:
    sines = math.sqrt((1 - seen**2) * (1 - lit**2))
    along = column(seen * lit + sines * math.cos(math.radians(turn)))
    there = ggx(column(seen), along, column(lit), column(alpha))
    back = ggx(column(lit), along, column(seen), column(alpha))
    torch.testing.assert_close(there, back)
    assert float(there) >= 0


@pytest.mark.parametrize("alpha", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("lit", [1.0, 0.7, 0.2])
def test_the_surface_reflects_no_more_than_it_gets(alpha: float, lit: float) -> None:
    """Integrate BRDF x cosine over the hemisphere; a smooth surface would give Fresnel's share."""
    cosine = (torch.arange(600, dtype=torch.float64) + 0.5)[:, None] / 600
    turn = (torch.arange(720, dtype=torch.float64) + 0.5) / 720 * 2 * math.pi
    along = cosine * lit + ((1 - cosine**2) * (1 - lit**2)).sqrt() * turn.cos()
    one = torch.ones((), dtype=torch.float64)
    brdf = ggx(cosine.expand_as(along), along, lit * one, alpha * one)
    reflected = float((brdf * cosine).mean() * 2 * math.pi)
    assert reflected < 1
    if alpha == 0.1 and lit >= 0.7:
        assert reflected == pytest.approx(F0 + (1 - F0) * (1 - lit) ** 5, rel=0.05)


def shadow(**values: float) -> dict[str, Tensor]:
    return neutral(declared(Shadow()), 1) | {name: column(value) for name, value in values.items()}


@pytest.mark.parametrize("width", [20.0, 60.0, 400.0])
def test_a_shadow_is_the_share_of_the_suns_disc_that_a_bar_hides(width: float) -> None:
    """Count points of a disc, also where the bar is narrower than the penumbra (93 mm here)."""
    given = shadow(width_mm=width, x_mm=40.0, caster_m=10.0, strength_ratio=1.0)
    scene = sight([(0, 0, 5)], (1, 60))
    grid = pixel_grid(1001, 1001) / 1001 * 2 - 1
    disc = grid[grid.norm(dim=-1) < 1][:, 0] * 10000 * math.tan(math.radians(SUN_DEG / 2))
    across = scene.points_mm[0, 0, :, 0] - 450 - 40
    wanted = ((across[:, None] + disc).abs() < width / 2).float().mean(dim=1)
    found = 1 - Shadow().factor(scene, given)[0, 0, 0]
    torch.testing.assert_close(found, wanted, atol=2e-3, rtol=0)


def test_a_turned_bar_lies_along_its_line() -> None:
    given = shadow(turn_deg=30.0, width_mm=80.0, caster_m=0.01, strength_ratio=0.5)
    scene = sight([(0, 0, 5)])
    x, y = (scene.points_mm[0] - MIDDLE[:2]).unbind(-1)
    across = (x * math.cos(math.pi / 6) + y * math.sin(math.pi / 6)).abs()
    found = Shadow().factor(scene, given)[0, 0]
    assert torch.equal(found[across < 39.9], torch.full_like(found[across < 39.9], 0.5))
    assert torch.equal(found[across > 40.1], torch.ones_like(found[across > 40.1]))


def test_a_bar_with_ends_is_a_rectangle() -> None:
    bar = Shadow(length_mm=Span(100.0, 500.0, neutral=math.inf))
    given = shadow(width_mm=300.0, length_mm=200.0, y_mm=50.0, strength_ratio=1.0, caster_m=2.0)
    scene = sight([(0, 0, 5)], (120, 180))
    dark = 1 - bar.factor(scene, given)
    assert float(dark.mean()) == pytest.approx(300 * 200 / (600 * 900), rel=0.01)
    assert float((dark[0, 0].sum(dim=1) * torch.arange(120)).sum() / dark.sum() + 0.5) * 5 == (
        pytest.approx(350, abs=0.5)
    )


def night(n: int = 1, **values: float) -> dict[str, Tensor]:
    given = neutral(declared(Headlamps()), n)
    return given | {name: torch.full((n,), value) for name, value in values.items()}


def test_retroreflection_meets_the_standard_at_its_angles() -> None:
    for row, observation in zip(WHITE_RA2, OBSERVATION_DEG, strict=True):
        for value, entrance in zip(row, (5.0, 30.0, 40.0), strict=True):
            found = retroreflection(column(observation), column(entrance))
            assert float(found) == pytest.approx(value, rel=1e-5)


def test_retroreflection_between_agrees_with_another_standard() -> None:
    """ASTM D4956 type III (the same sheeting): 95 at 0.5 deg and -4 deg, 65 at 0.5 and 30."""
    found = retroreflection(column(0.5, 0.5), column(4.0, 30.0))
    torch.testing.assert_close(found, column(95, 65), rtol=0.35, atol=0)


def test_retroreflection_falls_with_both_angles() -> None:
    angles = torch.linspace(0.1, 20, 200)
    assert bool((retroreflection(angles, torch.full((200,), 10.0)).diff() <= 0).all())
    entrance = torch.linspace(0, 90, 200)
    assert bool((retroreflection(torch.full((200,), 0.33), entrance).diff() <= 0).all())
    assert float(retroreflection(column(0.5), column(90.0))) == pytest.approx(0, abs=1e-4)


def test_beams_are_the_standards_number_where_the_geometry_is_its_own() -> None:
    """One lamp 0.33 deg below the eye, 25 m straight ahead: L = 180 E, E by inverse squares."""
    below = 25 * math.tan(math.radians(1 / 3))
    given = night(level_ratio=1.0, below_m=below, apart_m=0.0)
    sheet, ink = Headlamps().beams(sight([(0, 0, 25.0)]), given)
    light = (10 / 25) ** 2
    assert float(ink) == pytest.approx(light, rel=1e-3)
    assert float(sheet) == pytest.approx(light * (1 + math.pi * 180), rel=2e-3)


def test_ink_is_lambertian_under_two_lamps() -> None:
    eye = np.array([3.0, 0.5, 6.0])
    right = np.array([6.0, 0, -3.0]) / math.hypot(6, 3)
    lamps = [eye + [0, 0.7, 0] + right * (0.2 + way * 0.6) for way in (-1, 1)]
    wanted = sum(0.4 * 100 / (lamp @ lamp) * lamp[2] / np.linalg.norm(lamp) for lamp in lamps)
    given = night(level_ratio=0.8, below_m=0.7, side_m=0.2, apart_m=1.2)
    sheet, ink = Headlamps().beams(sight([(3.0, 0.5, 6.0)]), given)
    assert float(ink) == pytest.approx(float(wanted), rel=1e-4)
    assert float(sheet) > float(ink)


def test_at_night_the_sign_outshines_the_ink_far_away_most() -> None:
    scene = sight([(0, 0, d) for d in (5.0, 15.0, 40.0, 80.0)])
    sheet, ink = Headlamps().beams(scene, night(4, level_ratio=1.0))
    contrast = (sheet / ink).flatten()
    assert bool((contrast.diff() > 0).all())
    assert float(contrast[0]) < 2
    assert float(contrast[2]) > 10


def test_darkness_is_in_stops() -> None:
    assert float(Headlamps().ambient(night(ambient_ev=-3.0))) == 0.125


def parts(n: int = 3) -> Parts:
    """Return random layers (n,·,24,32), the ink on a part of the sign."""
    colour = torch.rand(n, 6, 24, 32, generator=generator(0))
    cover = torch.rand(n, 1, 24, 32, generator=generator(1))
    ink_cover = cover * torch.rand(n, 1, 24, 32, generator=generator(2))
    sign, ink = colour[:, :3] * (cover - ink_cover), colour[:, 3:] * ink_cover
    return Parts(sign, cover, ink, ink_cover)


EYES = [(0.0, 0.3, 4.0), (2.0, -0.5, 7.0), (-4.0, 0.0, 15.0)]
EVERYTHING = Lights(SignLight(), Sun(), Shadow(), Headlamps(), Dirt())


def whole(layers: Parts) -> Tensor:
    assert layers.ink is not None
    return torch.cat([layers.sign + layers.ink, layers.cover], dim=1)


def test_light_at_rest_is_exactly_the_identity() -> None:
    for lights in (Lights(), EVERYTHING):
        found = illuminate(parts(), sight(EYES), lights, neutral(declared(lights), 3))
        assert torch.equal(found, whole(parts()))


def test_the_slope_is_in_stops_from_edge_to_edge() -> None:
    """Between the first and the last pixel's middle, a pixel less than the frame."""
    angles = {"light.slope_ev": column(1, 1, 0.5), "light.slope_deg": column(0, 90, 180)}
    lights = Lights(light=SignLight())
    given = neutral(declared(lights), 3) | angles
    ratio = (illuminate(parts(), sight(EYES), lights, given) / whole(parts()))[:, 0]
    across, down = 1 - 1 / 32, 1 - 1 / 24
    ends = [ratio[0, :, -1] / ratio[0, :, 0], ratio[1, -1] / ratio[1, 0]]
    ends.append(ratio[2, :, 0] / ratio[2, :, -1])
    for found, stops in zip(ends, (across, down, across / 2), strict=True):
        torch.testing.assert_close(found, torch.full_like(found, 2**stops))


def test_the_veil_adds_white_and_keeps_it() -> None:
    lights = Lights(light=SignLight())
    given = neutral(declared(lights), 3) | {"light.veil_ratio": torch.full((3,), 0.1)}
    cover = parts().cover
    for grey, wanted in ((1.0, 1.0), (0.0, 0.1)):
        layers = Parts((grey * cover).expand(-1, 3, -1, -1), cover)
        found = illuminate(layers, sight(EYES), lights, given)
        torch.testing.assert_close(found[:, :3], (wanted * cover).expand(-1, 3, -1, -1))


def test_the_sign_light_alone_is_light_sign() -> None:
    lights = Lights(light=SignLight())
    given = draw(declared(lights), 3, generator(3))
    scene = sight(EYES)
    place = scene.points_mm / torch.tensor([450.0, 300.0]) - 1
    mine = {name.removeprefix("light."): value for name, value in given.items()}
    wanted = light_sign(whole(parts()), place, mine)
    found = illuminate(parts(), scene, lights, given)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)
    one = Parts(whole(parts())[:, :3], parts().cover)
    torch.testing.assert_close(illuminate(one, scene, lights, given), wanted, atol=1e-6, rtol=0)


def test_all_light_together_is_the_sum_of_its_parts() -> None:
    """Write down L = E (sign + ink) + lamps + veil + gloss behind the dirt, term by term."""
    given, layers, scene = draw(declared(EVERYTHING), 3, generator(4)), parts(), sight(EYES)
    assert layers.ink is not None
    assert layers.ink_cover is not None
    at = {
        part: {name.partition(".")[2]: v for name, v in given.items() if name.startswith(part)}
        for part in ("light", "sun", "shadow", "headlamps", "dirt")
    }
    slope = light_sign(torch.ones(3, 4, 24, 32), scene.points_mm / MIDDLE[:2] - 1, at["light"])
    even = (
        slope[:, :1] * Shadow().factor(scene, at["shadow"]) * Headlamps().ambient(at["headlamps"])
    )
    base = even * Sun().irradiance(at["sun"])
    sheet, scattered = Headlamps().beams(scene, at["headlamps"])
    veil = at["light"]["veil_ratio"][:, None, None, None]
    gloss_of = {
        kind: Sun().gloss(scene, at["sun"], at["sun"][f"{kind}_roughness_ratio"][:, None]) * even
        for kind in ("sign", "ink")
    }
    clean = base * ((1 - veil) * (layers.sign + layers.ink) + veil * layers.cover)
    clean = clean + sheet * layers.sign + scattered * layers.ink
    clean = clean + gloss_of["sign"] * (layers.cover - layers.ink_cover)
    clean = clean + gloss_of["ink"] * layers.ink_cover
    alpha, mud = Dirt().alpha(scene, at["dirt"]), Dirt().colour(at["dirt"])
    wanted = clean * (1 - alpha) + alpha * mud * (base + scattered) * layers.cover
    found = illuminate(layers, scene, EVERYTHING, given)
    torch.testing.assert_close(found[:, :3], wanted, atol=1e-4, rtol=1e-4)
    assert torch.equal(found[:, 3:], layers.cover)


def test_light_is_put_on_row_by_row_and_is_finite() -> None:
    given, scene = draw(declared(EVERYTHING), 3, generator(5)), sight(EYES)
    together = illuminate(parts(), scene, EVERYTHING, given)
    assert bool(together.isfinite().all())
    for row in range(3):
        mine = parts()
        rows = {name: value[[row]] for name, value in vars(mine).items()}
        alone = illuminate(
            Parts(**rows), only(scene, row), EVERYTHING, take(given, slice(row, row + 1))
        )
        torch.testing.assert_close(together[[row]], alone, atol=1e-5, rtol=1e-5)


def test_the_gradient_is_the_difference_quotient() -> None:
    """The light is affine in the layers: one step of any size gives the slope."""
    given, scene, layers = draw(declared(EVERYTHING), 3, generator(6)), sight(EYES), parts()
    assert layers.ink is not None
    ink = layers.ink.clone().requires_grad_()
    found = illuminate(replace(layers, ink=ink), scene, EVERYTHING, given)
    (slope,) = torch.autograd.grad(found.sum(), ink)
    step = torch.rand(ink.shape, generator=generator(7))
    there = illuminate(replace(layers, ink=layers.ink + step), scene, EVERYTHING, given)
    risen = (there - found.detach()).double().sum(dim=(1, 2, 3))
    torch.testing.assert_close((slope * step).double().sum(dim=(1, 2, 3)), risen, rtol=1e-3, atol=0)


def test_sign_and_ink_are_needed_apart_only_where_they_differ() -> None:
    assert not Lights().tells_apart
    assert not Lights(light=SignLight(), shadow=Shadow(), dirt=Dirt()).tells_apart
    assert Lights(sun=Sun()).tells_apart
    assert Lights(headlamps=Headlamps()).tells_apart
