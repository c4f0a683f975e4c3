"""Reading DETR models of Hugging Face's transformers, from a folder that save_pretrained wrote or by published name."""

import json
from pathlib import Path
from typing import Any

from detcam.detectors.for_transformers.kinds import DETR_KINDS
from detcam.errors import DetectorError, WeightsError

PUBLISHED = ("facebook/detr-resnet-50", "facebook/detr-resnet-101", "facebook/detr-resnet-50-dc5",
             "facebook/detr-resnet-101-dc5", "microsoft/conditional-detr-resnet-50")
CONFIG, PROCESSOR = "config.json", "preprocessor_config.json"


def is_hf(name: str) -> bool:
    """Whether a name is one of the published ones, or a folder that holds a model's configuration."""
    return name in PUBLISHED or (Path(name) / CONFIG).is_file()


def import_transformers() -> Any:
    """The transformers package.

    Raises:
        DetectorError: it is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise DetectorError(f"a DETR of Hugging Face needs the transformers package ({error}): "
                            "pip install 'detcam[detr]'") from None
    return transformers


def load_hf(name: str) -> tuple[Any, Any]:
    """The model and its image processor; only published names are ever downloaded.

    Args:
        name: a folder that ``save_pretrained`` wrote, of the model and, if there is one, of its image processor; or a
            name of ``PUBLISHED``, which transformers takes from its cache or downloads.

    Raises:
        DetectorError: transformers is not installed, or the model is none of ``DETR_KINDS``.
        WeightsError: the model cannot be downloaded or read, or its file lacks weights.
    """
    transformers = import_transformers()
    local = name not in PUBLISHED or (Path(name) / CONFIG).is_file()
    if local:
        _known_kind(name)
    try:
        config = transformers.AutoConfig.from_pretrained(name, local_files_only=local)
        _without_backbone_download(config)
        build = getattr(transformers, DETR_KINDS[config.model_type].model)
        model, report = build.from_pretrained(name, config=config, local_files_only=local, output_loading_info=True)
        processor = None
        if not local or (Path(name) / PROCESSOR).is_file():
            processor = transformers.AutoImageProcessor.from_pretrained(name, local_files_only=local)
    except Exception as error:  # networks and damaged files fail in many ways
        raise WeightsError(f"{name}: {_what_to_do(name, local)} ({_first_line(error)})") from None
    missing = sorted(report["missing_keys"])
    if missing:
        raise WeightsError(f"{name}: holds no weights for {missing[0]} and {len(missing) - 1} more; save the whole "
                           "model with save_pretrained")
    return model, processor


def _known_kind(folder: str) -> None:
    """Refuse a folder of another kind of model before anything is built.

    Raises:
        WeightsError: its configuration cannot be read.
        DetectorError: the kind is none of ``DETR_KINDS``.
    """
    try:
        kind = json.loads((Path(folder) / CONFIG).read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise WeightsError(f"{folder}: its {CONFIG} cannot be read ({_first_line(error)})") from None
    if kind not in DETR_KINDS:
        raise DetectorError(f"{folder}: holds a model of type {kind!r}, which detcam does not explain; known: "
                            f"{', '.join(DETR_KINDS)}")


def _without_backbone_download(config: Any) -> None:
    """Do not fetch the backbone's own published weights: the model's file holds the backbone's."""
    for part in (config, getattr(config, "backbone_config", None)):
        if part is not None and getattr(part, "use_pretrained_backbone", False):
            part.use_pretrained_backbone = False


def _what_to_do(name: str, local: bool) -> str:
    if local:
        return "cannot be read as a model that save_pretrained wrote"
    return (f"cannot be downloaded or read; without a network, fetch https://huggingface.co/{name} elsewhere and give "
            "the folder with its files instead of the name")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
