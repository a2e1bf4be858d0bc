"""What holds for every table: columns without a header, and words for empty cells."""

from skiagram.intake.feature_tables import read_features
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import read_folder
from tests.datasets.own_folders import png, write_folder


def test_a_table_of_features_without_a_header_has_the_columns_of_the_line(tmp_path):
    rows = [f"p{at},{'yn'[at % 2]},{at * 0.37 % 1:.3f}" for at in range(12)]
    (tmp_path / "features.csv").write_text("\n".join(rows))
    columns = ["patient", "label", "volume"]
    described = read_features(FileOptions(tmp_path / "features.csv", columns=columns))
    assert len(described.frame) == len(rows)
    assert described.source.columns.features == ("volume",)


def test_labels_beside_names_without_a_header_have_the_columns_of_the_line(tmp_path):
    write_folder(tmp_path, {f"p{at}_a.png": png(at) for at in range(4)})
    labels = tmp_path / "labels.csv"
    labels.write_text("".join(f"p{at},{'yn'[at % 2]}\n" for at in range(4)))
    columns, pattern = ["patient_id", "label"], ["{patient}_{region}.png"]
    options = FileOptions(tmp_path / "films", labels, pattern=pattern, columns=columns)
    assert len(read_folder(options).frame) == 4


def test_words_for_empty_cells_are_counted_in_joined_tables_too(tmp_path):
    write_folder(tmp_path, {f"p{at}_{'yn'[at % 2]}.png": png(at) for at in range(4)})
    (tmp_path / "ages.csv").write_text("patient_id,age\np0,31\np1,-9\np2,50\np3,61\n")
    options = FileOptions(
        tmp_path / "films",
        pattern=["{patient}_{label}.png"],
        join=[tmp_path / "ages.csv"],
        covariates=["age"],
        missing=["-9"],
    )
    notes = read_folder(options).notes
    assert "Cells that count as empty (--missing): `-9` 1." in notes
