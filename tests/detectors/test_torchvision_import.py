"""torchvision is imported without torch's compiler, which is there all the same once it is used."""

import subprocess
import sys

LIGHT = """
import sys
from detcam.detectors.for_torchvision.light_import import import_torchvision
import_torchvision()
import torch, torchvision
from torchvision.models.detection.ssd import SSD
from torchvision.ops import roi_align
names = ("torch._dynamo", "torch._dynamo.utils", "sympy")
assert not [name for name in names if name in sys.modules], sys.modules.keys() & set(names)
features, boxes = torch.arange(64.0).view(1, 1, 8, 8), [torch.tensor([[0.0, 0.0, 4.0, 4.0]])]
assert roi_align(features, boxes, 1).shape == (1, 1, 1, 1)
late = sys.modules["torchvision.ops.roi_align"].is_compile_supported
from torch._dynamo.utils import is_compile_supported
assert late is not is_compile_supported
assert late("cpu") == is_compile_supported("cpu")
assert late("mps") == is_compile_supported("mps") == False
import_torchvision()  # nothing to do any more
assert sys.modules["torch._dynamo"].utils.is_compile_supported is is_compile_supported
"""
ASKED_FOR_MORE = """
import sys, types
from detcam.detectors.for_torchvision import light_import
for name in (light_import.COMPILER, light_import.UTILITIES):
    sys.modules[name] = light_import._stand_in(name)
from torch._dynamo.utils import is_compile_supported, counters  # as another torchvision may
assert type(counters).__name__ == "defaultdict", counters
import torch._dynamo
assert torch._dynamo.utils.counters is counters
"""


def test_the_compiler_is_imported_when_it_is_used() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_else_a_library_asks_of_the_compiler_it_answers_itself() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED_FOR_MORE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
