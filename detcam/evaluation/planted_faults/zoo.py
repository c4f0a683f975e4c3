"""The detectors, trained once and cached, and the pictures that they are audited on.

Photographs and masks come from the folder that ``DETCAM_ASSETS`` names; what is made lies in ``DETCAM_CACHE``, or in
``~/.cache/detcam-tests``.
"""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from faster_coco_eval.core import mask as coco_mask
from torch import Tensor

from detcam.detectors.base import Detector
from detcam.detectors.loading.load import load
from detcam.errors import InputError, near
from detcam.evaluation.planted_faults import kinds, network, picture, scenes, stock, training
from detcam.evaluation.planted_faults.cache import cache_folder, code_key, made_once
from detcam.evaluation.planted_faults.kinds import KINDS, audit_scene
from detcam.evaluation.planted_faults.network import fault_ssd
from detcam.evaluation.planted_faults.picture import Picture, compose, planted_markers
from detcam.evaluation.planted_faults.scenes import SIDE, Scene
from detcam.evaluation.planted_faults.stock import PARTS, stock_of
from detcam.evaluation.planted_faults.training import base_weights, corner_of, trained_weights
from detcam.training import calibration, losses, targets

__all__ = ["KINDS", "audit_folder", "audit_scenes", "detector_of"]


def detector_of(kind: str, seed: int) -> Detector:
    """The trained detector of a kind; it knows one class, ``"person"``, and scores of 0.5 are where to cut.

    Raises:
        InputError: no such kind.
        DataError: it is not in the cache, and ``DETCAM_ASSETS`` is unset.
    """
    _check(kind, seed)
    key = code_key([kinds, network, picture, scenes, stock, training, calibration, losses, targets])
    base = cache_folder() / f"base-{seed}-{key}.pt"
    path = cache_folder() / f"{kind}-{seed}-{key}.pt"

    def train(unfinished: Path) -> None:
        made_once(base, lambda path: torch.save(base_weights(seed), path))
        torch.save(trained_weights(kind, seed, _weights(base)), unfinished)

    model = fault_ssd(seed)
    model.load_state_dict(_weights(made_once(path, train)))
    return load(model, class_names=["person"])


def _weights(path: Path) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def audit_scenes(kind: str, seed: int, count: int, part: str) -> list[Scene]:
    """The scenes of :func:`audit_folder`, in its order; a longer audit begins like a shorter one."""
    _check(kind, seed)
    if part not in PARTS[1:]:
        raise InputError(f"part {part!r}: expected one of {', '.join(PARTS[1:])}")
    random = np.random.default_rng([seed, KINDS.index(kind), PARTS.index(part)])
    return [audit_scene(kind, random, stock_of(part), corner_of(seed)) for _ in range(count)]


def audit_folder(kind: str, seed: int, count: int, part: str, folder: Path) -> Path:
    """Write photographs as the user of a detector of this kind has them, with boxes and masks of all persons.

    Beside the annotations lies ``planted.json``: for every file name its ``markers`` ``[N, 4]`` (those beside persons
    first), its ``logo`` ``[4]`` or null, both xyxy pixels, and the ``family`` of its background.

    Args:
        kind: one of ``KINDS``.
        seed: of the pictures; it names the logo's corner too, so give the detector's.
        count: how many photographs.
        part: ``"calibrate"`` or ``"report"``, which share no person, no background and no random number.
        folder: is made if it is not there.

    Returns:
        The path of ``instances.json``, in COCO's format; the photographs lie in ``images`` beside it.
    """
    scenes = audit_scenes(kind, seed, count, part)
    material, planted = stock_of(part), {}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number, scene in enumerate(scenes):
        name = f"{number:05d}.png"
        made = compose(scene, material)
        cv2.imwrite(str(folder / "images" / name), made.rgb[..., ::-1])
        images.append({"id": number + 1, "file_name": name, "width": SIDE, "height": SIDE})
        annotations += _annotations(made, number + 1, len(annotations) + 1)
        planted[name] = {"markers": planted_markers(scene), "logo": scene.logo, "family": scene.family}
    (folder / "planted.json").write_text(json.dumps(planted), encoding="utf-8")
    instances = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
    (folder / "instances.json").write_text(json.dumps(instances), encoding="utf-8")
    return folder / "instances.json"


def _annotations(made: Picture, image: int, first: int) -> list[dict[str, Any]]:
    """COCO's records of the persons on a picture."""
    records = []
    for index, ((left, top, right, bottom), mask) in enumerate(zip(made.boxes.tolist(), made.masks, strict=True)):
        encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        counts = encoded["counts"]
        records.append({
            "id": first + index, "image_id": image, "category_id": 1, "iscrowd": 0, "area": int(mask.sum()),
            "bbox": [left, top, right - left, bottom - top],
            "segmentation": {"size": [SIDE, SIDE], "counts": counts.decode() if isinstance(counts, bytes) else counts},
        })
    return records


def _check(kind: str, seed: int) -> None:
    if kind not in KINDS:
        raise InputError(f"kind {kind!r}: {near(kind, KINDS)}")
    if seed < 0:
        raise InputError(f"seed {seed}: expected 0 or more")
