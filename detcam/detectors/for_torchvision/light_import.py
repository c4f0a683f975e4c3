"""torchvision without torch's compiler, which takes two thirds of the time that its import takes.

``torchvision.ops.roi_align`` imports one function of ``torch._dynamo.utils``, and calls it where RoIAlign runs on a GPU
in deterministic mode. While torchvision is imported a module stands in for the compiler; whatever else is asked of it,
the compiler itself answers.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

COMPILER, UTILITIES, LATE = "torch._dynamo", "torch._dynamo.utils", "is_compile_supported"


def import_torchvision() -> None:
    """Import torchvision, and torch's compiler only once it is used; nothing where either is there already.

    For a process of detcam's own: for a moment others would see the module that stands in.
    """
    if "torchvision" in sys.modules or COMPILER in sys.modules:
        return
    standing_in = {name: _stand_in(name) for name in (COMPILER, UTILITIES)}
    sys.modules.update(standing_in)
    try:
        import_module("torchvision")
    finally:
        _remove(standing_in)


def _stand_in(name: str) -> ModuleType:
    module = ModuleType(name)

    def __getattr__(wanted: str) -> Any:
        if wanted.startswith("__"):  # what the import system asks of every module
            raise AttributeError(wanted)
        if (name, wanted) == (UTILITIES, LATE):
            return _is_compile_supported
        _remove({each: sys.modules[each] for each in (COMPILER, UTILITIES) if each in sys.modules
                 and "__getattr__" in vars(sys.modules[each])})
        return getattr(import_module(name), wanted)

    vars(module)["__getattr__"] = __getattr__
    return module


def _is_compile_supported(device_type: Any) -> Any:
    """What the compiler says."""
    return getattr(import_module(UTILITIES), LATE)(device_type)


def _remove(standing_in: dict[str, ModuleType]) -> None:
    for name, module in standing_in.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]
