"""The command line: ``detcam explain`` and ``scripts/explain_detections.py``."""

import os
import sys
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from detcam.cli import data_commands
from detcam.cli.options import (
    ClassNames,
    Device,
    HeadChoice,
    ImageSize,
    Model,
    ScoreActivation,
    TopK,
    Unsafe,
    Weights,
    chosen_methods,
    load_detector,
    numbers_of,
    quick_methods,
)
from detcam.cli.terminal import complain, report_interrupt
from detcam.detectors.base import Detector
from detcam.detectors.loading.load import SHIPPED
from detcam.errors import DetcamError, InputError, MismatchError
from detcam.interruption import interruptible

ClickException: Any = typer.BadParameter.__mro__[2]  # click's own, or that of typer's copy of click, by version


class Scale(str, Enum):
    """What full colour stands for."""

    box = "box"
    shared = "shared"


def _print_version(asked: bool) -> None:
    if asked:
        print(f"detcam {version('detcam')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True,
                                       help="Print the version and leave.")]
Images = Annotated[list[str] | None, typer.Argument(
    help="Photographs, folders of them, or patterns such as 'shots/*.jpg'. Without any, the sample photographs.")]
Methods = Annotated[list[str] | None, typer.Option(
    "--method", metavar="METHOD[:SETTING=VALUE,...]",
    help="Attribution method, with or without settings; several stand side by side. hirescam is the default (drise for "
         "a plain callable), 'detcam methods' lists all. smoothgrad+METHOD averages another one over noisy copies, as "
         "in smoothgrad+hirescam:samples=8; so do smoothgrad_squared and vargrad.")]
Layers = Annotated[list[str] | None, typer.Option(
    "--layer", help="depth (default: the box's own level fused with shallower layers), auto (its own level alone) or a "
                    "layer's name; several are fused.")]
TargetName = Annotated[str, typer.Option(
    help="logit, probability, margin (over the runner-up or the background), objectness where there is one, left, top, "
         "right, bottom, width or height.")]
Versus = Annotated[int | None, typer.Option(
    min=1, metavar="N", help="Explain of every box what speaks for it and not for box N.")]
Classes = Annotated[list[str] | None, typer.Option("--class", help="Only this class; may be repeated.")]
MinScore = Annotated[float | None, typer.Option(
    help="Detections with a score above this, from 0 to 1: 0.25, and for a classifier 0.")]
MaxBoxes = Annotated[int, typer.Option(min=0, help="At most so many boxes a photograph, best score first; 0 for all.")]
Points = Annotated[list[str] | None, typer.Option(
    "--at", metavar="X,Y", help="Ask about a point of one photograph: the best raw row there, and why it is no "
                                "detection. May be repeated.")]
Boxes = Annotated[list[str] | None, typer.Option(
    "--box", metavar="X1,Y1,X2,Y2", help="The same for a box, which tells objects that overlap apart.")]
Samples = Annotated[int | None, typer.Option(
    help="SmoothGrad and its kin: noisy copies; D-RISE: masks.", min=1, max=10000)]
Noise = Annotated[float | None, typer.Option(
    help="SmoothGrad and its kin: noise, as a share of the pixel range.", min=0, max=1)]
Steps = Annotated[int | None, typer.Option(help="Integrated gradients of all kinds: steps.", min=1, max=10000)]
Baseline = Annotated[str | None, typer.Option(
    help="Integrated gradients, occlusion: what stands for nothing: black, white, grey, mean or blur.")]
UseEdges = Annotated[bool, typer.Option(help="Measure what each edge rests on.")]
EdgeMaps = Annotated[bool, typer.Option("--edge-maps", help="Also keep and draw each edge's signed map.")]
EdgeLayer = Annotated[str | None, typer.Option(help="Where the evidence on an edge is taken.")]
UseSweep = Annotated[bool, typer.Option(
    "--sweep", help="Also keep each box's maps at many layers, and draw them from shallow to deep, a picture a box.")]
SweepBoxes = Annotated[list[int] | None, typer.Option(
    "--sweep-box", min=1, help="The same for the box with this number alone; may be repeated.")]
ReferenceFile = Annotated[Path | None, typer.Option(
    "--reference", help="Sound boxes to compare with, from scripts/validate_numbers.py --reference-out.")]
ScaleChoice = Annotated[Scale, typer.Option(help="Full colour is each box's own maximum, or one shared by all.")]
ColourMap = Annotated[str, typer.Option(help="Matplotlib colour map of the heat, such as jet.")]
Seed = Annotated[int, typer.Option(help="Where a method's noise starts from.", min=0)]
Out = Annotated[Path, typer.Option(help="Output folder.")]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def _group(show_version: Version = False) -> None:
    """Why does a detector draw each of its boxes, and which edge is most likely wrong?"""


