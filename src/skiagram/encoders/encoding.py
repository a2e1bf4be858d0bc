"""Encodes a store of images: each one once, whatever is added or trained later.

What an image became is kept in the store of pieces, under the checksums of the image, of the
weights, of the options and of the code; the next run encodes only what is new. On a processor each
worker computes on one thread and in batches of one size, so that a row depends on its own image
alone: not on the other images, on the number of workers, or on what was kept.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from skiagram.arrays import Floats, Singles
from skiagram.compute.code_digest import code_digest, named_targets
from skiagram.compute.context import NOTHING_KEPT, RunContext
from skiagram.compute.progress import Progress
from skiagram.compute.workers import use_threads
from skiagram.encoders.encoder import (
    COLUMN,
    RECORD,
    TABLE,
    EncoderRecord,
    LoadedNetwork,
)
from skiagram.encoders.kept_encodings import KeptEncodings
from skiagram.encoders.timm_encoder import Encoder, TimmMaps
from skiagram.errors import DataError, named, refusal
from skiagram.image_store.store import ImageStore, Span, modality_folders
from skiagram.images import Region, is_volume
from skiagram.options import build, composed
from skiagram.preparation import LEARNED, PREPARATION, Preparation
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_record, write_record
from skiagram.records.places import coordinates, of_cases

# At once on a processor, where more are hardly faster: 224 pixels .87 of the time of 32, 96 .92.
_PICTURES = 8


class _Work(NamedTuple):
    """Images of a store, or places of one of them; small enough to send to a worker.

    Attributes:
        images: Their rows in the store.
        keys: What is kept under: a digest for each image; or for each place, and at the end for
            the image as a whole.
        encoder: JSON of its options.
        centres: (n, 3) of the places; None where images are encoded as a whole.
    """

    store: Span
    images: list[int]
    keys: list[bytes]
    encoder: str
    centres: Floats | None = None


@dataclass(frozen=True)
class FolderEncoder:
    """An encoder with its network: what makes numbers of folders of images and of their places.

    Attributes:
        encoder: As it prepares images of the first modality.
        further: Of the other modalities, whose images may have another depth or unit.
    """

    encoder: Encoder
    loaded: LoadedNetwork
    context: RunContext = NOTHING_KEPT
    further: Mapping[str, Encoder] = field(default_factory=dict)

    @classmethod
    def of_images(
        cls,
        images: Path,
        encoder: Encoder,
        context: RunContext = NOTHING_KEPT,
        preparation: Preparation | None = None,
    ) -> "FolderEncoder":
        """Load an encoder for the images of a folder.

        Args:
            images: Folder of the restored images.
            encoder: As its config says.
            context: Its store holds what images became in earlier runs.
            preparation: Of the images that models learn from; None for that in the folder.
        """
        # The user learns what the weights are and under which licence.
        preparation = preparation or read_record(Preparation, images / PREPARATION)
        context.say(
            f"{encoder.title}: licence of the weights: {encoder.licence}. {encoder.citation}"
        )
        # Loaded once, here; workers load it again by themselves.
        with use_threads(1):  # more would hinder a later fork of this process
            loaded = encoder.load()
        context.say(f"SHA-256 of the weights: {loaded.sha256}.")
        return cls.of_network(encoder, loaded, preparation, context)

    @classmethod
    def of_network(
        cls,
        encoder: Encoder,
        loaded: LoadedNetwork,
        preparation: Preparation,
        context: RunContext = NOTHING_KEPT,
    ) -> "FolderEncoder":
        """Build an encoder that prepares images of each modality by their own depth and unit.

        Args:
            encoder: As its config says.
            loaded: Its network, which knows what its weights ask for.
            preparation: Of the images that models learn from.
            context: Its store holds what images became in earlier runs.
        """
        first = resolve_preprocessing(preparation, encoder, loaded)
        names = [other.modality for other in preparation.further]
        further = {
            name: resolve_preprocessing(preparation, encoder, loaded, name) for name in names
        }
        return cls(first, loaded, context, further)

    @property
    def keeps_places(self) -> bool:
        """Tell whether places of an image have numbers of their own."""
        return isinstance(self.encoder, TimmMaps)

    def record(self, table: FeatureTable) -> EncoderRecord:
        """Say what encoded the images of a table.

        Where modalities were prepared unlike, the way stays open, as for these images.

        Args:
            table: What `encode` returned.
        """
        encoder = self.encoder
        if any(other != encoder for other in self.further.values()):
            encoder = replace(encoder, preprocessing=self.loaded.preprocessing)
        sha256, numbers = self.loaded.sha256, self.loaded.numbers
        return EncoderRecord(composed(encoder), sha256, numbers, len(table.names))

    def encode(self, images: Path) -> FeatureTable:
        """Encode the images of a folder, those of all modalities where there are several.

        Columns are `encoding_<number>`, of volumes `encoding_mean_<number>` and
        `encoding_maximum_<number>`; before them `<modality>.` where there are several.

        Args:
            images: Folder of the restored images.

        Returns:
            A row a case of the first modality, float32.
        """
        # A block of columns for each modality.
        blocks: list[Singles] = []
        names: list[str] = []
        case_id = np.array(ImageStore(images).case_ids)
        for modality, folder in modality_folders(images).items():
            store = ImageStore(folder)
            own = replace(self, encoder=self.further.get(modality, self.encoder))
            # What earlier runs made of equal images is found; case ids play no part.
            keys = store.digests()
            earlier = KeptEncodings(self.context.store, _identity(own.encoder, self.loaded))
            rows = earlier.find(keys)
            new = [image for image, key in enumerate(keys) if key not in rows]
            if len(new) < len(keys):
                found = f"{len(keys) - len(new)} of {len(keys)} images were encoded before."
                self.context.say(found)
            size = _batch_size(self.encoder)
            whole = Span(store.folder.resolve(), store.sha256, 0, len(store))
            options = json.dumps(composed(own.encoder))
            work: list[_Work] = []
            for start in range(0, len(new), size):
                batch = new[start : start + size]
                work.append(_Work(whole, batch, [keys[image] for image in batch], options))
            rows |= own._encode_new("encode", _encode_images, work, earlier)
            # Rows in the order of the store, then in that of the first modality.
            values = np.stack([rows[key] for key in keys]) if keys else np.empty((0, 0), "f4")
            prefix = f"{modality}.{COLUMN}" if modality else COLUMN
            names += _names(prefix, self.loaded, values.shape[1])
            blocks.append(FeatureTable(np.array(store.case_ids), (), values).of(case_id).values)
        return FeatureTable(case_id, tuple(names), np.hstack(blocks))

    def write(self, images: Path, folder: Path) -> None:
        """Write what the images of a folder become, the record and, where small, the weights.

        Args:
            images: Folder of the restored images.
            folder: New folder of the encoding.
        """
        table = self.encode(images)
        table.write(folder / TABLE)
        write_record(self.record(table), folder / RECORD)
        self.encoder.keep(folder / LEARNED)

    def encode_places(self, images: Path, places: pd.DataFrame) -> FeatureTable:
        """Encode places of the images of a folder: a row for each, in the table's order.

        The network looks once at each image; what the image as a whole became is kept for `encode`.

        Args:
            places: Rows of a case stand together, in the store's order, as `propose` leaves them.

        Raises:
            OptionError: The encoder keeps no places.
        """
        if not self.keeps_places:
            raise refusal("encoders.no_places", title=self.encoder.title)
        case_id, centres = places["case_id"].to_numpy(dtype=str), coordinates(places)
        if not len(places):
            return FeatureTable(case_id, (), np.empty((0, 0), np.float32))
        store = ImageStore(images)
        # A place is known by its image and where it lies in it.
        digests = dict(zip(store.case_ids, store.digests(), strict=True))
        keys = [
            hashlib.sha256(digests[case] + centre.tobytes()).digest()[: len(digests[case])]
            for case, centre in zip(case_id.tolist(), centres, strict=True)
        ]
        earlier = KeptEncodings(self.context.store, _identity(self.encoder, self.loaded))
        rows = earlier.find(keys)
        # The images of which a place is new.
        image_of = {case: image for image, case in enumerate(store.case_ids)}
        whole = Span(store.folder.resolve(), store.sha256, 0, len(store))
        options = json.dumps(composed(self.encoder))
        work = []
        for case, at in of_cases(places).items():
            place_keys = [keys[place] for place in at.tolist()]
            if not rows.keys() >= {*place_keys}:
                case_keys = [*place_keys, digests[case]]
                work.append(_Work(whole, [image_of[case]], case_keys, options, centres[at]))
        rows |= self._encode_new("encode places", _encode_places, work, earlier)
        # Rows in the order of the places.
        names = tuple(_names(COLUMN, self.loaded, self.loaded.numbers))
        return FeatureTable(case_id, names, np.stack([rows[key] for key in keys]))

    def _encode_new(
        self,
        title: str,
        encode: Callable[[_Work], Singles],
        work: Sequence[_Work],
        earlier: KeptEncodings,
    ) -> dict[bytes, Singles]:
        """Make rows here on an accelerator, else by workers, and keep them for later runs.

        Args:
            title: Of the work, for the bar.
            encode: Makes the rows of a piece of it.
            work: Pieces.
            earlier: Where rows are kept.

        Returns:
            Key → row.
        """
        # Threads of this process use the network that is loaded already.
        device = "cuda" if torch.cuda.is_available() else "cpu"
        _remember(json.dumps(composed(self.encoder)), self.encoder, self.loaded, device)
        images = sum(len(piece.images) for piece in work)
        rows: dict[bytes, Singles] = {}
        # Each worker has one thread: late digits depend on how many share a picture.
        one_thread = use_threads(1) if device == "cpu" else nullcontext()
        with one_thread, Progress(title, images) as progress, earlier.adding():
            made: Iterator[Singles] = (
                map(encode, work)
                if device == "cuda"
                else self.context.compute.map(encode, work, releases_lock=True)
            )
            for piece, values in zip(work, made, strict=True):
                new = dict(zip(piece.keys, values, strict=False))  # a whole image may have none
                earlier.add(new)
                rows |= new
                progress.advance(len(piece.images))
        return rows


def _encode_places(work: _Work) -> Singles:
    """Compute a row for each place, and at the end one for the whole image where it has one.

    Args:
        work: Of one image, with the places.

    Returns:
        (places, numbers) or (places + 1, numbers) float32.

    Raises:
        DataError: A pixel is missing, or a number is not finite.
    """
    # The image, scaled as the encoder reads it.
    store, (image,) = work.store.store(), work.images
    encoder, loaded, device = _loaded(work.encoder)
    if not isinstance(encoder, TimmMaps) or work.centres is None:
        raise TypeError("places, and an encoder that keeps them, are needed")
    case = store.case_ids[image]
    scaled, region = _scaled(store, image, encoder)
    if not np.isfinite(scaled).all():
        raise _missing(case)
    # All places of the image after one look.
    axes = 3 if is_volume(scaled) else 2
    with named(case):
        values, image_values = encoder.encode_places(
            scaled, region, store.spacing(case), work.centres[:, 3 - axes :], loaded, device
        )
    rows = values if image_values is None else np.vstack([values, image_values])
    if not np.isfinite(rows).all():
        raise refusal("encoders.infinite_numbers", case)
    return rows


def _scaled(store: ImageStore, row: int, encoder: Encoder) -> tuple[Singles, Region | None]:
    """Scale an image to 0 to 1 and prepare its region; the digest is of these bytes.

    Pixels that are missing stay so: what counts is whether the network sees one.

    Args:
        store: Of the images.
        row: Place in it.
        encoder: Says how intensities are scaled.

    Raises:
        DataError: The image was changed on the disk, or no pixel has a value.
    """
    store.check(row, row + 1)  # or its numbers would be kept under another's digest
    case = store.case_ids[row]
    image = store.image(case)
    if image.dtype.kind == "f" and not np.isfinite(image).any():
        raise _missing(case)
    return encoder.preprocessing.intensity.scale(image), store.region(case)


def resolve_preprocessing(
    preparation: Preparation, encoder: Encoder, loaded: LoadedNetwork, modality: str = ""
) -> Encoder:
    """Settle the preprocessing of a modality's images, without nulls.

    Args:
        preparation: What ingest stored, and whether the restoration changed its unit.
        encoder: As its config says.
        loaded: Its network, which knows what its weights ask for.
        modality: Its name; empty for the first.
    """
    # What ingest stored of this modality, and whether the restoration changed its unit.
    kinds_by_name = {other.modality: other.images for other in preparation.further}
    kinds = kinds_by_name.get(modality, preparation.images)
    name = modality or preparation.first_modality
    in_bytes = kinds is not None and set(kinds.depths) == {"uint8"}
    in_bytes = in_bytes and not preparation.region_options(name).get("normalisation")
    # The rest is as the weights ask for.
    how = loaded.preprocessing
    intensity = how.intensity.resolved(in_bytes=in_bytes)
    return replace(encoder, preprocessing=replace(how, intensity=intensity))


def _names(prefix: str, loaded: LoadedNetwork, columns: int) -> Iterator[str]:
    """Name the columns: modality, part of the network, mean or maximum of pictures, number.

    Numbers have as many digits as the last one, three at least: sorted names are in order.
    """
    kinds = ("",) if columns == loaded.numbers else ("mean_", "maximum_")
    parts = [(f"{part}_", length) for part, length in loaded.parts] or [("", loaded.numbers)]
    return (
        f"{prefix}_{part}{kind}{k:0{max(3, len(str(length - 1)))}d}"
        for kind in kinds
        for part, length in parts
        for k in range(length)
    )


def _encode_images(work: _Work) -> Singles:
    """Compute a row for each image.

    Args:
        work: Images of one store.

    Returns:
        (images, numbers) float32; of volumes mean and maximum of their pictures, twice as many.

    Raises:
        DataError: A pixel that is seen is missing, or a number is not finite.
    """
    store = work.store.store()
    # What the encoder sees of each image, one picture or several.
    encoder, loaded, device = _loaded(work.encoder)
    views: list[torch.Tensor] = []
    counts: list[int] = []
    several = False
    case_ids = [store.case_ids[image] for image in work.images]
    for image, case in zip(work.images, case_ids, strict=True):
        scaled, region = _scaled(store, image, encoder)
        several = is_volume(scaled)
        with named(case):
            case_views = encoder.see(scaled, region, store.spacing(case), loaded.channels)
        if not all(bool(torch.isfinite(view).all()) for view in case_views):
            raise _missing(case)
        views += case_views
        counts.append(len(case_views))
    # All pictures go through the network in full batches: kernels, and late digits with them, are
    # chosen by a batch's shape.
    rows, size, half = [], _batch_size(encoder), encoder.precision == "bf16"
    for start in range(0, len(views), size):
        batch = torch.stack(views[start : start + size])
        count = len(batch)
        batch = torch.cat([batch, batch.new_zeros(size - count, *batch.shape[1:])])
        try:
            with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=half):
                seen = loaded.network(batch.to(device))[:count]
                rows.append(seen.float().cpu().numpy())
        except torch.OutOfMemoryError as error:
            raise refusal("encoders.memory_of_accelerator", batch_size=size) from error
    numbers = np.concatenate(rows)
    bad = ~np.isfinite(numbers).all(axis=1)
    if bad.any():
        case = case_ids[int(np.searchsorted(np.cumsum(counts), np.argmax(bad), "right"))]
        raise refusal("encoders.infinite_numbers", case)
    # Of several pictures of an image: their mean and their maximum.
    if not several:
        return numbers
    parts = np.split(numbers, np.cumsum(counts)[:-1])
    return np.stack([np.concatenate([part.mean(axis=0), part.max(axis=0)]) for part in parts])


def _batch_size(encoder: Encoder) -> int:
    """Return how many pictures go through a network at once."""
    return encoder.batch_size if torch.cuda.is_available() else _PICTURES


def _missing(case: str) -> DataError:
    return refusal("encoders.missing_pixels", case)


def _identity(encoder: Encoder, loaded: LoadedNetwork) -> str:
    """Write down all that an image's numbers depend on besides the image."""
    # Words that change no number are left out.
    options = composed(encoder)
    for name in ("title", "licence", "citation", "weights"):
        options.pop(name, None)
    # On processors all batches are of one size.
    if not torch.cuda.is_available():
        options.pop("batch_size")
    # The device and the code change late digits.
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    code = code_digest(_encode_images, _encode_places, *named_targets(options))
    return json.dumps([options, loaded.sha256, device, code])


_ready: dict[str, tuple[Encoder, LoadedNetwork, str]] = {}  # of this process; at most one


def _remember(options: str, encoder: Encoder, loaded: LoadedNetwork, device: str) -> None:
    """Have threads of this process use the network that is loaded already.

    Args:
        options: JSON of the encoder's options, under which it is found.
        encoder: The encoder.
        loaded: Its network, which is moved to the device.
        device: `cuda` or `cpu`.
    """
    if isinstance(loaded.network, torch.nn.Module):
        loaded.network.to(device)
    _ready.clear()
    _ready[options] = (encoder, loaded, device)


def _loaded(options: str) -> tuple[Encoder, LoadedNetwork, str]:
    """Find the network of this process, or load it: workers get its options alone."""
    if options not in _ready:  # a worker of its own process or machine
        torch.set_num_threads(1)
        encoder: Encoder = build(json.loads(options), "encoder")
        _remember(options, encoder, encoder.load(), "cpu")
    return _ready[options]
