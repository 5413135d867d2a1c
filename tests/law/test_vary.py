"""Laws of what varies: drawn inside its span, from its seed alone, on the grid that was asked."""

from dataclasses import dataclass, field
from functools import partial
from itertools import product

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from physadv.core import (
    Choice,
    Seed,
    Span,
    UserError,
    Varying,
    below,
    declared,
    draw,
    generator,
    grid,
    neutral,
    take,
    with_value,
)

numbers = st.floats(-1e6, 1e6, width=32)
positive = st.floats(2**-10, 1e6, width=32)
seeds = st.integers(-(2**63), 2**63)
counts = st.integers(1, 40)
options = st.lists(numbers, min_size=1, max_size=5, unique=True).map(tuple)


def ordered(values: st.SearchStrategy[float]) -> st.SearchStrategy[list[float]]:
    return st.lists(values, min_size=2, max_size=2).map(sorted)


@st.composite
def varyings(choose: st.DrawFn) -> Varying:
    low, high = choose(ordered(numbers))
    kinds: list[Varying] = [Span(low, high), Choice(choose(options)), Seed()]
    return choose(st.sampled_from(kinds))


names = st.dictionaries(st.text("abc.", min_size=1, max_size=5), varyings(), min_size=1, max_size=4)


@dataclass(frozen=True)
class Pose:
    """An effect inside another, as scenes have them."""

    distance_m: Span = field(default=Span(3, 20))
    yaw_deg: Span = field(default=Span(-40, 40, neutral=0))


@dataclass(frozen=True)
class Scene:
    """Varying fields, a fixed one, and a nested effect."""

    gain_ev: Span = field(default=Span(-1, 1, neutral=0))
    paper: Choice = field(default=Choice((1.0, 2.0)))
    noise: Seed = field(default=Seed())
    size_px: int = 32
    pose: Pose = field(default_factory=Pose)


@given(ordered(numbers), counts, seeds)
def test_a_span_is_drawn_inside(ends: list[float], n: int, seed: int) -> None:
    low, high = ends
    values = Span(low, high).draw(n, generator(seed))
    slack = 1e-6 * max(abs(low), abs(high))
    assert values.shape == (n,)
    assert bool(((values >= low - slack) & (values <= high + slack)).all())


@given(ordered(positive), counts, seeds)
def test_a_logarithmic_span_is_drawn_inside(ends: list[float], n: int, seed: int) -> None:
    low, high = ends
    values = Span(low, high, log=True).draw(n, generator(seed))
    assert bool(((values >= low * (1 - 1e-5)) & (values <= high * (1 + 1e-5))).all())


@pytest.mark.parametrize(("log", "middle"), [(False, 50.5), (True, 10.0)])
def test_half_of_the_draws_lie_below_the_middle(log: bool, middle: float) -> None:
    values = Span(1, 100, log=log).draw(10_000, generator(0))
    assert float((values < middle).float().mean()) == pytest.approx(0.5, abs=0.02)


@given(numbers, numbers)
def test_an_empty_span_is_refused(low: float, high: float) -> None:
    assume(low > high)
    with pytest.raises(UserError, match=r"^Span: expected low <= high"):
        Span(low, high)


@given(numbers, counts, seeds)
def test_a_span_without_width_is_its_value(value: float, n: int, seed: int) -> None:
    assert Span.at(value).draw(n, generator(seed)).tolist() == [value] * n
    assert Span.at(value, neutral=value).idle
    assert not Span.at(value).idle
    assert not Span(value, value + 1, neutral=value).idle


@given(options, counts, seeds)
def test_a_choice_is_one_of_its_options(values: tuple[float, ...], n: int, seed: int) -> None:
    assert set(Choice(values).draw(n, generator(seed)).tolist()) <= set(values)


def test_every_option_is_drawn_equally_often() -> None:
    drawn = Choice((1.0, 2.0, 3.0)).draw(9_000, generator(0))
    for option in (1.0, 2.0, 3.0):
        assert int((drawn == option).sum()) == pytest.approx(3_000, abs=200)


@given(counts, seeds)
def test_seeds_are_whole_numbers_that_float32_holds(n: int, seed: int) -> None:
    values = Seed().draw(n, generator(seed))
    assert bool(((values >= 0) & (values < 2**24) & (values == values.long())).all())


@given(names, counts, seeds)
def test_a_seed_gives_one_draw(varying: dict[str, Varying], n: int, seed: int) -> None:
    first, again = (draw(varying, n, generator(seed)) for _ in range(2))
    assert first.keys() == varying.keys()
    assert all(torch.equal(first[name], again[name]) for name in varying)


