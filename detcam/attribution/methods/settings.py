"""A method's name and settings as text, ``METHOD:SETTING=VALUE,...``."""

import math
import re
from typing import Any

from detcam.errors import MethodError

FORMAT = "METHOD[:SETTING=VALUE,...]"
Value = int | float | str


def read_settings(text: str) -> tuple[str, dict[str, Value]]:
    """``"occlusion:window=0.2,baseline=grey"`` as the name and ``{"window": 0.2, "baseline": "grey"}``.

    Raises:
        MethodError: the text after the colon is not a list of ``SETTING=VALUE``.
    """
    name, colon, settings = text.partition(":")
    return name, dict(_setting(text, setting) for setting in settings.split(",")) if colon else {}


def _setting(text: str, setting: str) -> tuple[str, Value]:
    name, _, value = setting.partition("=")
    if not re.fullmatch(r"[a-z]\w*", name) or not value:
        raise MethodError(f"{text!r}: {setting!r} is no SETTING=VALUE; expected {FORMAT}")
    if value.isdigit():
        return name, int(value)
    try:
        return name, float(value)
    except ValueError:
        return name, value


def refuse_wrong_value(name: str, value: Any, default: Any) -> None:
    """Check that a setting's value has the type of its default.

    Args:
        name: the setting's, for the message.
        value: to be checked.
        default: the setting's.

    Raises:
        MethodError: it has another type, such as a word instead of a number.
    """
    number = isinstance(value, (int, float)) and math.isfinite(value)
    if isinstance(default, int) and not (number and int(value) == value):
        raise MethodError(f"{name} {value!r}: expected a whole number, such as {default}")
    if isinstance(default, float) and not number:
        raise MethodError(f"{name} {value!r}: expected a number, such as {default}")
    if isinstance(default, str) and not isinstance(value, str):
        raise MethodError(f"{name} {value!r}: expected a word, such as {default}")
