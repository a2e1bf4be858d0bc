"""Stage evaluate: opens the seal; figures with intervals, the verdict, the report."""

from pydantic.dataclasses import dataclass

from entrypoint import ROOT, publish, stage
from skiagram.evaluation.questions import Evaluating
from skiagram.evaluation.summary import evaluate
from skiagram.options import STRICT
from skiagram.report.choices import Choices
from skiagram.report.gather import read_artefacts, read_material
from skiagram.report.results import OUTPUTS, write_results


@dataclass(**STRICT)
class Options(Evaluating):
    """Choices of the stage."""

    choices: Choices


@stage(Options)
def main(options: Options) -> None:
    """Evaluate only the models named in params.yaml."""
    found = read_artefacts(ROOT, options.choices.trained, options.choices.combined)
    evaluation = evaluate(
        found.models, found.cases, found.task, found.sealed, seed=options.choices.seed,
        truth=found.truth, duplicates=found.duplicates, patients_known=found.card.patients_known,
        margin=options.margin, replicates=options.replicates, compare=options.compare,
        covariates=found.covariates, questions=options.questions)  # fmt: skip
    material = read_material(ROOT, found, vars(options.choices), evaluation.best)
    with publish(*(f"reports/{name}" for name in OUTPUTS)) as staging:
        write_results(evaluation, material, found, staging / "reports")


if __name__ == "__main__":
    main()
