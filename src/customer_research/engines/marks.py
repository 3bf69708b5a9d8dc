"""Parameters of a query as marks that every dialect carries through: `$name` becomes the identifier `"{{name}}"`.

What carries a query to Snowflake finds the marks again in the text that sqlglot has written, and puts its own placeholder there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from customer_research.connect.sql import Parameter
from customer_research.errors import EngineError

_DUCKDB_PARTS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\$\$.*?\$\$|\$(?P<parameter>[A-Za-z_][A-Za-z0-9_]*)""",
    re.DOTALL,
)
SNOWFLAKE_PARTS = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'|"(?P<identifier>(?:[^"]|"")*)"|--[^\n]*|/\*.*?\*/|\$\$.*?\$\$""", re.DOTALL
)
"""What may hide a name: texts, quoted identifiers and comments are passed over whole (and no tree is built for it)."""


def marks(sql: str, parameters: Mapping[str, Parameter]) -> tuple[str, tuple[str, ...]]:
    """The query with its parameters as marks, and their names in the order in which they are first met.

    A moment may be sent as text, so it is cast where it stands.

    Raises:
        EngineError: it names a parameter without a value.
    """
    moments = frozenset(name for name, value in parameters.items() if isinstance(value, datetime))
    marked, names = _marked(sql, moments)
    unknown = [name for name in names if name not in parameters]
    if unknown:
        raise EngineError(f"The query needs a value for ${unknown[0]}.")
    return marked, names


@lru_cache(maxsize=512)
def _marked(sql: str, moments: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    found_names: dict[str, None] = {}

    def mark(found: re.Match[str]) -> str:
        name = found["parameter"]
        if name is None:
            return found[0]
        found_names.setdefault(name)
        identifier = f'"{{{{{name}}}}}"'
        return f"CAST({identifier} AS TIMESTAMP)" if name in moments else identifier

    return _DUCKDB_PARTS.sub(mark, sql), tuple(found_names)