@app.command()
def explain(
    images: Images = None, model: Model = SHIPPED, weights: Weights = None, class_names: ClassNames = None,
    head: HeadChoice = None, imgsz: ImageSize = None, device: Device = "cpu",
    score_activation: ScoreActivation = None, unsafe: Unsafe = False, method: Methods = None,
    layer: Layers = None, target: TargetName = "logit", only: Classes = None, at: Points = None, box: Boxes = None,
    min_score: MinScore = None, max_boxes: MaxBoxes = 30, samples: Samples = None, noise: Noise = None,
    steps: Steps = None, baseline: Baseline = None,
    edges: UseEdges = True, edge_maps: EdgeMaps = False, edge_layer: EdgeLayer = None,
    reference: ReferenceFile = None, scale: ScaleChoice = Scale.box, cmap: ColourMap = "inferno", seed: Seed = 0,
    top_k: TopK = None,
    sweep: UseSweep = False, sweep_box: SweepBoxes = None, versus: Versus = None, out: Out = Path("explanations"),
    show_version: Version = False,
) -> None:
    """Explain every box of every photograph: a figure, the numbers, and the raw heatmaps."""
    from detcam.attribution.layers.names import DEPTH
    from detcam.attribution.target import get_target
    from detcam.cli.job import do
    from detcam.cli.photographs import collect
    from detcam.cli.photographs import samples as sample_photographs
    from detcam.cli.run import check_output
    from detcam.explanations.explain import swept_method
    from detcam.measures.reference import load_reference
    from detcam.store.files import output_folder
    from detcam.views.page.colours import colour_map

    if not edges and (edge_maps or edge_layer or reference):
        raise InputError("--edge-maps, --edge-layer and --reference need --edges")
    if min_score is not None and not 0 <= min_score < 1:
        raise InputError(f"--min-score {min_score}: expected a number from 0 to 1")
    given = {"samples": samples, "noise": noise, "steps": steps, "baseline": baseline}
    options: dict[str, Any] = {
        "method": chosen_methods(method, given) if method else None, "layer": layer or DEPTH,
        "target": get_target(target), "min_score": min_score, "classes": only, "max_boxes": max_boxes or None,
        "edges": edges, "edge_maps": edge_maps, "edge_layer": edge_layer, "seed": seed, "sweep": sweep_box or sweep,
        "versus": versus,
        "reference": None if reference is None else load_reference(reference),
        "at": numbers_of("--at", at or [], "X,Y", "320,240"),
        "box": numbers_of("--box", box or [], "X1,Y1,X2,Y2", "300,80,420,400"),
    }
    if method and (sweep or sweep_box):
        swept_method(options["method"])
    colour_map(cmap)
    photographs = collect(images) if images else sample_photographs()
    if (at or box) and len(photographs) != 1:
        raise InputError(f"--at and --box ask about one photograph, and {len(photographs)} are named: name one")
    if versus and len(photographs) != 1:
        raise InputError(f"--versus names a box of one photograph, and {len(photographs)} are named: name one")
    check_output(out, photographs)
    output_folder(out)
    with report_interrupt():
        detector = load_detector(model, weights, class_names, head, imgsz, device, score_activation, unsafe, top_k)
    _fit(detector, options, given)
    raise typer.Exit(do(detector, photographs, out, options, {"scale": scale.value, "cmap": cmap}))


Json = Annotated[bool, typer.Option("--json", help="As JSON on standard output.")]


@app.command()
def methods(as_json: Json = False) -> None:
    """List the attribution methods: what each costs, needs, and when to use which."""
    from rich.console import Console

    from detcam.cli.listings import print_methods

    print_methods(as_json, Console())


@app.command()
def layers(
    model: Annotated[str, typer.Argument(help="What --model takes elsewhere.")] = SHIPPED, weights: Weights = None,
    class_names: ClassNames = None, head: HeadChoice = None, imgsz: ImageSize = None, device: Device = "cpu",
    score_activation: ScoreActivation = None, unsafe: Unsafe = False, as_json: Json = False,
) -> None:
    """List a detector's useful layers: stride, channels, and whose levels' boxes each can explain."""
    from rich.console import Console

    from detcam.cli.listings import print_layers

    with report_interrupt():
        detector = load_detector(model, weights, class_names, head, imgsz, device, score_activation, unsafe)
    print_layers(detector, as_json, Console())


