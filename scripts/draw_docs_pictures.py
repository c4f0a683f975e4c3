"""Draw the pictures of README.md and docs/ again, from detcam's own figures.

Example: python scripts/draw_docs_pictures.py --model yolov8n.pt
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray
from PIL import Image as PilImage

import detcam
from detcam.errors import InputError
from detcam.views.explanation.figure import first_figure
from detcam.views.page.sheet import letter

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "sample_images" / "grace_hopper.jpg"
MARK = "#1864ab"  # of the numbers that are put onto a figure
SHEET = ("hirescam", "gradcam", "eigencam", "gradient", "smoothgrad", "guided_backprop")
PAGES = {"overview": "bus.png", "boxes": "bus.2.png", "hidden": "bus.3.png", "missed": "bus.4.png"}
CAPTIONS = ("the box:\nsure that it is a person", "the heat:\nwhat raised its score",
            "where the heat lies:\nalmost all inside the box", "evidence on each edge:\nthe top is in dispute",
            "what moves the top:\ncap red, face blue")


class Picture(str, Enum):
    """A picture of the documentation."""

    figure = "figure"
    methods = "methods"
    place = "place"
    diagnosis = "diagnosis"


@dataclass(frozen=True)
class Drawn:
    """A figure and its pixels; places are inches from its top left corner, left, top, right, bottom."""

    figure: Figure
    pixels: NDArray[np.uint8]

    def place(self, index: int) -> tuple[float, float, float, float]:
        """Where the axes with this index lie."""
        width, height = self.figure.get_size_inches()
        box = self.figure.axes[index].get_position()
        return box.x0 * width, (1 - box.y1) * height, box.x1 * width, (1 - box.y0) * height

    def crop(self, place: Sequence[float]) -> NDArray[np.uint8]:
        """The pixels of a place, ``[h, w, 3]``."""
        x1, y1, x2, y2 = (round(each * self.figure.dpi) for each in place)
        return self.pixels[max(y1, 0):y2, max(x1, 0):x2]


def drawn(figure: Figure) -> Drawn:
    """A detcam figure with its pixels."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return Drawn(figure, np.asarray(canvas.buffer_rgba())[..., :3].copy())


def write(path: Path, pixels: NDArray[np.uint8], width: int) -> None:
    """Write a picture of 256 colours that is at most so many pixels wide."""
    picture = PilImage.fromarray(pixels)
    if picture.width > width:
        picture = picture.resize((width, round(picture.height * width / picture.width)), PilImage.Resampling.LANCZOS)
    palette = picture.quantize(256, PilImage.Quantize.MEDIANCUT)
    picture.quantize(palette=palette, dither=PilImage.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1000} kB")


def mark(figure: Figure, places: Mapping[int, tuple[float, float]]) -> None:
    """Put numbers onto a figure, each at a place in inches."""
    paper = figure.axes[0]
    for number, (x, y) in places.items():
        paper.add_patch(Circle((x, y), 0.15, facecolor=MARK, edgecolor="white", linewidth=1.5, zorder=9))
        letter(paper, x, y, str(number), 11, bold=True, colour="white", ha="center", va="center")
        paper.texts[-1].set_zorder(10)
    paper.set_zorder(10)
    paper.patch.set_alpha(0)


def explained(model: str) -> detcam.Explanation:
    """The photograph of README.md, explained with edge maps."""
    return detcam.explain(detcam.load(model), SAMPLE, classes=["person"], edge_maps=True)[:1]


def reading(explanation: detcam.Explanation) -> NDArray[np.uint8]:
    """Five pictures of one box with a number and a caption each."""
    row = drawn(first_figure(explanation, dpi=200))
    box, heat, whole, top_edge = (row.place(index) for index in (3, 4, 5, 8))
    width, _ = row.figure.get_size_inches()
    bars = (whole[2] + 0.25, box[1], whole[2] + 2.95, box[3])
    edges = (whole[2] + 3.45, box[1], width - 0.65, box[3] - 0.4)
    panels = [row.crop(place) for place in (box, heat, bars, edges, top_edge)]
    shapes = [panel.shape[1] / panel.shape[0] for panel in panels]
    high, gap, top = 2.6, 0.3, 0.75
    wide = sum(shapes) * high + gap * (len(panels) + 1)
    figure = Figure(figsize=(wide, high + top + 0.15), dpi=130, facecolor="white")
    FigureCanvasAgg(figure)
    paper = figure.add_axes((0, 0, 1, 1))
    paper.set_axis_off()
    paper.set(xlim=(0, wide), ylim=(high + top + 0.15, 0))
    x = gap
    for number, (panel, shape, caption) in enumerate(zip(panels, shapes, CAPTIONS, strict=True), 1):
        axes = figure.add_axes((x / wide, 0.15 / (high + top + 0.15), shape * high / wide, high / (high + top + 0.15)))
        axes.imshow(panel, aspect="auto")
        axes.set_axis_off()
        mark(figure, {number: (x + 0.15, 0.36)})
        for k, line in enumerate(caption.split("\n")):
            letter(paper, x + 0.4, 0.16 + 0.23 * k, line, 11, bold=k == 0)
        x += shape * high + gap
    return drawn(figure).pixels