def test_another_seed_gives_another_draw() -> None:
    first, second = (draw({"a": Span(0, 1)}, 8, generator(seed))["a"] for seed in (1, 2))
    assert not bool((first == second).any())


@given(seeds)
def test_the_global_generator_is_left_alone(seed: int) -> None:
    before = torch.get_rng_state()
    draw(declared(Scene()), 3, generator(seed))
    assert torch.equal(before, torch.get_rng_state())


@given(names, counts)
def test_neutral_is_neutral_or_what_is_declared(varying: dict[str, Varying], n: int) -> None:
    for name, values in neutral(varying, n).items():
        one = varying[name]
        assert values.shape == (n,)
        if isinstance(one, Span):
            assert bool(((values >= one.low) & (values <= one.high)).all())
        elif isinstance(one, Choice):
            assert set(values.tolist()) <= set(one.options)


def test_neutral_wins_over_the_middle() -> None:
    rest = neutral(declared(Scene()), 2)
    assert rest["gain_ev"].tolist() == rest["pose.yaw_deg"].tolist() == [0, 0]
    assert rest["pose.distance_m"].tolist() == [11.5, 11.5]


axes = st.dictionaries(
    st.sampled_from(["gain_ev", "pose.distance_m", "pose.yaw_deg"]),
    st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=4, unique=True),
    min_size=1,
)


@given(axes, st.integers(1, 4), seeds)
def test_a_grid_covers_every_cell(wanted: dict[str, list[float]], each: int, seed: int) -> None:
    rows = grid(partial(draw, declared(Scene())), wanted, each, generator(seed))
    cells = [cell for cell in product(*wanted.values()) for _ in range(each)]
    table = torch.stack([rows[name] for name in wanted], dim=1).tolist()
    assert [tuple(row) for row in table] == cells
    assert rows.keys() == declared(Scene()).keys()
    assert {len(values) for values in rows.values()} == {len(cells)}
    assert bool((rows["noise"].unique().numel() > 1) or len(cells) == 1)


def test_a_grid_over_an_unknown_axis_is_refused() -> None:
    with pytest.raises(UserError, match=r"^axis: .* did you mean 'pose.yaw_deg'"):
        grid(partial(draw, declared(Scene())), {"pose.yaw": [0.0]}, 1, generator(0))


def test_declared_lists_what_varies_by_dotted_name() -> None:
    expected = ["gain_ev", "paper", "noise", "pose.distance_m", "pose.yaw_deg"]
    assert list(declared(Scene())) == expected
    assert list(declared(Scene(), "scene.")) == ["scene." + name for name in expected]


@given(numbers, st.sampled_from(["gain_ev", "size_px", "pose.distance_m", "pose.yaw_deg"]))
def test_with_value_changes_that_field_alone(value: float, name: str) -> None:
    before = Scene()
    changed = with_value(before, name, Span.at(value))
    assert before == Scene()
    for other in ("gain_ev", "paper", "noise", "size_px", "pose.distance_m", "pose.yaw_deg"):
        expected = Span.at(value) if other == name else at(before, other)
        assert at(changed, other) == expected


def at(effect: object, name: str) -> object:
    head, _, rest = name.partition(".")
    return at(getattr(effect, head), rest) if rest else getattr(effect, head)


@pytest.mark.parametrize("name", ["gain", "pose.pitch_deg", ""])
def test_with_value_refuses_an_unknown_field(name: str) -> None:
    with pytest.raises(UserError, match=r"^name: expected one of"):
        with_value(Scene(), name, 1.0)


@given(names, seeds)
def test_below_takes_what_is_under_the_prefix(varying: dict[str, Varying], seed: int) -> None:
    rows = draw(varying, 2, generator(seed))
    wrapped = {f"scene.{name}": values for name, values in rows.items()}
    others = {"sceneries.a": torch.zeros(2), "scene": torch.zeros(2)}
    inner = below(wrapped | others, "scene")
    assert inner.keys() == rows.keys()
    assert all(inner[name] is wrapped[f"scene.{name}"] for name in rows)


@given(names, counts, seeds, st.data())
def test_take_keeps_rows_together(
    varying: dict[str, Varying], n: int, seed: int, data: st.DataObject
) -> None:
    rows = draw(varying, n, generator(seed))
    picks = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n))
    for name, values in take(rows, torch.tensor(picks)).items():
        assert values.tolist() == [float(rows[name][k]) for k in picks]
    for name, values in take(rows, slice(1, 3)).items():
        assert torch.equal(values, rows[name][1:3])
