"""An array that grows at its end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FIRST = 1024


class Growing:
    """A column written one value at a time and read as an array.

    Parameters
    ----------
    dtype : numpy dtype
    """

    __slots__ = ("_n", "_values")

    def __init__(self, dtype: Any) -> None:
        self._values: NDArray[Any] = np.empty(_FIRST, dtype=dtype)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def append(self, value: Any) -> None:
        """Add a value, or a row where the type is one of rows; views taken before keep what they had."""
        if self._n == len(self._values):
            self._values = np.concatenate((self._values, np.empty_like(self._values)))
        self._values[self._n] = value
        self._n += 1

    @property
    def view(self) -> NDArray[Any]:
        """What has been written."""
        return self._values[: self._n]

    def __getitem__(self, index: Any) -> Any:
        return self.view[index]
