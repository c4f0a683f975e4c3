"""``detcam explain``: every box of every photograph, or why there is none at a place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detcam.cli.option_groups import grouped
from detcam.cli.options import (
    Classes,
    ColourMap,
    DetectorOptions,
    MethodOptions,
    MinScore,
    ReferenceFile,
    UseEdges,
    Version,
)
from detcam.cli.parsing import numbers_of
from detcam.cli.photographs import check_output, collect, samples
from detcam.errors import InputError

if TYPE_CHECKING:
    from detcam.detectors.base import Detector


class Scale(str, Enum):
    """What full colour stands for."""

    box = "box"
    shared = "shared"


@dataclass(frozen=True)
class BoxOptions:
    """Which boxes are explained."""

    classes: Classes = None
    min_score: MinScore = None
    max_boxes: Annotated[int, typer.Option(
        min=0, help="At most so many boxes a photograph, best score first; 0 for all.")] = 30
    versus: Annotated[int | None, typer.Option(
        min=1, metavar="N", help="Explain the difference between each box's score and that of box N.")] = None


@dataclass(frozen=True)
class PlaceOptions:
    """Places where the user asks why there is no detection."""

    at: Annotated[list[str] | None, typer.Option(
        "--at", metavar="X,Y", help="Ask about a point of one photograph: the best raw row there, and why it is no "
                                    "detection. May be repeated.")] = None
    box: Annotated[list[str] | None, typer.Option(
        "--box", metavar="X1,Y1,X2,Y2", help="The same for a box, which tells apart objects that overlap.")] = None

    def keywords(self) -> dict[str, Any]:
        """The points and boxes as :func:`detcam.explain` takes them.

        Raises:
            PlaceError: something else was given.
        """
        return {"at": numbers_of("--at", self.at or [], "X,Y", "320,240"),
                "box": numbers_of("--box", self.box or [], "X1,Y1,X2,Y2", "300,80,420,400")}


@dataclass(frozen=True)
class EdgeOptions:
    """What is measured of each box's edges."""

    edges: UseEdges = True
    edge_maps: Annotated[bool, typer.Option("--edge-maps", help="Also keep and draw each edge's signed map.")] = False
    edge_layer: Annotated[str | None, typer.Option(
        help="Layer of the evidence on the edges. Default: the detector's own choice.")] = None
    reference: ReferenceFile = None

    def check(self) -> None:
        """See that the options go together.

        Raises:
            InputError: they do not.
        """
        if not self.edges and (self.edge_maps or self.edge_layer or self.reference):
            raise InputError("--edge-maps, --edge-layer and --reference need --edges")

    def keywords(self) -> dict[str, Any]:
        """Keyword arguments of :func:`detcam.explain`.

        Raises:
            DataError: the reference cannot be read.
        """
        from detcam.measures.reference import load_reference

        return {"edges": self.edges, "edge_maps": self.edge_maps, "edge_layer": self.edge_layer,
                "reference": None if self.reference is None else load_reference(self.reference)}


@dataclass(frozen=True)
class DrawingOptions:
    """How the heat is drawn."""

    scale: Annotated[Scale, typer.Option(help="Full colour is each box's own maximum, or one shared by all.")
                     ] = Scale.box
    cmap: ColourMap = "inferno"
    sweep: Annotated[bool, typer.Option(
        "--sweep", help="Also keep each box's maps at many layers, and draw them from shallow to deep, a picture a "
                        "box.")] = False
    sweep_box: Annotated[list[int] | None, typer.Option(
        "--sweep-box", min=1, help="The same for the box with this number alone; may be repeated.")] = None


@grouped
def explain(
    detector: DetectorOptions, how: MethodOptions, boxes: BoxOptions, places: PlaceOptions, edges: EdgeOptions,
    drawing: DrawingOptions,
    images: Annotated[list[str] | None, typer.Argument(
        help="Photographs, folders of them, or patterns such as 'shots/*.jpg'. Default: the sample photographs.")
        ] = None,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("explanations"),
    show_version: Version = False,
) -> None:
    """Explain every box of every photograph: a figure, the numbers, and the raw heatmaps."""
    edges.check()
    photographs = collect(images) if images else samples()
    _check_one_photograph(len(photographs), places, boxes.versus)
    asked = places.keywords()

    from detcam.attribution.layers.names import DEPTH
    from detcam.attribution.target import get_target
    from detcam.cli.commands.explain_photographs import explain_and_report
    from detcam.explanations.explain import swept_method
    from detcam.store.files import output_folder
    from detcam.views.page.colours import colour_map

    methods = how.chosen()
    sweep = drawing.sweep_box or drawing.sweep
    if methods and sweep:
        swept_method(methods)
    colour_map(drawing.cmap)
    options = {"layer": how.layer or DEPTH, "target": get_target(how.target), "classes": boxes.classes,
               "max_boxes": boxes.max_boxes or None, "versus": boxes.versus, "seed": how.seed, "sweep": sweep,
               **edges.keywords(), **asked}
    check_output(out, photographs)
    output_folder(out)
    model = detector.load()
    options["method"] = how.chosen(model.default_method)
    options["min_score"] = model.min_score if boxes.min_score is None else boxes.min_score
    _check_detector(model, options)
    raise typer.Exit(explain_and_report(model, photographs, out, options, {
        "scale": drawing.scale.value, "cmap": drawing.cmap}))


def _check_one_photograph(count: int, places: PlaceOptions, versus: int | None) -> None:
    """See that what is meant of one photograph is asked of one."""
    if (places.at or places.box) and count != 1:
        raise InputError(f"--at and --box ask about one photograph, and {count} are named: name one")
    if versus and count != 1:
        raise InputError(f"--versus names a box of one photograph, and {count} are named: name one")


def _check_detector(detector: Detector, options: dict[str, Any]) -> None:
    """Refuse what the detector does not have before the first photograph."""
    from detcam.attribution.attribute import check_method
    from detcam.attribution.layers.names import AUTO, layers_of
    from detcam.attribution.target import get_target

    for method in options["method"]:
        check_method(detector, method)
    detector.labels_of(options["classes"] or [])
    get_target(options["target"], detector)
    if detector.differentiable:
        for layer in (options["layer"], options["edge_layer"] or AUTO):
            layers_of(detector, layer, 0)
