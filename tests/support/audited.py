"""A small annotated data set in a folder, for audits."""

import json
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

import detcam
from detcam.detectors.base import Detector
from support.tiny import photograph

SCORE = 0.95  # few boxes a photograph


def written(folder: Path, count: int, detector: Detector) -> Path:
    """Photographs, and true boxes that are some of what the detector draws, moved, and some that nobody draws."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(count):
        rgb = photograph(number)
        name = f"shot{number}.png"
        PilImage.fromarray(rgb).save(folder / "images" / name)
        images.append({"id": number, "file_name": name, "height": rgb.shape[0], "width": rgb.shape[1]})
        boxes = detector.detect(detcam.load_image(rgb), SCORE).boxes[:6:2] + np.array([1.0, -4, 0, 3])
        for x1, y1, x2, y2 in [*boxes.tolist(), [2.0, 2, 14, 20]]:
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": 1 + len(annotations) % 2,
                                "bbox": [x1, y1, x2 - x1, y2 - y1], "area": 1.0, "iscrowd": 0})
    path = folder / "instances.json"
    categories = [{"id": 1, "name": "class 1"}, {"id": 2, "name": "class 2"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path
