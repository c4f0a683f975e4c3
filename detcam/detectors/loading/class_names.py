"""Class names as users hand them over."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from detcam.errors import InputError


def read_class_names(names: str | Path | Sequence[str] | Mapping[int, str] | None, first: int = 1
                     ) -> dict[int, str] | None:
    """Class names from label ``first`` on, from a list or from a text file with one a line; a dictionary as it is.

    Raises:
        InputError: the file is missing, empty or not text.
    """
    if names is None:
        return None
    if isinstance(names, Mapping):
        return {int(label): str(word) for label, word in names.items()}
    if isinstance(names, (str, Path)):
        try:
            words = [line.strip() for line in Path(names).read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{names}: cannot be read as a list of class names, one a line ({error})") from None
        while words and not words[-1]:
            words.pop()
        if not words:
            raise InputError(f"{names}: holds no class names; expected one a line, from label {first} on")
        return {label: word or f"class {label}" for label, word in enumerate(words, first)}
    return {label: str(word) for label, word in enumerate(names, first)}
