"""The colours of wavelengths against the published table of CIE 1931, 2 degrees (CIE 15)."""

import pytest
import torch

from physadv.patch.spectrum import lumens, matching

TABLE = {
    400.0: (0.01431, 0.00040, 0.06785),
    420.0: (0.13438, 0.00400, 0.64560),
    450.0: (0.33620, 0.03800, 1.77211),
    480.0: (0.09564, 0.13902, 0.81295),
    500.0: (0.00490, 0.32300, 0.27200),
    520.0: (0.06327, 0.71000, 0.07825),
    550.0: (0.43345, 0.99495, 0.00875),
    580.0: (0.91630, 0.87000, 0.00165),
    600.0: (1.06220, 0.63100, 0.00080),
    620.0: (0.85445, 0.38100, 0.00019),
    650.0: (0.28350, 0.10700, 0.00000),
    680.0: (0.04677, 0.01700, 0.00000),
}


@pytest.mark.parametrize("wavelength_nm", TABLE)
def test_matching_functions_are_the_table_s(wavelength_nm: float) -> None:
    """To 2 % of the largest value of each, as the authors of the fit have it."""
    found = matching(torch.tensor(wavelength_nm))
    expected = torch.tensor(TABLE[wavelength_nm])
    assert bool(((found - expected).abs() < 0.02 * torch.tensor([1.06, 1.0, 1.78]) + 0.01).all())


@pytest.mark.parametrize(
    ("wavelength_nm", "order"),
    [(450.0, (2, 0, 1)), (532.0, (1, 0, 2)), (633.0, (0, 1, 2))],
    ids=["blue", "green", "red"],
)
def test_lasers_have_their_colours(wavelength_nm: float, order: tuple[int, int, int]) -> None:
    colour = lumens(torch.tensor(wavelength_nm))
    assert int(colour.argmax()) == order[0]
    assert float(colour.min()) >= 0
    assert float(colour[order[0]]) > 2 * float(colour[order[1]])


def test_equal_energy_is_nearly_white() -> None:
    """The mean over the spectrum has equal x, y, z (CIE's illuminant E)."""
    total = matching(torch.arange(380.0, 780.0)).mean(dim=0)
    assert float(total.max() / total.min()) == pytest.approx(1, abs=0.02)
