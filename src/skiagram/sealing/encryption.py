"""Files encrypted with age, opened in memory alone (https://age-encryption.org/v1, by pyrage).

A key comes from a file or from the environment, never from an option: options stand in reports,
logs and the tracker. Of a key no message says more than where it was looked for.
"""

import importlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from skiagram.errors import DataError, installed, refusal

_MAX_KEY_BYTES = 2**16
_PIECE = 2**16


class Purpose(Enum):
    """What a key opens; the value is what messages call it."""

    ARCHIVE = "the archive of images is"
    SEAL = "the labels of the test cases are"

    def __init__(self, _: str) -> None:
        """Name the environment variables that may hold the key itself, or name a file with it."""
        self.variable = f"SKIAGRAM_{self.name}_KEY"
        self.file_variable = f"{self.variable}_FILE"


def _find_identities(purpose: Purpose, where: str) -> list[Any]:
    """Find the secret keys that the user gave for a purpose; `where` is the encrypted file."""
    # A file that is named comes before the key itself.
    pyrage = _load_pyrage(where)
    named = os.environ.get(purpose.file_variable)
    place = purpose.file_variable if named else purpose.variable
    text = os.environ.get(place, "")
    if named:
        try:
            if not Path(named).is_file():
                raise FileNotFoundError
            with Path(named).open("rb") as file:
                text = file.read(_MAX_KEY_BYTES).decode("utf-8", errors="replace")
        except OSError:
            raise refusal("sealing.unreadable_key", place) from None
    # Comments, as `age-keygen` writes them, are no keys.
    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    # Who has no key learns where to put it, and who has it.
    if not keys:
        custodian = ""
        if purpose is Purpose.SEAL:
            custodian = "; only the custodian has it: ask the custodian to run `dvc repro` with it"
        raise refusal(
            "sealing.no_key",
            where,
            what=purpose.value,
            file_variable=purpose.file_variable,
            variable=purpose.variable,
            custodian=custodian,
        )
    try:
        return [pyrage.x25519.Identity.from_str(key) for key in keys]
    except pyrage.IdentityError:
        raise refusal("sealing.no_secret_key", place) from None


def _load_pyrage(where: str) -> ModuleType:
    """Import pyrage, which only projects with encrypted files need; else say how to install it."""
    with installed("pyrage, which opens files encrypted with age,", where, "encryption"):
        return importlib.import_module("pyrage")


def encrypt(content: bytes, recipient: str, where: str) -> bytes:
    """Encrypt for the holder of a key; no two results are equal, as age draws a key for each.

    Args:
        content: Of any size that fits into memory.
        recipient: Public key, `age1…`.
        where: What messages call the place that the key came from.

    Raises:
        OptionError: It is no public key; a secret one is never quoted.
    """
    pyrage = _load_pyrage(where)
    try:
        holder = pyrage.x25519.Recipient.from_str(recipient.strip())
    except pyrage.RecipientError:
        raise refusal("sealing.no_public_key", where) from None
    encrypted: bytes = pyrage.encrypt(content, [holder])
    return encrypted


@contextmanager
def open_decrypted(path: Path, purpose: Purpose, where: str) -> Iterator[BinaryIO]:
    """Yield the decrypted bytes of a file of any size as a stream; nothing goes to the disk.

    Its purpose tells where its key is looked for; messages call it `where`.
    Each piece is proved genuine before it is yielded, the end of the file when the block ends
    without an error: use nothing of it before.
    """
    identities, pyrage = _find_identities(purpose, where), _load_pyrage(where)
    # Decryption writes into a pipe in a thread of its own, the caller reads from it.
    reading, writing = os.pipe()
    failed: list[Exception] = []

    def decrypt_into_pipe() -> None:
        try:
            with os.fdopen(writing, "wb", buffering=_PIECE) as sink, path.open("rb") as source:
                pyrage.decrypt_io(source, sink, identities)
        except Exception as error:  # told to the reader, in the other thread
            failed.append(error)

    thread = threading.Thread(target=decrypt_into_pipe, daemon=True)
    stream = os.fdopen(reading, "rb", buffering=_PIECE)
    thread.start()
    # What the caller left unread is read too: only the end proves that nothing was altered.
    try:
        try:
            yield stream
            while stream.read(_PIECE):
                pass
        finally:
            stream.close()
            thread.join()
    except Exception as error:
        if failed and not isinstance(failed[0], BrokenPipeError):
            raise _explain(failed[0], purpose, where) from error
        raise
    if failed:
        raise _explain(failed[0], purpose, where)


def _explain(error: Exception, purpose: Purpose, where: str) -> DataError:
    """Explain what went wrong in the project's own words; pyrage names no file.

    A wrong key and an altered file are told apart: the one is mended by asking for the right key,
    the other by fetching the file anew.
    """
    # The file itself.
    if isinstance(error, OSError) and error.errno is not None:
        return refusal("sealing.unreadable_file", where, reason=error.strerror)
    # The wrong key.
    if "No matching keys" in str(error):
        return refusal(
            "sealing.other_key",
            where,
            file_variable=purpose.file_variable,
            variable=purpose.variable,
        )
    return refusal("sealing.altered_file", where)
