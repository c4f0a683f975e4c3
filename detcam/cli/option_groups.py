"""Options that belong together as one dataclass, so that a command takes a group as one parameter."""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import MISSING, dataclass, fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """Which options of a group a command takes, and what they are called there.

    Attributes:
        only: the names of the fields; empty for all of them.
        without: fields that are left out.
        of: a letter that is added to the names, as in ``--weights-a``, and said in their help.
    """

    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    of: str = ""

    def takes(self, field: str) -> bool:
        return field not in self.without and (not self.only or field in self.only)

    def name(self, field: str) -> str:
        return f"{field}_{self.of}" if self.of else field


def grouped(command: Callable[..., T]) -> Callable[..., T]:
    """A command whose parameters that are dataclasses are replaced by the fields of these, as typer reads them.

    A field is annotated as a parameter would be, ``Annotated[TYPE, typer.Option(...)]``. A parameter annotated with
    ``Annotated[GROUP, Part(...)]`` takes some of the fields alone, or under other names.

    Raises:
        TypeError: two parameters or fields have the same name.
    """
    flat: dict[str, Parameter] = {}
    groups: dict[str, tuple[type, dict[str, str]]] = {}
    for parameter in signature(command, eval_str=True).parameters.values():
        kind, part = _group_of(parameter.annotation)
        if kind is None:
            _add(flat, parameter.replace(kind=Parameter.KEYWORD_ONLY), command)
            continue
        options = dict(_options_of(kind, part))
        for option in options.values():
            _add(flat, option, command)
        groups[parameter.name] = kind, {field: option.name for field, option in options.items()}

    def called(**given: Any) -> T:
        made = {name: kind(**{field: given.pop(option) for field, option in names.items() if option in given})
                for name, (kind, names) in groups.items()}
        return command(**given, **made)

    called.__name__, called.__doc__, called.__module__ = command.__name__, command.__doc__, command.__module__
    called.__annotations__ = {name: parameter.annotation for name, parameter in flat.items()}
    vars(called)["__signature__"] = Signature(list(flat.values()))
    return called


def _add(flat: dict[str, Parameter], parameter: Parameter, command: Callable[..., Any]) -> None:
    if parameter.name in flat:
        raise TypeError(f"{command.__name__}() has two options called {parameter.name}")
    flat[parameter.name] = parameter


def _group_of(annotation: Any) -> tuple[type | None, Part]:
    """The dataclass that a parameter is annotated with, and which part of it is meant; None for another kind."""
    kind, *notes = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    if not (isinstance(kind, type) and is_dataclass(kind)):
        return None, Part()
    return kind, next((note for note in notes if isinstance(note, Part)), Part())


def _options_of(kind: Any, part: Part) -> Iterator[tuple[str, Parameter]]:
    """Each field that is taken, and the parameter that it becomes."""
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        if part.takes(field.name):
            default = Parameter.empty if field.default is MISSING else field.default
            yield field.name, Parameter(part.name(field.name), Parameter.KEYWORD_ONLY, default=default,
                                        annotation=_renamed(hints[field.name], part.of))


def _renamed(annotation: Any, letter: str) -> Any:
    """An option under the name of its parameter, with the letter in its help."""
    if not letter:
        return annotation
    kind, info, *_ = get_args(annotation)
    option = copy(info)
    option.default, option.param_decls = ..., None
    option.help = f"For {letter.upper()}: {info.help[:1].lower() + info.help[1:] if info.help else ''}"
    return Annotated[kind, option]
