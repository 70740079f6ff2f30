"""Names that applications' authors gave: of tables, collections and topics, without the numbers that programs add."""

import re
from functools import lru_cache

LONGEST_NAME = 63  # as PostgreSQL's; MySQL allows one more
REMEMBERED = 1024
PARAMETER = "{id}"
# Of partitions, tenants and temporary tables: two digits and more, or hexadecimal digits that no word is.
NUMBERS = re.compile(r"(?:(?<![a-zA-Z])[0-9a-fA-F]*\d[0-9a-fA-F]{7,}(?![a-zA-Z])|\d{2,})(?:[_.-]?\d+)*")


@lru_cache(REMEMBERED)
def schema_name(raw: bytes) -> str:
    """Return the name of a table or the like as it is told: one that is not quoted in small letters.

    Numbers in it become `{id}`. Empty for what is no name that an author would give: too long, or with other characters
    than letters, digits, `_`, `$`, `-`, `.`, `:` and blanks.
    """
    quoted = raw[:1] in (b'"', b"`")
    try:
        name = raw[1:-1].decode() if quoted else raw.decode().lower()
    except UnicodeDecodeError:
        return ""
    plain = name.translate(AS_LETTERS)
    if not plain.isidentifier() or len(name) > LONGEST_NAME:
        return ""
    return NUMBERS.sub(PARAMETER, name) if any(map(str.isdigit, name)) else name


AS_LETTERS = str.maketrans("$-.: ", "_____")
