"""The device that a network is trained on, and what of it its weights depend on."""

import os
from pathlib import Path

import torch

from skiagram.training.options import Trainer


def device(trainer: Trainer) -> torch.device:
    """Find the one device on which this process scores cases under these options.

    Of several GPUs it is that of the process's own number on this machine, as the launcher gives
    it.

    Args:
        trainer: Says which kind of device is asked for.
    """
    if trainer.accelerator != "cpu" and torch.cuda.is_available():
        ranks = (os.environ.get(name) for name in ("LOCAL_RANK", "SLURM_LOCALID"))
        local = next((int(rank) for rank in ranks if rank), 0)  # of those that share a training
        return torch.device("cuda", local % max(1, torch.cuda.device_count()))
    if trainer.accelerator in ("auto", "mps") and torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe_device(trainer: Trainer) -> list[str]:
    """List on what a network is trained, as far as weights depend on it.

    Late digits of a sum differ between a processor and a GPU, between kinds of either, and with the
    number of processes. CUDA itself is not asked: a process that began to use it cannot be forked.

    Args:
        trainer: Says which kind of device is asked for, and how many.
    """
    # On processors, what they can compute at once.
    kind = device(trainer).type
    if kind != "cuda":
        return [kind, torch.backends.cpu.get_cpu_capability()]
    # On GPUs, their model, by the driver's own files.
    models = {
        line
        for path in Path("/proc/driver/nvidia/gpus").glob("*/information")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("Model:")
    }
    # `torch.backends.cudnn.version` would begin to use CUDA, to compare it with the GPU.
    cudnn = torch._C._cudnn.getVersionInt() if torch._C._has_cudnn else None
    libraries = [str(torch.version.cuda), str(cudnn)]
    count = torch.cuda.device_count() if trainer.devices == "auto" else trainer.devices
    return [kind, *libraries, str(count), *sorted(models)]