def whole_figure(explanation: detcam.Explanation) -> NDArray[np.uint8]:
    """The figure of a photograph with numbers on its parts."""
    figure = first_figure(explanation)
    plain = drawn(figure)
    photograph, legend, box, heat, whole, _, _, top_edge = (plain.place(index) for index in range(1, 9))
    mark(figure, {
        1: (photograph[2] - 0.25, photograph[1] + 0.25), 2: (legend[2] + 0.3, (legend[1] + legend[3]) / 2),
        3: (box[2] - 0.1, box[1]), 4: (heat[2] - 0.1, heat[1]), 5: (whole[2] - 0.1, whole[1]),
        6: (whole[2] + 0.55, box[1] + 0.15), 7: (whole[2] + 3.5, box[1] + 0.15),
        8: (top_edge[2], top_edge[1] + 0.3)})
    return drawn(figure).pixels


def persons_of_the_bus(folder: Path) -> Path:
    """ultralytics' photograph in a folder, and beside it the boxes of its persons, drawn by hand, in COCO's format."""
    package = find_spec("ultralytics")
    assert package is not None
    assert package.submodule_search_locations
    copyfile(Path(package.submodule_search_locations[0]) / "assets" / "bus.jpg", folder / "bus.jpg")
    drawn_by_hand = json.loads((ROOT / "tests" / "data" / "hand_drawn_persons.json").read_text())["photographs"]
    persons = next(each["persons"] for each in drawn_by_hand if each["name"] == "bus.jpg")
    (folder / "instances.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "bus.jpg", "width": 810, "height": 1080}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"id": number, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": (x2 - x1) * (y2 - y1),
                         "bbox": [x1, y1, x2 - x1, y2 - y1]} for number, (x1, y1, x2, y2) in enumerate(persons, 1)]}))
    return folder / "bus.jpg"


def detcam_writes(folder: Path, *arguments: str | Path) -> None:
    """Run a command of detcam in a folder."""
    subprocess.run([sys.executable, "-m", "detcam", *map(str, arguments)], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)


def pixels_of(path: Path) -> NDArray[np.uint8]:
    """A picture's pixels, ``[h, w, 3]``."""
    return np.asarray(PilImage.open(path).convert("RGB"))


def draw(model: Path, out: Path, audit: Path | None, wanted: Sequence[Picture]) -> None:
    """Draw the wanted of the pictures into a folder."""
    if Picture.figure in wanted:
        explanation = explained(str(model))
        write(out / "reading.png", reading(explanation), 1800)
        write(out / "figure.png", whole_figure(explanation), 1500)
    with TemporaryDirectory() as name:
        folder = Path(name)
        bus = persons_of_the_bus(folder)
        if Picture.methods in wanted:
            detcam_writes(folder, "sheet", SAMPLE, "--model", model, "--class", "person",
                          *[word for method in SHEET for word in ("--method", method)])
            write(out / "methods.png", pixels_of(folder / "methods.png"), 1300)
        if Picture.place in wanted:
            detcam_writes(folder, "explain", bus, "--at", "780,600", "--min-score", "0.4", "--out", "place")
            write(out / "place.png", pixels_of(folder / "place" / "bus.png"), 1300)
        if Picture.diagnosis in wanted:
            detcam_writes(folder, "diagnose", bus, "--annotations", folder / "instances.json", "--class", "person",
                          "--min-score", "0.6", "--intervene", "--out", "diagnosis")
            for kind, page in PAGES.items():
                write(out / f"diagnosis-{kind}.png", pixels_of(folder / "diagnosis" / page), 1300)
    if audit is not None:
        write(out / "audit.png", pixels_of(audit), 1400)


def main(
    model: Annotated[Path, typer.Option(help="A YOLOv8n, such as ultralytics'.")] = Path("yolov8n.pt"),
    audit: Annotated[Path | None, typer.Option(help="The audit.png of an audit, to be kept as a picture too.")] = None,
    out: Annotated[Path, typer.Option(help="Output folder.")] = ROOT / "docs" / "pictures",
    picture: Annotated[list[Picture] | None, typer.Option(help="This picture alone; may be repeated.")] = None,
) -> None:
    """Draw the pictures of README.md and docs/ again."""
    if not model.is_file():
        raise InputError(f"{model}: no such checkpoint file")
    out.mkdir(parents=True, exist_ok=True)
    draw(model.resolve(), out, audit, picture or list(Picture))
