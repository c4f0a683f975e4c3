"""Files that are made once: written whole or not at all, named after the code that makes them."""

import ast
import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from filelock import FileLock


def cache_folder() -> Path:
    """``DETCAM_CACHE``, or a folder of the user's."""
    return Path(os.environ.get("DETCAM_CACHE") or Path.home() / ".cache" / "detcam-tests")


def code_key(modules: Iterable[ModuleType], *more: object) -> str:
    """Twelve hexadecimal digits that change with what the modules do, and not with their comments and docstrings."""
    digest = sha256(repr(more).encode())
    for module in modules:
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [each for each in body if not _is_text(each)]  # type: ignore[attr-defined]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:12]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def made_once(path: Path, write: Callable[[Path], None]) -> Path:
    """The file, made by ``write`` if it is not there; two processes that ask at once make it once."""
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not path.is_file():
            unfinished = path.with_name(f"{path.stem}.{os.getpid()}.part{path.suffix}")
            write(unfinished)
            unfinished.replace(path)
    return path
