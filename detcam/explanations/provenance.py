"""What an explanation was made with."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from detcam.detectors.base import Detector
from detcam.measures.reference import Reference


def reference_key(detector: Detector, edge_layer: str | None) -> tuple[str, str, tuple[str, ...], str]:
    return (detector.fingerprint, detector.architecture, tuple(detector.class_names.values()),
            edge_layer or detector.edge_layer)


def provenance_of(detector: Detector, reference: Reference | None, min_score: float, seed: int) -> dict[str, Any]:
    """What an explanation was made with."""
    return {
        "detector": detector.name, "family": detector.family, "architecture": detector.architecture,
        "task": detector.task, "weights": detector.fingerprint, "device": str(detector.device), "min_score": min_score,
        "seed": seed,
        "reference": None if reference is None else {
            "source": reference.source, "same_weights": reference.fingerprint == detector.fingerprint},
        "versions": dict(installed_versions()),
    }


@cache
def installed_versions() -> dict[str, str]:
    versions = {}
    for package in ("detcam", "torch", "torchvision", "ultralytics", "numpy"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
