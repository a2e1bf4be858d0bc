"""`skiagram seal`: the labels of test cases are encrypted for a custodian before anybody trains."""

import argparse

import numpy as np
import pandas as pd

from skiagram.cli.file_arguments import read_file_options, require_new
from skiagram.compute.files import write_files
from skiagram.datasets.folder.table import list_entries, split_modalities, splits_of
from skiagram.errors import refusal
from skiagram.intake.images import read_folder
from skiagram.readers.case_images import is_image_file, read_case_files
from skiagram.sealing.archive import open_tree
from skiagram.sealing.labels import encrypt_labels, token_of
from skiagram.tables.frames import csv_text, replace_columns


def run(arguments: argparse.Namespace) -> int:
    """Write the table without labels of test cases, and these encrypted; return 0."""
    # The rows, of which none may be wrong.
    described = read_folder(read_file_options(arguments))
    source, columns = described.source, described.source.columns
    if source.sealed_labels is not None:
        raise refusal("cli.encrypted_labels")
    if source.outcome is not None:
        raise refusal("cli.outcome_to_seal", task=source.outcome.kind)
    parts = [*split_modalities(described.frame, columns, source.modalities).values()]
    listings = [list_entries(each, columns, source.classes, source.test_sites) for each in parts]
    for problem in (problem for listing in listings for problem in listing.problems):
        raise problem
    # The test cases, each once also where a case has several images.
    entries = listings[0].entries
    found = zip(entries["split"], entries["label"], listings[0].references, strict=True)
    test = [(label, reference) for split, label, reference in found if split == "test"]
    if not test:
        raise refusal("cli.no_test_case")
    # Names of files stay as they are: they may not tell what is sealed.
    telling = [
        reference.file
        for label, reference in test
        if source.classes[label].casefold() in reference.file.casefold().split("/")
    ]
    if len(telling) == len(test):
        raise refusal("cli.names_tell_labels", file=telling[0])
    table = arguments.output / f"{source.name}.csv"
    encrypted = arguments.output / f"{source.name}.labels.age"
    for path in (table, encrypted):
        require_new(path, "--output")
    # the labels of test cases, each by what stands for its image
    tree = open_tree(arguments.folder, str(arguments.folder), is_image_file)
    tree.announce([name for _, reference in test for name in reference.files])
    labels: dict[str, int] = {}
    for label, reference in test:
        checksum = read_case_files(tree, reference).checksums[reference.file]
        if labels.setdefault(token_of(checksum, reference.chosen), label) != label:
            raise refusal("cli.equal_test_image", reference.name)
    # The labels encrypted; in the table their cells are empty.
    content = encrypt_labels(labels, source.classes, arguments.recipient, "--recipient")
    frame = pd.concat(parts)
    is_test = np.array(splits_of(frame, columns, source.test_sites)) == "test"
    hidden = [name for name in (columns.label, columns.marks) if name]
    text = csv_text(
        replace_columns(frame[[*columns.used()]], {n: frame[n].mask(is_test, "") for n in hidden})
    )
    # What was written, and who gets which of it.
    arguments.output.mkdir(parents=True, exist_ok=True)
    write_files({encrypted: content, table: text.encode()})
    print(f"Wrote {table}: {len(frame)} rows, {len(test)} of them test cases without label.")
    print(f"Wrote {encrypted}: their labels, for the holder of the secret key alone.")
    print(
        "Give the authors the images and these two files, and keep the CSV that you started from."
    )
    if described.unused:
        print(f"Columns that were left out: {', '.join(described.unused)}.")
    return 0
