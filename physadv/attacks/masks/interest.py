"""A map of interest: where on a face ink matters to a victim, and what it cost to find out."""

from dataclasses import dataclass

from torch import Tensor

from physadv.core import Face
from physadv.patch import Limits, Mask, on_cells, pack


@dataclass(frozen=True, eq=False)
class Interest:
    """A map (1,1,rows,columns) over a face's frame, at least 0, and the pictures it took."""

    values: Tensor
    queries: int

    def packed(self, face: Face, limits: Limits) -> Mask:
        """Return rectangles within the limits where the map is high; see `pack`.

        Raises `UserError` where the map says nothing or not one piece fits.
        """
        return pack(face, on_cells(face, limits, self.values), limits, on_legend=True)
