"""Reading ultralytics checkpoints, which are pickles: with the safe loader unless the user permits another."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from detcam.detectors.for_ultralytics.lazy_import import import_ultralytics
from detcam.errors import WeightsError, near

KEPT_SETTINGS = ("imgsz", "data", "task", "single_cls")  # what ultralytics itself keeps of a checkpoint's settings


def load_checkpoint(name: str, published: Sequence[str], unsafe: bool) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a ``.pt`` file, on the CPU, and the settings that ``predict`` would take from it.

    Args:
        name: a path, or one of ultralytics' published names.
        published: the names that may be downloaded.
        unsafe: whether a file that the safe loader refuses is loaded by running the code in it.

    Raises:
        WeightsError: the file is missing, cannot be downloaded, is unsafe, damaged, or no YOLO checkpoint.
    """
    import_ultralytics()
    path = _find(name, published)
    content = _read(path, unsafe)
    network = (content.get("ema") or content.get("model")) if isinstance(content, dict) else None
    if not isinstance(network, nn.Module):
        raise WeightsError(f"{path}: holds no YOLO model; expected a checkpoint that ultralytics saved")
    settings = dict(content.get("train_args") or {})
    for module in network.modules():  # as ultralytics' own loader does for older torch versions' modules
        if isinstance(module, nn.Upsample) and not hasattr(module, "recompute_scale_factor"):
            module.recompute_scale_factor = None
    return network.float().eval(), {key: settings[key] for key in KEPT_SETTINGS if key in settings}


def _find(name: str, published: Sequence[str]) -> Path:
    """The file of a path, or of a published name, which is downloaded where it is not there.

    Raises:
        WeightsError: there is no such file, or it cannot be downloaded.
    """
    path = Path(name)
    if path.is_file():
        return path
    if path.name != name or name not in published:
        hint = "" if path.name != name else f"; {near(name, published)}"
        raise WeightsError(f"{name}: no such checkpoint file{hint}")
    from ultralytics.utils import SETTINGS
    from ultralytics.utils.downloads import GITHUB_ASSETS_REPO, attempt_download_asset

    try:
        downloaded = Path(attempt_download_asset(name))
        if downloaded.is_file():
            return downloaded
        reason = "not found"
    except Exception as error:  # network errors come in many kinds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    raise WeightsError(f"{name}: cannot be downloaded ({reason}); without a network, fetch {name} from "
                       f"https://github.com/{GITHUB_ASSETS_REPO}/releases elsewhere and put it in the working folder "
                       f"or in {Path(SETTINGS['weights_dir']).absolute()}")


def _read(path: Path, unsafe: bool) -> Any:
    """What a checkpoint holds.

    Raises:
        WeightsError: it is refused, damaged, or needs a module that is not installed.
    """
    from ultralytics.nn.tasks import torch_safe_load

    try:
        return torch_safe_load(str(path), safe_only=True)[0]
    except Exception as error:  # refusals and damage come in many kinds
        if not unsafe:
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(f"{path}: the safe loader refuses it ({reason}); if you trust where the file comes "
                               "from, unsafe=True (--unsafe) loads it by running the code in it") from None
    try:
        return torch.load(path, map_location="cpu", weights_only=False)  # nothing is ever installed on the way
    except ModuleNotFoundError as error:
        raise WeightsError(f"{path}: needs the Python module {error.name!r}, which is not installed: "
                           "install it first") from None
    except Exception as error:
        raise WeightsError(f"{path}: cannot be loaded ({' '.join(str(error).split())[:200]})") from None
