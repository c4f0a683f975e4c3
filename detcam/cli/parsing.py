"""What words on a command line stand for: methods with settings, sizes and coordinates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from detcam.attribution.methods.table import METHODS
from detcam.errors import InputError, MethodError, PlaceError

if TYPE_CHECKING:
    from detcam.attribution.method import Method

QUICK: dict[str, dict[str, Any]] = {  # coarse, but seconds instead of minutes
    "drise": {"samples": 500},  # a tenth of the paper's
    "blur_ig": {"steps": 25, "tolerance": 0.1},
    "guided_ig": {"steps": 25},
    "integrated_gradients": {"steps": 25, "tolerance": 0.1},
    "xrai": {"steps": 25, "tolerance": 0.1},
}
LARGEST = 8192  # canvas pixels on a side; beyond it a typing error is likelier than a wish


def chosen_methods(words: Sequence[str], settings: Mapping[str, Any]) -> list[Method]:
    """Methods by name, with or without settings of their own, each once, with the settings that it takes.

    Args:
        words: such as ``"hirescam"`` or ``"smoothgrad+hirescam:samples=8"``.
        settings: for all that take them; None for those that were not given.

    Raises:
        MethodError: there is no such method, none of them takes a setting that was given, or one is named twice.
        InputError: there is no such baseline.
    """
    from detcam.attribution.methods.registry import get_method, takes
    from detcam.attribution.methods.settings import read_settings

    given = {name: value for name, value in settings.items() if value is not None}
    _check_baseline(given.get("baseline"))
    unused, found = set(given), []
    for word in dict.fromkeys(words):
        name, own = read_settings(word)
        fitting = {key: value for key, value in given.items() if key in takes(name)}
        unused -= set(fitting)
        found.append(get_method(name, **{**fitting, **own}))
    names = [method.name for method in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise MethodError(f"--method {twice[0]} is named twice: its maps could not be told apart; run it again instead")
    if unused:
        able = [name for name in METHODS if unused <= set(takes(name))]
        raise MethodError(f"--{min(unused)}: {', '.join(names)} takes no such setting; {', '.join(able) or 'none'} "
                          f"{'does' if len(able) <= 1 else 'do'}")
    return found


def _check_baseline(name: str | None) -> None:
    from detcam.attribution.inputs.baselines import STARTS

    if name is not None and name not in STARTS:
        raise InputError(f"--baseline {name!r}: expected {', '.join(list(STARTS)[:-1])} or {list(STARTS)[-1]}")


def quick_methods(settings: Mapping[str, Any]) -> list[Method]:
    """Every method once (not its other names), with fewer passes for the longest, where ``settings`` do not say."""
    from detcam.attribution.methods.registry import get_method, takes

    names: dict[str, str] = {}
    for name, entry in METHODS.items():
        names.setdefault(entry.where, name)
    found = []
    for name in names.values():
        own = {key: value for key, value in settings.items() if value is not None and key in takes(name)}
        found.append(get_method(name, **{**QUICK.get(name, {}), **own}))
    return found


def canvas_size(words: str | None) -> int | tuple[int, int] | None:
    """``"640"`` as 640, ``"480x640"`` as (480, 640), height first.

    Raises:
        InputError: it is neither, or out of range.
    """
    if words is None:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:[x,](\d{1,6}))?", words)
    sides = [int(side) for side in match.groups() if side] if match else []
    if not sides or not all(32 <= side <= LARGEST for side in sides):
        raise InputError(f"--imgsz {words!r}: expected 640 or HEIGHTxWIDTH, from 32 to {LARGEST} pixels")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


def numbers_of(option: str, words: Sequence[str], shape: str, example: str) -> list[tuple[float, ...]] | None:
    """``["320,240"]`` as ``[(320.0, 240.0)]`` for an option that may be repeated; None where it was not given.

    Args:
        option: its name, for the message.
        words: what was given.
        shape: what is expected, such as ``"X,Y"``.
        example: one of those.

    Raises:
        PlaceError: something else was given.
    """
    found = []
    for word in words:
        parts = [part.strip() for part in word.split(",")]
        if len(parts) != shape.count(",") + 1 or not all(re.fullmatch(r"-?\d{1,9}(\.\d*)?", part) for part in parts):
            raise PlaceError(f"{option} {word!r}: expected {shape} in pixels of the photograph, such as {example}")
        found.append(tuple(map(float, parts)))
    return found or None
