"""Machine code on first use: numba costs half a second to import, so nobody pays for it before a kernel is called."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any, cast


def compiled(namespace: dict[str, Any], names: tuple[str, ...]) -> SimpleNamespace:
    """Return the functions `names` of a module compiled to machine code, calling each other.

    Parameters
    ----------
    namespace : dict
        ``vars()`` of the module; its functions stay as they are.
    names : tuple of str
        Callees before callers.

    Notes
    -----
    The machine code is kept on disk between runs, and lost when the module's own file changes. Numba does not see changes
    in other files: a kernel calls kernels of its own module only.
    """
    import numba  # noqa: PLC0415 (this is the point of the module)

    linked = dict(namespace)
    for name in names:
        plain = namespace[name]
        relinked = FunctionType(plain.__code__, linked, name, plain.__defaults__)
        linked[name] = _compile(numba, relinked)
    return SimpleNamespace(**{name: linked[name] for name in names})


def _compile(numba: Any, function: FunctionType) -> Callable[..., Any]:
    try:
        return cast(Callable[..., Any], numba.njit(cache=True)(function))
    except RuntimeError:  # no place on this machine where the code may be kept
        return cast(Callable[..., Any], numba.njit(function))
