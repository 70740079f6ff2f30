"""The outline of a URL's path: what is surely a parameter has its place taken by what it is.

Numbers, UUIDs, hashes, dates, addresses and titles are told by their letters alone; which of the words that are left
stand for something else only a service's other paths tell (`services/routes.py`).
Compiled with the types of `paths.pxd`: a path is read once, byte by byte, and nothing of it is kept.
"""

ID, SLUG, DATE, EMAIL, FILE, REST = b"{id}", b"{slug}", b"{date}", b"{email}", b"{file}", b"{path}"
MOST_PARTS = 8
LONGEST_PART = 64
LONGEST_WORD = 32
LEAST_HASH = 8  # hexadecimal digits with a decimal one among them; twice as many without
LEAST_RANDOM = 8  # letters without a vowel
LEAST_MIXED = 10  # letters of both cases, of which fewer than 2.75 follow each other in one word
DATE_SHAPE = b"0000-00-00"
# What browsers fetch with a page, and what pages are called.
ASSETS = frozenset(
    b"js mjs cjs css map png jpg jpeg gif svg ico webp avif bmp woff woff2 ttf otf eot mp3 mp4 webm ogg wav m4s ts "
    b"m3u8 wasm webmanifest".split()
)
PAGES = frozenset(b"php html htm xhtml asp aspx ashx jsp do action cgi json xml txt pdf csv rss atom".split())

# What a byte is, a bit each.
DIGIT, HEX, LOWER, UPPER, VOWEL, BREAK, DOT, ODD = (1 << bit for bit in range(8))


def _bits() -> bytes:
    table = bytearray([ODD]) * 256
    for byte in range(256):
        char = chr(byte)
        if char in "0123456789":
            table[byte] = DIGIT | HEX
        elif char.isascii() and char.isalpha():
            table[byte] = LOWER if char.islower() else UPPER
            table[byte] |= VOWEL if char in "aeiouyAEIOUY" else 0
            table[byte] |= HEX if char in "abcdefABCDEF" else 0
    table[0x2D] = table[0x5F] = BREAK
    table[0x2E] = DOT
    return bytes(table)


BITS = _bits()
SLASH, QUESTION, HASH, SEMICOLON, V_LOWER = b"/?#;v"


def outline(target: bytes) -> bytes:
    """Return the outline of a request's target, without its query; empty if it has no path, as that of CONNECT."""
    at, end = _path(target)
    if at < 0:
        return b"*" if target == b"*" else b""
    parts: list[bytes] = []
    while at < end:
        stop = at
        while stop < end and target[stop] != SLASH:
            stop += 1
        if stop > at:
            if len(parts) == MOST_PARTS:
                parts.append(REST)
                break
            parts.append(_part(target, at, stop))
        at = stop + 1
    if len(parts) > 1 and parts[len(parts) - 1] is FILE:  # whatever its folders
        parts = [parts[0], FILE]
    return b"/" + b"/".join(parts)


def _path(target: bytes) -> tuple[int, int]:
    """Return where the path begins, behind the authority where that is told, and ends; -1 if there is none."""
    size = len(target)
    at = 0
    if target[:1] != b"/":
        scheme = target.find(b"://", 0, 16)
        if scheme < 0:
            return -1, size
        at = target.find(b"/", scheme + 3)
        if at < 0:
            return size, size
    end = at
    while end < size and target[end] != QUESTION and target[end] != HASH and target[end] != SEMICOLON:
        end += 1
    return at, end


def _part(target: bytes, start: int, stop: int) -> bytes:
    """Return a part of a path, or what it is."""
    size = stop - start
    if size > LONGEST_PART:
        return SLUG
    some, every = 0, 0xFF
    for at in range(start, stop):
        bits = BITS[target[at]]
        some |= bits
        every &= bits
    if every & DIGIT:
        return ID
    if some & VOWEL and not some & ~(LOWER | VOWEL | HEX) and not some & DIGIT and size < 2 * LEAST_HASH:
        return target[start:stop]  # most parts by far
    return _uncommon(target, start, stop)


def _uncommon(target: bytes, start: int, stop: int) -> bytes:
    """Return a part that is neither a number nor a word in small letters, or what it is."""
    size = stop - start
    digits = hexes = uppers = vowels = breaks = dots = odds = humps = 0
    before = 0
    for at in range(start, stop):
        bits = BITS[target[at]]
        digits += bits & DIGIT
        hexes += bits & HEX != 0
        uppers += bits & UPPER != 0
        vowels += bits & VOWEL != 0
        breaks += bits & BREAK != 0
        dots += bits & DOT != 0
        odds += bits & ODD != 0
        humps += bits & UPPER != 0 and before & LOWER != 0
        before = bits
    part = target[start:stop]
    if odds:
        return EMAIL if b"@" in part or b"%40" in part else SLUG
    if dots:
        return _dotted(part, digits, size - digits - breaks - dots)
    letters = size - digits - breaks
    if not letters:
        return _number(part, digits)
    if not digits:
        mixed = uppers > 1 and size >= LEAST_MIXED and 4 * size < 11 * (1 + humps)
        return part if _is_word(size, hexes, vowels, breaks, mixed) else SLUG if breaks else ID
    return _coded(part, digits, hexes, breaks)


def _number(part: bytes, digits: int) -> bytes:
    if not digits:
        return part if len(part) == 1 else SLUG  # some set their own pages apart by a dash
    return DATE if len(part) == len(DATE_SHAPE) and part[4:5] == part[7:8] == b"-" and digits == 8 else ID


def _is_word(size: int, hexes: int, vowels: int, breaks: int, mixed: bool) -> bool:
    """Return whether letters are a word or a few, rather than a title or random."""
    if size > LONGEST_WORD or breaks > 2:
        return False
    if breaks:
        return vowels > 0 or size < LEAST_RANDOM
    if (not vowels and size >= LEAST_RANDOM) or (hexes == size and size >= 2 * LEAST_HASH):
        return False
    return not mixed


def _coded(part: bytes, digits: int, hexes: int, breaks: int) -> bytes:
    """Return what letters and digits are: a word with a number, an identifier or a title."""
    size = len(part)
    if hexes + breaks == size and hexes >= LEAST_HASH:
        return ID
    if breaks:
        words = 0
        for word in part.replace(b"_", b"-").split(b"-"):
            words += len(word) > 1 and word.isalpha()
        return SLUG if words > 1 else ID
    letters = size - digits
    if letters == 1 and part[0] == V_LOWER and digits <= 3:
        return part
    if digits <= 2 and letters > 1 and part[:letters].isalpha() and size <= LONGEST_WORD:
        return part
    return part if size <= 4 and digits == 1 else ID


def _dotted(part: bytes, digits: int, letters: int) -> bytes:
    """Return what a part with dots is: a file, a page, a version, a name or a number."""
    stem, _, extension = part.rpartition(b".")
    extension = extension.lower()
    if extension in ASSETS and stem:
        return FILE
    if extension in PAGES and stem:
        return (SLUG if b"." in stem else _part(stem, 0, len(stem))) + b"." + extension
    if not letters:
        return ID
    if part[0] == V_LOWER and letters == 1 and len(part) <= 8:
        return part
    return part if not digits and len(part) <= LONGEST_WORD and part.count(b".") <= 4 else SLUG
