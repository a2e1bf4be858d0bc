"""The sections of the page, in order."""

FIRST_PAGE = {"outlook": "What would change the answer", "reading": "How to read this"}

SECTIONS = {
    "data": "The data",
    "audit": "Audit of the data",
    "models": "All models",
    "curves": "Every threshold at once",
    "confusion": "Which errors",
    "comparisons": "Which differences are shown",
    "trivial": "Against trivial rules",
    "stability": "Stability",
    "calibration": "Calibration",
    "decisions": "Decisions",
    "subgroups": "Subgroups",
    "doubt": "Doubt case by case",
    "worst": "Worst errors",
    "training": "Training and cost",
    "provenance": "Methods, versions and hashes",
    "checklist": "TRIPOD+AI checklist",
}
