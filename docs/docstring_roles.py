"""A griffe extension: roles such as ``:class:`Detector``` in docstrings become plain code on the site."""

import re
from typing import Any

from griffe import Docstring, Extension, Object

ROLE = re.compile(r":(?:class|func|data|meth|mod|attr):`~?([^`]+)`")


class Roles(Extension):
    """Rewrites every docstring as it is read."""

    def on_object(self, *, obj: Object, **options: Any) -> None:
        """Put the name alone in the place of a role."""
        if obj.docstring is not None:
            value = ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring = Docstring(value, lineno=obj.docstring.lineno, endlineno=obj.docstring.endlineno, parent=obj,
                                      parser=obj.docstring.parser, parser_options=obj.docstring.parser_options)
