"""Training and validation batches as Lightning takes them."""

import pytorch_lightning as pl
from torch.utils.data import DataLoader, Dataset

from skiagram.training.data import EpochOrder, ExampleBatch, Examples, Views


class ImageData(pl.LightningDataModule):
    """Training and validation batches of one fit."""

    def __init__(
        self,
        training: Examples,
        validation: Examples | None,
        batch_size: int,
        seed: int,
        augmented: bool,
        on_gpu: bool = False,
    ) -> None:
        super().__init__()
        self._on_gpu = on_gpu
        self._training, self._validation = training, validation
        self._batch_size, self._seed = batch_size, seed
        self._augmented = augmented

    def train_dataloader(self) -> DataLoader[ExampleBatch]:
        """Load shuffled batches; each process gets its share.

        Views are drawn where they are asked for, in the epoch that the order is in.
        """
        place = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        order = self._training.order(self._batch_size, self._seed, *place)
        examples = Views(self._training, self._seed, order) if self._augmented else self._training
        return self._loader(examples, order, self._training)

    def val_dataloader(self) -> DataLoader[ExampleBatch] | list[DataLoader[ExampleBatch]]:
        """Load all validation batches; every process sees them all and so agrees on stopping.

        Without validation examples there is no loader, and Lightning validates nothing.
        """
        if self._validation is None:
            return []
        order = EpochOrder(len(self._validation), self._batch_size, None)
        return self._loader(self._validation, order, self._validation)

    def _loader(
        self, shown: Dataset[ExampleBatch], order: EpochOrder, read: Examples
    ) -> DataLoader[ExampleBatch]:
        """Have a GPU's batches read ahead by other processes, where images are not held in memory.

        Random numbers of views follow from seed, epoch and case, whoever draws them.

        Args:
            shown: Examples, or views of them.
            order: Rows of each batch: the loader itself makes no batches.
            read: The examples that are read from the store or from memory.
        """
        ahead = 2 if self._on_gpu and read.reads_store else 0
        return DataLoader(
            shown, sampler=order, batch_size=None, num_workers=ahead, pin_memory=self._on_gpu
        )
