"""The labels of test cases as ingest puts them under seal: plain, or encrypted for a custodian.

Encrypted labels come with the source and are copied as they are, since age gives other bytes each
time; who has the source, the data or the cache has no label of a test case. In them a case is named
by the checksum of its file. They are opened in memory.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from skiagram.arrays import Floats, Texts, Whole
from skiagram.errors import refusal
from skiagram.records.files import read_table, write_table
from skiagram.sealing.encryption import Purpose, encrypt, open_decrypted

_PLAIN, _ENCRYPTED, _TOKENS = "labels.parquet", "labels.age", "tokens.parquet"


@dataclass(frozen=True)
class _Content:
    """What is encrypted; the length of the file says nothing of the labels."""

    classes: tuple[str, ...]
    labels: dict[str, str]  # token of each case → index into `classes`, in digits of equal number


@dataclass(frozen=True)
class EncryptedLabels:
    """Labels that only the custodian can read: a file, and what names each entry of the source."""

    content: bytes
    tokens: Sequence[str]


_CONTENT = TypeAdapter(_Content)


def token_of(checksum: str, region: str) -> str:
    """Name a case among encrypted labels by the SHA-256 of its file and its region.

    Ids of cases are made at ingest, later than the labels are encrypted; names of files may name
    patients. Only who has the very image can find its token.
    """
    return hashlib.sha256(f"{checksum}\n{region}".encode()).hexdigest()


def encrypt_labels(
    labels: Mapping[str, int], classes: Sequence[str], recipient: str, where: str
) -> bytes:
    """Encrypt labels for a custodian.

    Labels are written in digits of equal number, so that the length of the file tells only how many
    cases there are.

    Args:
        labels: Token of the case → index into `classes`.
        classes: Names, in their order.
        recipient: The custodian's public key, `age1…`.
        where: What messages call the place of the key.
    """
    width = len(str(len(classes) - 1))
    digits = {token: f"{label:0{width}d}" for token, label in labels.items()}
    text = json.dumps({"classes": list(classes), "labels": digits}, sort_keys=True)
    return encrypt(text.encode(), recipient, where)


def seal_labels(
    folder: Path,
    case_id: Texts,
    label: Whole,
    value: Floats | None = None,
) -> None:
    """Write the plain labels of (n,) test cases, and their values, into the sealed folder.

    Args:
        value: (n,) of what is predicted, or (n, findings); None where labels are all.
    """
    values = {} if value is None else {"value": [*value]}
    write_table(pd.DataFrame({"case_id": case_id, "label": label, **values}), folder / _PLAIN)


def keep_sealed(folder: Path, case_id: Texts) -> None:
    """Leave the plain labels of some cases alone in the sealed folder; nobody sees them.

    Args:
        folder: Of the seal.
        case_id: (m,) cases that stay.
    """
    table = read_table(folder / _PLAIN)
    write_table(table[table["case_id"].isin(case_id.tolist())], folder / _PLAIN)


def seal_encrypted_labels(folder: Path, case_id: Texts, encrypted: EncryptedLabels) -> None:
    """Write encrypted labels into the sealed folder, as they came.

    Args:
        folder: Of the seal.
        case_id: (n,) test cases.
        encrypted: The file, and the token of each of these cases in their order.
    """
    table = pd.DataFrame({"case_id": case_id, "token": list(encrypted.tokens)})
    write_table(table, folder / _TOKENS)
    (folder / _ENCRYPTED).write_bytes(encrypted.content)


def are_encrypted(folder: Path) -> bool:
    """Tell whether the labels in a sealed folder are encrypted."""
    return (folder / _ENCRYPTED).exists()


def open_labels(folder: Path, classes: Sequence[str]) -> pd.DataFrame:
    """Read the labels of test cases from the sealed folder.

    Returns:
        Columns `case_id` and `label`; `value`, too, where cases have one.
    """
    # Labels that are not encrypted are a plain table.
    if not are_encrypted(folder):
        return read_table(folder / _PLAIN)
    where = f"data/sealed/{_ENCRYPTED}"
    # Decrypted labels stay in memory.
    with open_decrypted(folder / _ENCRYPTED, Purpose.SEAL, where) as stream:
        opened = stream.read()
    try:
        content = _CONTENT.validate_json(opened)
        labels = {token: content.classes[int(digits)] for token, digits in content.labels.items()}
    except (IndexError, ValueError):
        raise refusal("sealing.no_labels", where) from None
    # Every test case has a label, and every label a class that is known.
    table = read_table(folder / _TOKENS)
    absent = [token for token in table["token"] if token not in labels]
    if absent:
        raise refusal("sealing.labels_missing", where, number=len(absent), every=len(table))
    strange = {labels[token] for token in table["token"]} - set(classes)
    if strange:
        raise refusal("sealing.unknown_classes", where, number=len(strange), classes=classes)
    label = [classes.index(labels[token]) for token in table["token"]]
    return pd.DataFrame({"case_id": table["case_id"], "label": np.array(label, dtype=np.int64)})
