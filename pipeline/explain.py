"""Stage explain: what the scores of one model rest on, by fits that did not see the cases."""

from entrypoint import choice, stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.pieces import PieceStore
from skiagram.models.arm import ArmFolders
from skiagram.preparation import PreparedData
from skiagram.steps.explain import ExplainOptions, explain_model


@stage(ExplainOptions)
def main(options: ExplainOptions) -> None:
    """Explain the chosen model; the folder of one that could not be trained is empty."""
    name, prepared = choice("model"), PreparedData.under(ROOT / "data")
    trained, output = ArmFolders.under(ROOT, name), f"explanations/{name}"
    with publish(output) as staging:
        target, store = staging / output, PieceStore.of_project(ROOT)
        explain_model(name, options, prepared, trained, target, store)


if __name__ == "__main__":
    main()
