"""Class names as users hand them over."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from detcam.errors import InputError


def read_class_names(names: str | Path | Sequence[str] | Mapping[int, str] | None, first: int = 1
                     ) -> dict[int, str] | None:
    """Class names by label.

    Args:
        names: a list, a text file with one a line (an empty line inside it names its class ``class N``), or a
            dictionary from label to name; None for None.
        first: the label of the first name of a list or a file.

    Raises:
        InputError: the file is missing, empty or not text.
    """
    if names is None:
        return None
    if isinstance(names, Mapping):
        return {int(label): str(name) for label, name in names.items()}
    if isinstance(names, (str, Path)):
        try:
            lines = [line.strip() for line in Path(names).read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{names}: cannot be read as a list of class names, one a line ({error})") from None
        while lines and not lines[-1]:
            lines.pop()
        if not lines:
            raise InputError(f"{names}: holds no class names; expected one a line, from label {first} on")
        return {label: line or f"class {label}" for label, line in enumerate(lines, first)}
    return {label: str(name) for label, name in enumerate(names, first)}
