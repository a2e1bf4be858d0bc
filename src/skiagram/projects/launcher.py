"""Processes that run one stage together, and the variables by which a launcher tells them so.

torchrun, srun, MPI and Lightning give each process its place by variables of its environment. They
also stay behind in a shell or come from the prologue of a cluster, so one of them says nothing: a
group is told by rank, number of processes and address, or by a step of srun, and only to a stage
that a person or a launcher starts. What DVC starts is one process, whatever its shell holds, unless
the stage itself has started helpers.
"""

import os
import re
from collections.abc import Mapping

HELPED = "SKIAGRAM_HELPED"  # variable that a stage gives to helpers that it starts by Lightning
_OF_LAUNCHERS = re.compile(
    # torchrun and Lightning
    r"((GROUP|LOCAL|NODE|ROLE)_)?RANK|((GROUP|LOCAL|ROLE)_)?WORLD_SIZE|ROLE_NAME"
    r"|MASTER_(ADDR|PORT)|TORCHELASTIC_\w+"
    # srun, whose other variables say which part of a machine is ours; LSF
    r"|SLURM_(PROCID|LOCALID|NODEID|NTASKS\w*|NPROCS|STEP_\w+|TASKS_PER_NODE)|JSM_NAMESPACE_\w+"
    # Open MPI, MPICH, Intel MPI, MVAPICH, and how they tell processes their place
    rf"|(OMPI|PMI|PMIX|PRTE|HYDI|MPI|MV2)_\w+|MPIRUN_\w+|{HELPED}"
)


def without_launcher(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment's variables without those by which launchers number processes."""
    return {name: text for name, text in variables.items() if not _OF_LAUNCHERS.fullmatch(name)}


def find_rank() -> int | None:
    """Find this process's place among those that a launcher started for one stage; None if alone.

    Of a process that is alone the launcher's variables go, so that no library takes it for another.
    """
    # Several launchers number their processes, each in its own variables.
    told = {name: int(text) for name, text in os.environ.items() if text.isdecimal()}
    by_srun = told.get("SLURM_STEP_NUM_TASKS", 1) > 1
    rank = told.get("RANK", told.get("SLURM_PROCID" if by_srun else "LOCAL_RANK"))
    has_address = "MASTER_ADDR" in os.environ and "MASTER_PORT" in told
    # A rank alone may be left over from a shell: a group has an address, or is started by srun.
    is_group = by_srun or (told.get("WORLD_SIZE", 1) > 1 and has_address)
    if rank is None or not is_group or ("DVC_STAGE" in os.environ and HELPED not in os.environ):
        forget_launcher()
        return None
    return rank


def forget_launcher() -> None:
    """Remove the launcher's variables from this process's environment."""
    for name in os.environ.keys() - without_launcher(os.environ).keys():
        del os.environ[name]
