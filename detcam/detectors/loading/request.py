"""What load() is asked for: a model in one of its forms, and the options that were given with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """A model to load.

    Attributes:
        model: a name or a path, as text, or the live object.
        name: what messages call it.
        options: the options that were given, by name; one that was left out is not in it.
        unsafe: whether code in a pickled checkpoint may run. A permission and no option: it goes with every model.
    """

    model: Any
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    unsafe: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the model is a name or a path."""
        return isinstance(self.model, str)


def is_a(model: object, kind: str) -> bool:
    """Whether a live object is of a class, or of one derived from it, named as ``"module.Class"``.

    The class's library need not be imported for that: where an object of it exists, it is.
    """
    return any(f"{each.__module__}.{each.__qualname__}" == kind for each in type(model).__mro__)
