"""The pages that a person reads: their blocks of code, and a folder with the files that these name."""

import contextlib
import io
import json
import re
import runpy
import shlex
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PilImage
from torch import nn

import detcam
from support.places import ROOT, SAMPLES, SUPPORT
from support.tiny import photograph, save_yolo, tiny_yolo

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MEASUREMENTS = sorted((ROOT / "docs" / "measurements").glob("*.md"))
BLOCK = re.compile(r"(?:<!-- not run: (?P<reason>[^\n]+?) -->\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$"
                   r"(?:\n\n```text\n(?P<prints>.*?)^```$)?", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        kind: its language.
        code: what stands in it.
        prints: what the ``text`` block below it says that it prints, or nothing.
        reason: why it cannot run, where the page says so; otherwise nothing.
    """

    kind: str
    code: str
    prints: str
    reason: str

    @property
    def commands(self) -> list[list[str]]:
        """The commands of a shell block as words, continued lines joined, comments and variables left out."""
        lines = self.code.replace("\\\n", " ").splitlines()
        found = [command for line in lines for command in re.split(r"&&|;", line)]
        return [words for words in (shlex.split(command, comments=True) for command in found) if words]


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    return [Block(each["kind"], each["code"], each["prints"] or "", each["reason"] or "")
            for each in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def command_line(words: list[str]) -> str:
    """Run ``detcam ...`` or ``python scripts/...`` in this process; what it prints. It must end with exit code 0."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(words[1:]) if words[0] == "detcam" else script(words[1:])
    assert code == 0, f"{shlex.join(words)}: exit code {code}: {out.getvalue()[-500:]}"
    return out.getvalue()


def main(words: list[str]) -> int:
    """The entry point of ``detcam``, as ``pyproject.toml`` names it."""
    scripts = re.search(r'^detcam = "([\w.]+):(\w+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert scripts is not None
    function = getattr(__import__(scripts[1], fromlist=["main"]), scripts[2])
    return int(function(words) or 0)


def script(words: list[str]) -> int:
    """A file of ``scripts/`` as a program, as if it lay in the clone of :func:`stand_ins`; its exit code."""
    arguments = sys.argv
    sys.argv = [str(Path("clone") / words[0]), *words[1:]]
    try:
        runpy.run_path(str(ROOT / words[0]), run_name="__main__")
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.argv = arguments
    return 0


def few_boxes(path: Path, seed: int) -> Path:
    """The checkpoint of a tiny YOLO that finds two persons and nothing else on the first :func:`photograph`.

    Figures of many boxes take long. A constant shift of a class's logits changes no order.
    """
    model = tiny_yolo(seed=seed)
    biases = [branch[-1].bias for branch in model.model[-1].cv3]
    with torch.no_grad():
        for bias in biases:
            bias[1:] -= 20
        scores = detcam.load(save_yolo(model, path)).detect(detcam.load_image(photograph()), 0.02).scores
        shift = torch.tensor([0.3, float(scores[1])]).logit()
        for bias in biases:
            bias[0] += shift[0] - shift[1]
    return save_yolo(model, path)


def stand_ins(folder: Path, checkpoints: Path, page: str) -> None:
    """Put the files that a page names into a folder: small photographs, tiny detectors, annotations."""
    for name in ("best.pt", "old.pt", "new.pt"):
        shutil.copy(checkpoints / name, folder / name)
    for lighter, name in enumerate(("street.jpg", "cat.png", "shots/a.jpg", "shots/b.jpg", "more/c.jpg",
                                    "clone/sample_images/d.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        PilImage.fromarray(np.clip(photograph(), lighter, 255)).save(folder / name, format="PNG")  # without loss
    (folder / "sample_images").symlink_to(SAMPLES)
    package = find_spec("ultralytics")
    assert package is not None
    assert package.submodule_search_locations
    shutil.copy(Path(package.submodule_search_locations[0]) / "assets" / "bus.jpg", folder / "bus.jpg")
    (folder / "instances.json").write_text(json.dumps(persons_of_the_bus() if page == "diagnose.md" else
                                                      found_and_moved(folder)))
    (folder / "my_ssd.py").write_text(f"import sys\nsys.path.insert(0, {str(SUPPORT.parent)!r})\n"
                                      "from support.tiny import tiny_ssd as build\n")
    torch.save(sparse_ssd().state_dict(), folder / "my_ssd.pth")
    (folder / "classes.txt").write_text("person\nball\n")
    if page == "your-detector.md":
        code = [block.code for block in blocks_of(ROOT / "docs" / page) if block.kind == "python"]
        (folder / "my_detector.py").write_text("\n".join(["import detcam", *code[1:3], code[4].split("image =")[0]]))


def sparse_ssd() -> nn.Module:
    """A tiny SSD that finds few boxes: the background's logits are higher."""
    from support.tiny import tiny_ssd

    model = tiny_ssd()
    with torch.no_grad():
        for conv in model.head.classification_head.module_list:
            conv.bias.view(-1, 3)[:, 0] += 11
    return model


def coco(photographs: dict[str, tuple[int, int, list[list[float]]]]) -> dict[str, list[dict[str, object]]]:
    """COCO's form of photographs by name: width, height, and the boxes xyxy of their persons."""
    images, annotations = [], []
    for index, (name, (width, height, boxes)) in enumerate(photographs.items(), 1):
        images.append({"id": index, "file_name": name, "width": width, "height": height})
        for x1, y1, x2, y2 in boxes:
            annotations.append({"id": len(annotations) + 1, "image_id": index, "category_id": 1, "iscrowd": 0,
                                "area": (x2 - x1) * (y2 - y1), "bbox": [x1, y1, x2 - x1, y2 - y1]})
    assert annotations
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}


def persons_of_the_bus() -> dict[str, list[dict[str, object]]]:
    """The hand-drawn persons of ultralytics' photograph."""
    drawn = json.loads((ROOT / "tests" / "data" / "hand_drawn_persons.json").read_text())["photographs"]
    return coco({"bus.jpg": (810, 1080, next(each["persons"] for each in drawn if each["name"] == "bus.jpg"))})


def found_and_moved(folder: Path) -> dict[str, list[dict[str, object]]]:
    """What ``best.pt`` finds in ``shots/``, whatever the class, moved by some pixels, as true persons."""
    detector = detcam.load(folder / "best.pt")
    photographs = {}
    for path in sorted((folder / "shots").iterdir()):
        boxes = detector.detect(detcam.load_image(path), 0.2).boxes[:3] + np.array([1.0, 2.0, -1.0, 0.0])
        photographs[path.name] = (128, 96, boxes.tolist())
    return coco(photographs)
