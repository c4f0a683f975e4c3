"""Methods by their names, with settings, and averages of one method over noisy copies of the photograph."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from torch import Generator, Tensor

from detcam.attribution.method import AVERAGES, LAYER, NOISY, WITH, Entry, Method
from detcam.attribution.methods.settings import read_settings, refuse_wrong_value
from detcam.attribution.methods.table import METHODS, PIXEL
from detcam.errors import MethodError, near

if TYPE_CHECKING:  # which imports this package
    from detcam.attribution.gradients.pixel_gradients import PixelGradients


def get_method(method: str | Method | Callable[..., Tensor], **settings: Any) -> Method:
    """A method by its name, the method itself, or a user's layer function ``(A, G) -> [h, w]``, with settings.

    A name may bring settings of its own, ``"smoothgrad:samples=8,noise=0.1"``. ``"smoothgrad+hirescam"`` averages the
    maps of another method over noisy copies of the photograph, and so do ``smoothgrad_squared+`` and ``vargrad+``;
    settings go to the one of the two that takes them.

    Raises:
        MethodError: there is no method of that name, or it does not take a setting.
    """
    if isinstance(method, str):
        name, named = read_settings(method)
        settings = {**named, **settings}
        if WITH in name and name not in METHODS:  # gradcam++ is
            return _averaged(name, settings)
        found = _from_table(name)
    elif isinstance(method, Method):
        found = method
    elif callable(method):
        found = Method(getattr(method, "__name__", "custom"), LAYER, method)
    else:
        raise MethodError(f"expected the name of a method or a function, got {type(method).__name__}")
    if not settings:
        return found
    known = _defaults(found)
    for name, value in settings.items():
        if name not in known:
            raise MethodError(f"method {found.name!r} takes no setting {name!r}; it takes: "
                              f"{', '.join(known) or 'none'}")
        refuse_wrong_value(f"method {found.name!r}: {name}", value, known[name])
    return replace(found, function=partial(found.function, **settings), settings={**found.settings, **settings})


def takes(name: str) -> tuple[str, ...]:
    """The settings that a method takes, by its name.

    Raises:
        MethodError: there is no method of that name.
    """
    name = read_settings(name)[0]
    parts = [name] if name in METHODS else name.split(WITH, 1)
    return tuple(setting for part in parts for setting in _defaults(get_method(part)))


def entry_of(name: str) -> Entry | None:
    """What the table says about a method, or about an average and what it averages; None for a user's own."""
    average, _, averaged = name.partition(WITH)
    if name in METHODS or averaged not in METHODS or average not in AVERAGES:
        return METHODS.get(name)
    outer, base = METHODS[average], METHODS[averaged]
    return replace(outer, sees_box=base.sees_box, fails_randomization=base.fails_randomization,
                   description=f"{outer.description} What is averaged is {averaged}: {base.description}")


def _defaults(method: Method) -> dict[str, Any]:
    """The settings that a method takes, and their values where they are not set."""
    return {each.name: each.default for each in signature(method.function).parameters.values()
            if each.default is not each.empty}


def _from_table(name: str) -> Method:
    if name not in METHODS:
        raise MethodError(f"unknown method {name!r}: {near(name, METHODS)}")
    entry = METHODS[name]
    module, _, function = entry.where.partition(":")
    return Method(name, entry.kind, getattr(import_module(module), function), entry.source, entry.description,
                  clean=entry.clean, adds_up=entry.adds_up)


def _averaged(name: str, settings: dict[str, Any]) -> Method:
    """``AVERAGE+METHOD`` as one method."""
    average, _, averaged = name.partition(WITH)
    if average not in AVERAGES:
        raise MethodError(f"method {name!r}: {average!r} averages no other method; {', '.join(AVERAGES)} do")
    own = takes(averaged) if averaged in METHODS else ()
    base = get_method(averaged, **{key: value for key, value in settings.items() if key in own})
    outer = get_method(average, **{key: value for key, value in settings.items() if key not in own})
    if base.kind not in (PIXEL, LAYER) or averaged in AVERAGES:
        raise MethodError(f"method {name!r}: {average} averages methods that take a gradient, and {averaged!r} is none")

    def over_copies(gradients: "PixelGradients", pixels: Tensor, generator: Generator) -> Iterator[Tensor]:
        def attributions(copies: Tensor) -> Iterator[Tensor]:
            found: Iterator[Tensor] = base.function(gradients, copies, generator)
            return found

        averages: Iterator[Tensor] = outer.function(attributions, pixels, generator)
        return averages

    of_layer, entry = base.kind == LAYER, entry_of(name)
    assert entry is not None
    return Method(name, NOISY if of_layer else PIXEL, outer.function if of_layer else over_copies,
                  f"{outer.source}; {base.source}",
                  entry.description,
                  {**outer.settings, **base.settings}, adds_up=base.adds_up, base=base if of_layer else None)
