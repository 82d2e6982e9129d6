"""Machine code on first use: numba costs half a second to import, so nobody pays for it before a kernel is called."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from types import FunctionType, SimpleNamespace
from typing import Any, Final, cast

# No kernel divides by zero, so nothing has to look at each division and each call whether it did; and none makes an array, so
# nobody has to count who holds one, which took a third of the time of a narrow window's bar.
_OPTIONS: Final = {"error_model": "numpy", "_nrt": False}


def relinked(*modules: dict[str, Any], **instead: Callable[..., Any]) -> SimpleNamespace:
    """Return the functions of modules, calling each other and those given instead of the ones of their names.

    Parameters
    ----------
    modules : dict
        ``vars()`` of each, callees before callers. Their own functions stay as they are.
    """
    linked = _namespace(modules)
    plain = _functions(modules, linked)
    for name, function in plain.items():
        linked[name] = FunctionType(function.__code__, linked, name, function.__defaults__)
    linked.update(instead)
    return SimpleNamespace(**{name: linked[name] for name in plain})


def compiled(*modules: dict[str, Any]) -> SimpleNamespace:
    """Return the functions of modules compiled to machine code, calling each other; each is compiled at its first call.

    Parameters
    ----------
    modules : dict
        ``vars()`` of each, callees before callers. Their own functions stay as they are. None of those called makes or returns
        an array.

    Notes
    -----
    Machine code is kept on disk between runs. Numba drops it when the file of a function changes, but does not look at the
    files of the functions called; so what is kept is named after the content of all of them.
    """
    import numba

    linked = _namespace(modules)
    plain = _functions(modules, linked)
    numbers = [(n, x) for n, x in linked.items() if isinstance(x, (int, float))]
    content = [(n, f.__code__.co_code, f.__code__.co_consts, f.__code__.co_names) for n, f in plain.items()]
    stamp = sha256(repr((numbers, content, _OPTIONS)).encode()).hexdigest()[:12]
    for name, function in plain.items():
        relinked = FunctionType(function.__code__, linked, name, function.__defaults__)
        relinked.__qualname__ = f"{name}_{stamp}"
        linked[name] = _compile(numba, relinked)
    return SimpleNamespace(**{name: linked[name] for name in plain})


def _namespace(modules: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    linked: dict[str, Any] = {}
    for module in modules:
        linked.update(module)
    return linked


def _functions(modules: tuple[dict[str, Any], ...], linked: dict[str, Any]) -> dict[str, FunctionType]:
    homes = {module["__name__"] for module in modules}
    return {n: f for n, f in linked.items() if isinstance(f, FunctionType) and f.__module__ in homes}


def _compile(numba: Any, function: FunctionType) -> Callable[..., Any]:
    try:
        return cast(Callable[..., Any], numba.njit(cache=True, **_OPTIONS)(function))
    except RuntimeError:  # no place on this machine where the code may be kept
        return cast(Callable[..., Any], numba.njit(**_OPTIONS)(function))
