"""Ways in which a file is damaged, by chance or intent; each draw follows from its seed alone."""

_HEAD = 512  # bytes in which most formats say their sizes
_LIES = (0, 1, 7, 255, 2**15 - 1, 2**15, 2**16 - 1, 2**20, 2**27, 2**31 - 1, 2**31, 2**32 - 1)
_WORDS = (
    *(b"999999999999", b"-1", b"nan", b"1e999", b"1e308", b"0", b"\0", b"\xff\xfe", b'"', b"'"),
    *(b"{", b"[" * 200, b"&a [*a, *a]", b"!!python/object/apply:os.system ['true']", b"\r", b","),
    *(b"../../etc/passwd", b"/dev/zero", b"os.system", b"null", b"\xf0\x9f\xa6\xb4", b"A" * 5000),
)


def mutate(content, generator):
    """Return a file with one to three damages.

    Args:
        content: The sound file, not empty.
        generator: Draws all that is drawn.
    """
    altered = bytearray(content)
    for _ in range(int(generator.integers(1, 4))):
        if altered:
            _MUTATIONS[int(generator.integers(len(_MUTATIONS)))](altered, generator)
    return bytes(altered)


def _flip(content, generator):
    for _ in range(int(generator.integers(1, 17))):
        content[_place(content, generator)] ^= 1 << int(generator.integers(8))


def _cut(content, generator):
    del content[_place(content, generator) :]


def _lie(content, generator):
    """Write another number where the head may hold a size."""
    length, lie = 2 ** int(generator.integers(4)), _LIES[int(generator.integers(len(_LIES)))]
    order = ("little", "big")[int(generator.integers(2))]
    number = (lie % 256**length).to_bytes(length, "little" if order == "little" else "big")
    at = int(generator.integers(min(len(content), _HEAD)))
    content[at : at + length] = number


def _fill(content, generator):
    at, length = _place(content, generator), int(generator.integers(1, 257))
    content[at : at + length] = generator.bytes(1) * length


def _repeat(content, generator):
    at, length = _place(content, generator), int(generator.integers(1, 2049))
    content[at:at] = content[at : at + length]


def _drop(content, generator):
    at = _place(content, generator)
    del content[at : at + int(generator.integers(1, 257))]


def _say(content, generator):
    """Put a word where text may stand."""
    word = _WORDS[int(generator.integers(len(_WORDS)))]
    at = _place(content, generator)
    content[at : at + int(generator.integers(0, len(word) + 1))] = word


def _append(content, generator):
    content += generator.bytes(int(generator.integers(1, 4097)))


_MUTATIONS = (
    _flip,
    _flip,
    _cut,
    _lie,
    _lie,
    _fill,
    _repeat,
    _drop,
    _say,
    _append,
)


def _place(content, generator):
    """Return a place: in the head as often as anywhere."""
    bound = min(len(content), _HEAD) if generator.integers(2) else len(content)
    return int(generator.integers(bound))
