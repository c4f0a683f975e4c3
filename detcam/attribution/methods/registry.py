"""Methods by name, with settings; and methods averaged over noisy copies of the photograph."""

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
    """A method with its settings.

    Args:
        method: a method's name, a method itself, or a function of yours that combines a layer's activations and
            gradients, ``[c, h, w]`` each, to a map ``[h, w]``. A name may bring settings:
            ``"smoothgrad:samples=8,noise=0.1"``. ``"smoothgrad+hirescam"`` averages the maps of the second method over
            noisy copies of the photograph; ``smoothgrad_squared+`` and ``vargrad+`` work alike.
        settings: of the method, beside those in its name. Of two joined by ``+``, each gets those that it takes.

    Raises:
        MethodError: there is no method of that name, it does not take a setting, or a value has the wrong type.
    """
    if isinstance(method, str):
        name, in_name = read_settings(method)
        settings = {**in_name, **settings}
        if WITH in name and name not in METHODS:  # gradcam++ is in it
            return _averaged(name, settings)
        plain = _from_table(name)
    elif isinstance(method, Method):
        plain = method
    elif callable(method):
        plain = Method(getattr(method, "__name__", "custom"), LAYER, method)
    else:
        raise MethodError(f"expected the name of a method or a function, got {type(method).__name__}")
    return _with_settings(plain, settings) if settings else plain


def _with_settings(method: Method, settings: dict[str, Any]) -> Method:
    """The method with these settings, checked."""
    known = _defaults(method)
    for name, value in settings.items():
        if name not in known:
            raise MethodError(f"method {method.name!r} takes no setting {name!r}; it takes: "
                              f"{', '.join(known) or 'none'}")
        refuse_wrong_value(f"method {method.name!r}: {name}", value, known[name])
    return replace(method, function=partial(method.function, **settings), settings={**method.settings, **settings})


def takes(name: str) -> tuple[str, ...]:
    """The names of the settings that the method of a name takes.

    Raises:
        MethodError: there is no method of that name.
    """
    name = read_settings(name)[0]
    parts = [name] if name in METHODS else name.split(WITH, 1)
    return tuple(setting for part in parts for setting in _defaults(get_method(part)))


def entry_of(name: str) -> Entry | None:
    """A method's line of the table, also for an average such as ``smoothgrad+hirescam``; None for your own methods."""
    average, _, averaged = name.partition(WITH)
    if name in METHODS or averaged not in METHODS or average not in AVERAGES:
        return METHODS.get(name)
    outer, base = METHODS[average], METHODS[averaged]
    return replace(outer, sees_box=base.sees_box, fails_randomization=base.fails_randomization,
                   description=f"{outer.description} Averaged method, {averaged}: {base.description}")


def _defaults(method: Method) -> dict[str, Any]:
    """The settings that a method takes, with their default values."""
    return {parameter.name: parameter.default for parameter in signature(method.function).parameters.values()
            if parameter.default is not parameter.empty}


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
        raise MethodError(f"method {name!r}: {average!r} cannot average another method; {', '.join(AVERAGES)} can")
    of_base = takes(averaged) if averaged in METHODS else ()
    base = get_method(averaged, **{key: value for key, value in settings.items() if key in of_base})
    outer = get_method(average, **{key: value for key, value in settings.items() if key not in of_base})
    if base.kind not in (PIXEL, LAYER) or averaged in AVERAGES:
        raise MethodError(f"method {name!r}: {average} averages methods that use gradients; {averaged!r} uses none")

    def over_copies(gradients: "PixelGradients", pixels: Tensor, generator: Generator) -> Iterator[Tensor]:
        def attributions(copies: Tensor) -> Iterator[Tensor]:
            maps: Iterator[Tensor] = base.function(gradients, copies, generator)
            return maps

        averages: Iterator[Tensor] = outer.function(attributions, pixels, generator)
        return averages

    of_layer, entry = base.kind == LAYER, entry_of(name)
    assert entry is not None
    return Method(name, NOISY if of_layer else PIXEL, outer.function if of_layer else over_copies,
                  f"{outer.source}; {base.source}",
                  entry.description,
                  {**outer.settings, **base.settings}, adds_up=base.adds_up, base=base if of_layer else None)
