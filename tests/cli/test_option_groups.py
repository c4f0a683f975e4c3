"""Groups of options: a command takes a dataclass, and typer sees its fields."""

from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

import detcam
from detcam.cli.app import COMMANDS
from detcam.cli.option_groups import Part, grouped
from detcam.cli.options import DetectorOptions


@dataclass(frozen=True)
class Drawing:
    """A group."""

    name: Annotated[str, typer.Option(help="What it is called.")]
    colour: Annotated[str, typer.Option("--colour", help="Its colour.")] = "red"
    width: Annotated[int, typer.Option(min=1, help="Its width.")] = 3
    marks: Annotated[list[str] | None, typer.Option("--mark", help="A mark.")] = None


@grouped
def draw(image: Annotated[str, typer.Argument()], drawing: Drawing, fast: bool = False) -> None:
    """Draw a picture."""
    print(image, drawing, fast)


def ran(command: object, *arguments: str) -> tuple[int, str]:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)  # type: ignore[type-var]
    found = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    return found.exit_code, found.output


def test_a_command_gets_its_group_as_one_parameter() -> None:
    code, said = ran(draw, "a.png", "--name", "sky", "--width", "5", "--mark", "x", "--mark", "y", "--fast")
    assert code == 0, said
    assert said == f"a.png {Drawing('sky', 'red', 5, ['x', 'y'])} True\n"
    code, said = ran(draw, "a.png", "--name", "sky")
    assert said == f"a.png {Drawing('sky')} False\n"


def test_what_typer_checks_is_checked() -> None:
    assert ran(draw, "a.png")[0] == 2  # the name has no default
    code, said = ran(draw, "a.png", "--name", "sky", "--width", "0")
    assert code == 2
    assert "--width" in said
    code, said = ran(draw, "--help")
    assert code == 0
    assert "Draw a picture." in said
    assert "Its colour." in said


def test_the_signature_is_that_of_the_fields() -> None:
    found = signature(draw)
    assert list(found.parameters) == ["image", "name", "colour", "width", "marks", "fast"]
    assert found.parameters["width"].default == 3
    assert draw.__name__ == "draw"


def test_a_part_of_a_group_under_other_names() -> None:
    @dataclass(frozen=True)
    class Pen:
        colour: Annotated[str, typer.Option("--colour", help="Its colour.")] = "red"
        width: Annotated[int, typer.Option(help="Its width.")] = 3

    def two(a: Annotated[Pen, Part(("colour",), of="a")], b: Annotated[Pen, Part(without=("colour",), of="b")],
            rest: Pen) -> None:
        print(a.colour, a.width, b.colour, b.width, rest.colour, rest.width)

    command = grouped(two)
    assert list(signature(command).parameters) == ["colour_a", "width_b", "colour", "width"]
    assert ran(command, "--colour-a", "blue", "--width-b", "7", "--width", "9") == (0, "blue 3 red 7 red 9\n")
    code, said = ran(command, "--help")
    assert code == 0
    assert "For A: its colour." in said
    assert "For B: its width." in said


def test_two_options_of_one_name_are_a_mistake_in_the_program() -> None:
    def twice(first: Drawing, second: Drawing) -> None:
        pass

    with pytest.raises(TypeError, match=r"twice\(\) has two options called name"):
        grouped(twice)


def test_every_command_says_which_detector_in_the_same_words() -> None:
    fields = set(DetectorOptions.__dataclass_fields__)
    taking = [command for command in COMMANDS if "device" in signature(command).parameters]
    assert len(taking) == len(COMMANDS) - 1  # all but the list of methods
    for command in taking:
        options = {name.removesuffix("_a").removesuffix("_b") for name in signature(command).parameters}
        assert fields - options <= {"model", "top_k"}, command.__name__
    assert DetectorOptions("yolov8n.pt", Path("best.pt")).words == "yolov8n.pt with best.pt"


def test_edges_are_measured_unless_somebody_says_no() -> None:
    functions = [detcam.explain, detcam.diagnose, detcam.audit]
    commands = [command for command in COMMANDS if "edges" in signature(command).parameters]
    assert {command.__name__ for command in commands} == {"explain", "diagnose", "audit", "compare"}
    assert all(signature(each).parameters["edges"].default is True for each in [*functions, *commands])