@app.command()
def sheet(
    image: Annotated[str, typer.Argument(help="One photograph.")],
    number: Annotated[int, typer.Option("--number", min=1, metavar="N",
                                        help="Which of its boxes, best score first.")] = 1,
    model: Model = SHIPPED, weights: Weights = None, class_names: ClassNames = None, head: HeadChoice = None,
    imgsz: ImageSize = None, device: Device = "cpu", score_activation: ScoreActivation = None, unsafe: Unsafe = False,
    method: Methods = None, layer: Layers = None, target: TargetName = "logit", only: Classes = None,
    min_score: MinScore = None, samples: Samples = None, noise: Noise = None,
    steps: Steps = None, baseline: Baseline = None, cmap: ColourMap = "inferno",
    seed: Seed = 0, out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("methods.png"),
) -> None:
    """Draw one box under every method, or under those that are named, on one page."""
    from detcam.attribution.layers.names import DEPTH
    from detcam.cli.job import sheet_of
    from detcam.views.page.colours import colour_map

    colour_map(cmap)
    given = {"samples": samples, "noise": noise, "steps": steps, "baseline": baseline}
    chosen = chosen_methods(method, given) if method else quick_methods(given)
    with report_interrupt():
        detector = load_detector(model, weights, class_names, head, imgsz, device, score_activation, unsafe)
    sheet_of(detector, Path(image), number, chosen, out, cmap, {
        "layer": layer or DEPTH, "target": target, "min_score": min_score, "classes": only, "seed": seed})


@app.command()
def panel(
    image: Annotated[str, typer.Argument(help="One photograph.")],
    classifier: Annotated[str, typer.Option(help="A classifier of torchvision's, or timm:NAME.")] = "squeezenet1_1",
    classifier_weights: Annotated[Path | None, typer.Option(help="Its state dict, if not the published one.")] = None,
    classifier_names: Annotated[Path | None, typer.Option(help="Its class names, one a line, from label 0 on.")] = None,
    detector: Annotated[str, typer.Option(help="What --model takes elsewhere.")] = SHIPPED, weights: Weights = None,
    class_names: ClassNames = None, device: Device = "cpu", unsafe: Unsafe = False, min_score: MinScore = None,
    max_boxes: Annotated[int, typer.Option(min=1, help="At most so many boxes, best score first.")] = 12,
    cmap: ColourMap = "inferno", out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("panel.png"),
) -> None:
    """Draw a classifier's maps of a photograph beside a detector's boxes, with how clear each box's outline is."""
    from detcam.cli.job import panel_of
    from detcam.views.page.colours import colour_map

    colour_map(cmap)
    with report_interrupt():
        seeing = load_detector(classifier, classifier_weights, classifier_names, None, None, device, None, False)
        drawing = load_detector(detector, weights, class_names, None, None, device, None, unsafe)
    panel_of(seeing, drawing, Path(image), out, cmap, min_score, max_boxes)


def _fit(detector: Detector, options: dict[str, Any], settings: dict[str, Any]) -> None:
    """Fill in what the detector decides, and refuse what it does not have before the first photograph."""
    from detcam.attribution.attribute import check_method
    from detcam.attribution.layers.names import AUTO, layers_of
    from detcam.attribution.target import get_target

    options["method"] = options["method"] or chosen_methods([detector.default_method], settings)
    options["min_score"] = detector.min_score if options["min_score"] is None else options["min_score"]
    for each in options["method"]:
        check_method(detector, each)
    detector.labels_of(options["classes"] or [])
    get_target(options["target"], detector)
    if detector.differentiable:
        layers_of(detector, options["layer"], 0), layers_of(detector, options["edge_layer"] or AUTO, 0)


app.command()(data_commands.diagnose)
app.command()(data_commands.audit)
app.command()(data_commands.compare)
alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
alone.command()(explain)


def main(arguments: list[str] | None = None, commands: typer.Typer = app, name: str = "detcam") -> int:
    """Run a command; the exit code: 0, 1 where photographs failed, 2 for usage, 130 when interrupted.

    Every error that is foreseen is one line on stderr. SIGTERM ends a run as Ctrl-C does.
    """
    try:
        with interruptible():
            return int(commands(args=arguments, prog_name=name, standalone_mode=False) or 0)
    except (DetcamError, ClickException) as error:
        words = str(error) if isinstance(error, DetcamError) else error.format_message()
        context = getattr(error, "ctx", None)
        if words:  # a command without arguments has printed its help already
            complain(words + (f" (see {context.command_path} --help)" if context else ""))
        return 1 if isinstance(error, MismatchError) else 2
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
        return 130
    except BrokenPipeError:  # the reader of our output left, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
