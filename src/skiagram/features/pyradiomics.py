"""PyRadiomics' names of features, beside those of the IBSI, and the table under them.

Van Griethuysen et al., Cancer Research 77(21), 2017. The names stand for the same formulas;
PyRadiomics' own values differ where it prepares images otherwise: bins of a width begin at a
multiple of it, not at the region's minimum.
"""

import re
from collections.abc import Sequence

import pandas as pd

from skiagram.features.feature import Definition
from skiagram.features.table import FeatureTable

_CLASSES = {
    "morphology": "shape",
    "first_order": "firstorder",
    "intensity_histogram": "firstorder",
    "glcm": "glcm",
    "glrlm": "glrlm",
    "glszm": "glszm",
    "ngtdm": "ngtdm",
    "ngldm": "gldm",
}
# By the codes of the IBSI's manual; PyRadiomics' total energy and MCC have none.
_NAMES = {
    "RNU0": "MeshVolume",
    "YEKZ": "VoxelVolume",
    "C0JK": "SurfaceArea",
    "2PR5": "SurfaceVolumeRatio",
    "QCFX": "Sphericity",
    "SKGS": "Compactness1",
    "BQWJ": "Compactness2",
    "KRCK": "SphericalDisproportion",
    "L0JK": "Maximum3DDiameter",
    "TDIC": "MajorAxisLength",
    "P9VJ": "MinorAxisLength",
    "7J51": "LeastAxisLength",
    "Q3CK": "Elongation",
    "N17B": "Flatness",
    "N8CA": "Energy",
    "1GSF": "Minimum",
    "QG58": "10Percentile",
    "8DWT": "90Percentile",
    "84IY": "Maximum",
    "Q4LE": "Mean",
    "Y12H": "Median",
    "SALO": "InterquartileRange",
    "2OJQ": "Range",
    "4FUA": "MeanAbsoluteDeviation",
    "1128": "RobustMeanAbsoluteDeviation",
    "5ZWQ": "RootMeanSquared",
    "KE2A": "Skewness",
    "IPH6": "Kurtosis",
    "ECT3": "Variance",
    "TLU2": "Entropy",
    "BJ5W": "Uniformity",
    "QWB0": "Autocorrelation",
    "60VM": "JointAverage",
    "AE86": "ClusterProminence",
    "7NFM": "ClusterShade",
    "DG8W": "ClusterTendency",
    "ACUI": "Contrast",
    "NI2N": "Correlation",
    "TF7R": "DifferenceAverage",
    "NTRS": "DifferenceEntropy",
    "D3YU": "DifferenceVariance",
    "8ZQL": "JointEnergy",
    "TU9B": "JointEntropy",
    "R8DG": "Imc1",
    "JN9H": "Imc2",
    "WF0Z": "Idm",
    "1QCO": "Idmn",
    "IB1Z": "Id",
    "NDRX": "Idn",
    "E8JP": "InverseVariance",
    "GYBY": "MaximumProbability",
    "ZGXS": "SumAverage",
    "P6QZ": "SumEntropy",
    "UR99": "SumSquares",
    "22OV": "ShortRunEmphasis",
    "W4KF": "LongRunEmphasis",
    "V3SW": "LowGrayLevelRunEmphasis",
    "G3QZ": "HighGrayLevelRunEmphasis",
    "HTZT": "ShortRunLowGrayLevelEmphasis",
    "GD3A": "ShortRunHighGrayLevelEmphasis",
    "IVPO": "LongRunLowGrayLevelEmphasis",
    "3KUM": "LongRunHighGrayLevelEmphasis",
    "R5YN": "GrayLevelNonUniformity",
    "OVBL": "GrayLevelNonUniformityNormalized",
    "W92Y": "RunLengthNonUniformity",
    "IC23": "RunLengthNonUniformityNormalized",
    "9ZK5": "RunPercentage",
    "8CE5": "GrayLevelVariance",
    "SXLW": "RunVariance",
    "HJ9O": "RunEntropy",
    "5QRC": "SmallAreaEmphasis",
    "48P8": "LargeAreaEmphasis",
    "XMSY": "LowGrayLevelZoneEmphasis",
    "5GN9": "HighGrayLevelZoneEmphasis",
    "5RAI": "SmallAreaLowGrayLevelEmphasis",
    "HW1V": "SmallAreaHighGrayLevelEmphasis",
    "YH51": "LargeAreaLowGrayLevelEmphasis",
    "J17V": "LargeAreaHighGrayLevelEmphasis",
    "JNSA": "GrayLevelNonUniformity",
    "Y1RO": "GrayLevelNonUniformityNormalized",
    "4JP3": "SizeZoneNonUniformity",
    "VB3A": "SizeZoneNonUniformityNormalized",
    "P30P": "ZonePercentage",
    "BYLV": "GrayLevelVariance",
    "3NSA": "ZoneVariance",
    "GU8N": "ZoneEntropy",
    "QCDE": "Coarseness",
    "65HE": "Contrast",
    "NQ30": "Busyness",
    "HDEZ": "Complexity",
    "1X9X": "Strength",
    "SODN": "SmallDependenceEmphasis",
    "IMOQ": "LargeDependenceEmphasis",
    "TL9H": "LowGrayLevelEmphasis",
    "OAE7": "HighGrayLevelEmphasis",
    "EQ3F": "SmallDependenceLowGrayLevelEmphasis",
    "JA6D": "SmallDependenceHighGrayLevelEmphasis",
    "NBZI": "LargeDependenceLowGrayLevelEmphasis",
    "9QMG": "LargeDependenceHighGrayLevelEmphasis",
    "FP8K": "GrayLevelNonUniformity",
    "Z87G": "DependenceNonUniformity",
    "OKJI": "DependenceNonUniformityNormalized",
    "1PFV": "GrayLevelVariance",
    "DNX2": "DependenceVariance",
    "FCBV": "DependenceEntropy",
}
_KURTOSIS = "firstorder_Kurtosis"  # PyRadiomics' is that of a normal distribution 3, not 0


