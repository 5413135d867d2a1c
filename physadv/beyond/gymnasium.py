"""Gymnasium's environments by name, and a small one whose observations are pixels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physadv.core import UserError, check
from physadv.victims.extra import extra

with extra("beyond", "environment"):
    import gymnasium
    from gymnasium.spaces import Box, Discrete

NAME = "physadv/Catch-v0"
SIDE = 24
BALL, PADDLE = 3, 7
SPEED = 2
"""Columns that the paddle moves a step; the ball moves at most one, and falls one row."""

Frame = NDArray[np.float32]


class Catch(gymnasium.Env[Frame, int]):
    """A ball falls, bouncing off the walls; a paddle at the bottom catches it (+1) or not (-1).

    Observations are one grey frame (1,24,24) in [0,1]: ball of 3x3 px, paddle of 7x2. Actions: 0
    left, 1 stay, 2 right. An episode is `balls` balls of 21 steps each, so that the return lies in
    [-balls, balls]. Ours, after the game of Mnih et al., "Recurrent Models of Visual Attention",
    2014.
    """

    def __init__(self, balls: int = 5) -> None:
        """Raise `UserError` where there is no ball."""
        check(balls >= 1, "balls", expected="at least 1", got=balls)
        self.balls = balls
        self.observation_space = Box(0.0, 1.0, (1, SIDE, SIDE), np.float32)
        self.action_space = Discrete(3)  # type: ignore[assignment]  # their numbers are numpy's
        self.paddle = self.left = self.row = self.column = self.drift = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """Begin with the paddle in the middle and the first ball at the top."""
        super().reset(seed=seed, options=options)
        self.paddle, self.left = (SIDE - PADDLE) // 2, self.balls
        self._throw()
        return self._frame(), {}

    def step(self, action: int) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Move the paddle, then the ball."""
        self.paddle = min(max(self.paddle + SPEED * (int(action) - 1), 0), SIDE - PADDLE)
        if not 0 <= self.column + self.drift <= SIDE - BALL:
            self.drift = -self.drift
        self.row, self.column = self.row + 1, self.column + self.drift
        reward = 0.0
        if self.row == SIDE - BALL:
            caught = self.paddle - BALL < self.column < self.paddle + PADDLE
            reward, self.left = 1.0 if caught else -1.0, self.left - 1
            self._throw()
        return self._frame(), reward, self.left == 0, False, {}

    def _throw(self) -> None:
        self.row, self.column = 0, int(self.np_random.integers(SIDE - BALL + 1))
        self.drift = int(self.np_random.integers(-1, 2))

    def _frame(self) -> Frame:
        frame = np.zeros((1, SIDE, SIDE), np.float32)
        frame[0, self.row : self.row + BALL, self.column : self.column + BALL] = 1
        frame[0, -2:, self.paddle : self.paddle + PADDLE] = 1
        return frame


gymnasium.register(NAME, entry_point=lambda **settings: Catch(**settings))


def made(name: str, settings: Mapping[str, Any]) -> "gymnasium.Env[Any, Any]":
    """Return a new environment, or raise `UserError` for what Gymnasium does not take."""
    try:
        return gymnasium.make(name, **settings)
    except (gymnasium.error.Error, TypeError) as error:
        got = f"{name!r} ({str(error).splitlines()[0]})"
        expected = "the name of an environment of Gymnasium"
        raise UserError("environment", expected=expected, got=got) from error
