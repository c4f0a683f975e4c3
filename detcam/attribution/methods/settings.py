"""A method and its settings in words, ``METHOD:SETTING=VALUE,...``."""

import math
import re
from typing import Any

from detcam.errors import MethodError

SHAPE = "METHOD[:SETTING=VALUE,...]"
Value = int | float | str


def read_settings(words: str) -> tuple[str, dict[str, Value]]:
    """``"occlusion:window=0.2,baseline=grey"`` as the name and ``{"window": 0.2, "baseline": "grey"}``.

    Raises:
        MethodError: what follows the colon has another shape.
    """
    name, colon, settings = words.partition(":")
    return name, dict(_setting(words, each) for each in settings.split(",")) if colon else {}


def _setting(words: str, setting: str) -> tuple[str, Value]:
    name, _, value = setting.partition("=")
    if not re.fullmatch(r"[a-z]\w*", name) or not value:
        raise MethodError(f"{words!r}: {setting!r} is no SETTING=VALUE; expected {SHAPE}")
    if value.isdigit():
        return name, int(value)
    try:
        return name, float(value)
    except ValueError:
        return name, value


def refuse_wrong_value(name: str, value: Any, default: Any) -> None:
    """See that a setting's value is of the kind that its default is.

    Raises:
        MethodError: it is a word where a number is expected, a broken number where a whole one is, or the like.
    """
    number = isinstance(value, (int, float)) and math.isfinite(value)
    if isinstance(default, int) and not (number and int(value) == value):
        raise MethodError(f"{name} {value!r}: expected a whole number, such as {default}")
    if isinstance(default, float) and not number:
        raise MethodError(f"{name} {value!r}: expected a number, such as {default}")
    if isinstance(default, str) and not isinstance(value, str):
        raise MethodError(f"{name} {value!r}: expected a word, such as {default}")