def pyradiomics_name(definition: Definition) -> str:
    """Return what PyRadiomics calls a feature, for example `glcm_JointEnergy`; or nothing.

    Args:
        definition: Of the feature, with or without a filter before its name.
    """
    own = definition.name.rpartition(".")[2]
    for family, kind in _CLASSES.items():
        if own.startswith(f"{family}_") and definition.ibsi in _NAMES:
            return f"{kind}_{_NAMES[definition.ibsi]}"
    return ""


def pyradiomics_table(
    table: FeatureTable, definitions: list[Definition], modalities: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the columns of a table that PyRadiomics has too, under its names.

    `original_` stands before features of the image, the filter's name before those of a filter, and
    before both the modality where cases have several images. Kurtosis is raised by 3. A feature at
    several distances keeps the distance at its end.

    Args:
        table: Features of a data set.
        definitions: Of its families.
        modalities: Images of each case; empty where it has one.

    Returns:
        Column `case_id` and one a feature.
    """
    columns: dict[str, object] = {"case_id": table.case_id}
    for name, values in zip(table.names, table.values.T, strict=True):  # noqa: PD011
        modality, _, rest = name.partition(".")
        own, before = (rest, f"{modality}_") if modality in modalities else (name, "")
        theirs = next(
            (pyradiomics_name(definition) for definition in definitions if definition.fits(own)),
            "",
        )
        if theirs:
            filtered = own.rpartition(".")[0] or "original"
            distance = re.search(r"_distance_(\d+)_", own)
            end = f"_distance_{distance[1]}" if distance else ""
            raised = values + 3 if theirs == _KURTOSIS else values
            columns[f"{before}{filtered}_{theirs}{end}"] = raised
    return pd.DataFrame(columns)
