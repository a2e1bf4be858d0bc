"""Files of an image store: Arrow IPC, read as views and written in bounded memory.

The number of axes says what an array is: (height, width) an image of one channel, (height, width,
channels) one of several, (depth, height, width, 1) a volume. A store of volumes has a column more,
`depth`, and three distances a case; one with regions of interest has columns for them (a bit a
pixel) and for their place in the patient.

A shard is named by what it holds, and holds no case id: other data sets, and later runs, that have
the same images in the same order have the same file. The ids lie beside it in `cases.arrow`, each
with the digest of its image, by which equal images are known and damage is found.

Arrow is imported where a store is read or written: who describes single images needs none.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skiagram.arrays import Flags, Floats, Whole
from skiagram.errors import SkiagramError, refusal
from skiagram.image_store.index import INDEX
from skiagram.images import Image, Region, Spacing, is_volume

if TYPE_CHECKING:
    import pyarrow as pa

DTYPES = ("uint8", "uint16", "int16", "float32")
DIGEST_BYTES = 16  # of an image's SHA-256: enough to tell images apart, and to find damage
BY_CHANCE = b"\0"  # begins the digest of values that others may have by chance
_FEW = 50  # whole numbers that may all be equal by chance


def schema(*, volumes: bool, regions: bool = False) -> "pa.Schema":
    """List the columns of a shard of images or of volumes, with or without regions.

    A reader holds a file's columns against these, so that a file of others is refused as damaged.

    Args:
        volumes: Whether there is a depth, and a distance of slices.
        regions: Whether there are masks of a bit a pixel, and places in the patient.
    """
    import pyarrow as pa

    # Columns of sides, then what regions need: name, type and whether a cell may be empty.
    sides = ("depth", "height", "width") if volumes else ("height", "width")
    region_fields = [
        ("inside", pa.large_binary(), False),
        ("outline", pa.large_binary(), True),
        ("origin", pa.list_(pa.float64(), 3), True),
        ("direction", pa.list_(pa.float64(), 9), True),
    ]
    # Pixels come last, behind all that says how to read them.
    fields = [
        *((side, pa.int32(), False) for side in (*sides, "channels")),
        ("dtype", pa.string(), False),
        ("spacing", pa.list_(pa.float64(), len(sides)), True),
        *(region_fields if regions else ()),
        ("pixels", pa.large_binary(), False),
    ]
    return pa.schema([pa.field(*field) for field in fields])


def case_schema() -> "pa.Schema":
    """List the columns of a store's table of cases: the id, and the digest of what is stored."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("case_id", pa.string(), nullable=False),
            pa.field("digest", pa.binary(DIGEST_BYTES), nullable=False),
        ]
    )


class Shard:
    """One mapped file, a record batch of images.

    Where these lie is read once: a scalar of an Arrow array is slow, and a copy, so views are cut
    from its buffers.

    Attributes:
        has_regions: Whether each image has a region of interest.
        sizes: (n,) values of each image: pixels times channels.
    """

    def __init__(self, path: Path) -> None:
        """Map a file into memory, and refuse shapes that are not those of its pixels.

        Args:
            path: File that a `ShardWriter` wrote.

        Raises:
            DataError: It cannot be read, has other columns, or its lengths, sides or depths are
                false.
        """
        import pyarrow as pa

        try:
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            both = (False, True)
            if reader.schema not in [schema(volumes=v, regions=r) for v in both for r in both]:
                raise unusable("damaged shard", path)
            batch = self._batch = reader.get_batch(0)
            batch.validate(full=True)  # lengths that lie would be read beyond the file's end
            # (n, 3) sides and channels, or (n, 4) of volumes, and the depth of each image
            sides = [s for s in ("depth", "height", "width", "channels") if s in batch.schema.names]
            self._shapes = np.stack([batch[side].to_numpy() for side in sides], axis=1)
            encoded = batch["dtype"].dictionary_encode()
            self._dtypes = encoded.dictionary.to_pylist()
            self._dtype = encoded.indices.to_numpy()
            # (n, 2) distances, or (n, 3) of volumes; NaN where unknown
            distances = batch["spacing"]
            has_spacing = distances.is_valid().to_numpy(zero_copy_only=False)
            self._spacing = np.full((len(distances), distances.type.list_size), math.nan)
            known = distances.flatten().to_numpy()
            self._spacing[has_spacing] = known.reshape(-1, distances.type.list_size)
            # The bytes that the shapes need must be those between two offsets.
            _, starts, self._pixels = batch["pixels"].buffers()
            self._offsets = np.frombuffer(starts, dtype=np.int64)
            bytes_of = np.array([np.dtype(name).itemsize for name in self._dtypes], np.float64)
            needed = self._shapes.prod(axis=1, dtype=np.float64) * bytes_of[self._dtype]
            held = np.diff(self._offsets[: len(needed) + 1])
        except (OSError, pa.ArrowException, ValueError, TypeError) as error:
            raise unusable("damaged shard", path) from error
        is_known = {*self._dtypes} <= {*DTYPES}
        if not is_known or (self._shapes <= 0).any() or (held != needed).any():
            raise unusable("damaged shard", path)
        self.has_regions = "inside" in batch.schema.names
        self.sizes: Whole = self._shapes.prod(axis=1, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._shapes)

    def spacing(self, row: int) -> Spacing | None:
        """Read the distances of a row's slices, rows and columns, mm; None where unknown.

        Args:
            row: Place within the shard.

        Returns:
            Two distances of an image, three of a volume.
        """
        sides = self._spacing[row].tolist()
        return None if math.isnan(sides[0]) else tuple(sides)

    def region(self, row: int) -> Region | None:
        """Read the region of interest of a row; None in a store without regions.

        Args:
            row: Place within the shard.

        Returns:
            Masks of the image's sides, and the place in the patient where it is known.
        """
        if not self.has_regions:
            return None
        # The mask and the outline lie packed, eight pixels in a byte.
        cells, shape = self._batch.slice(row, 1), self._shapes[row, :-1].tolist()
        inside, outline = (cells[name][0].as_buffer() for name in ("inside", "outline"))
        origin, direction = (cells[name][0].as_py() for name in ("origin", "direction"))
        return Region(
            _unpack(inside, shape),
            None if outline is None else _unpack(outline, shape),
            None if origin is None else tuple(origin),
            None if direction is None else tuple(direction),
        )

    def view(self, row: int) -> Image:
        """Read the image of a row as a read-only view of the mapped file."""
        image: Image = self.run(row, 1)[0][0]
        return image

    def run(self, row: int, most: int) -> tuple[Image, Floats]:
        """Read the images from a row on that are alike in shape and depth, and their spacing.

        Args:
            row: Place of the first one within the shard.
            most: Images at most, ≥ 1.

        Returns:
            A read-only view (n, height, width[, channels]) or (n, depth, height, width, 1), and (n,
            2), or (n, 3) of volumes, distances in mm, NaN where unknown.
        """
        # how many are alike
        following = slice(row, row + most)
        alike = (self._shapes[following] == self._shapes[row]).all(axis=1)
        alike &= self._dtype[following] == self._dtype[row]
        number = len(alike) if alike.all() else int(alike.argmin())
        # their pixels, which lie side by side
        shape = self._shapes[row].tolist()
        flat = np.frombuffer(
            self._pixels,
            dtype=self._dtypes[self._dtype[row]],
            count=number * math.prod(shape),
            offset=int(self._offsets[row]),
        )
        plane_of_one_channel = len(shape) == 3 and shape[-1] == 1
        images = flat.reshape(number, *(shape[:-1] if plane_of_one_channel else shape))
        return images, self._spacing[row : row + number]


def _unpack(packed: "pa.Buffer", shape: list[int]) -> Flags:
    """Turn the bits of a mask, eight pixels in a byte, into bool of its sides."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=math.prod(shape))
    return bits.view(np.bool_).reshape(shape)


def unusable(fault: str, path: Path) -> SkiagramError:
    """Name a file or folder that was not written to its end, or is damaged.

    Args:
        fault: What is wrong, in words.
        path: Where.
    """
    return refusal("image_store.unusable", str(path), fault=fault)


def content_digest(image: Image, spacing: Spacing | None, region: Region | None) -> bytes:
    """Compute the digest that a store keeps of an image, with its spacing and its region.

    Two images have one digest where all of these are equal, whatever the machine. It is the first
    16 bytes of a SHA-256: enough to tell images apart and to find damage, not to keep forgers away.

    Args:
        image: As it is stored.
        spacing: mm; None where unknown.
        region: Its region of interest; None without one.
    """
    digest = hashlib.sha256(repr(_columns(image, spacing, region)).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.digest()[:DIGEST_BYTES]


def values_digest(values: Floats) -> bytes:
    """Compute the digest that a store keeps of a case that has values and no image.

    It begins with `BY_CHANCE` where two patients may well have equal values: a few whole numbers,
    such as grades and counts. Of 699 rows of nine grades from 1 to 10 (Wisconsin's breast cytology)
    more than half are equal to another patient's.

    Args:
        values: (n,) of the case, in the order of the columns; NaN is a gap.
    """
    alike = np.where(np.isnan(values), np.nan, values)  # one pattern of bits for all gaps
    whole = len(values) < _FEW and np.array_equal(alike, np.round(alike), equal_nan=True)
    digest = hashlib.sha256(alike.tobytes()).digest()[: DIGEST_BYTES - 1]
    return (BY_CHANCE if whole else b"\1") + digest


def _columns(image: Image, spacing: Spacing | None, region: Region | None) -> tuple[Any, ...]:
    """Make a row of a shard without its last column, the pixels; digests read it, too."""
    shape = image.shape if is_volume(image) else np.atleast_3d(image).shape
    # Regions add their columns.
    columns = (*shape, _NAMES[image.dtype], spacing)
    if region is None:
        return columns
    packed = (
        None if mask is None else np.packbits(mask).tobytes()
        for mask in (region.inside, region.outline)
    )
    return (*columns, *packed, region.origin, region.direction)


SHARD_BYTES = 64 * 1024**2  # which are held in memory until they are written
CASE_TABLE = "cases.arrow"
_NAME_DIGITS = 24
_NAMES = {np.dtype(name): name for name in DTYPES}  # to ask a depth for its name takes longer


def shard_path(folder: Path, name: str) -> Path:
    """Return the file of a shard."""
    return folder / f"images-{name}.arrow"


class ShardWriter:
    """Writes images to shards in a new folder in bounded memory; use as a context manager.

    Args:
        shard_bytes: Pixels a shard holds at most (one image may exceed it).
    """

    def __init__(self, folder: Path, *, shard_bytes: float = SHARD_BYTES) -> None:
        """Make the folder, with nothing in it yet.

        Args:
            folder: New folder of the store.
            shard_bytes: Pixels a shard holds at most (one image may exceed it).
        """
        # What waits to be written.
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._shard_bytes = shard_bytes
        self._rows: list[tuple[Any, ...]] = []
        self._row_bytes = 0
        self._schema: Any = None
        # What the index will say.
        self._digest = hashlib.sha256()
        self._digests: list[bytes] = []
        self._case_ids: dict[str, None] = {}  # in the order of the store
        self._shards: list[tuple[str, int]] = []  # name and number of images

    def __enter__(self) -> "ShardWriter":
        return self

    def add(
        self,
        case_id: str,
        image: Image,
        spacing: Spacing | None = None,
        region: Region | None = None,
        digest: bytes | None = None,
    ) -> None:
        """Append one image or volume; one that a store cannot hold is a DataError.

        Args:
            case_id: Its case; each has one image.
            image: (height, width) or (height, width, channels), or (depth, height, width, 1);
                uint8, uint16, int16 or float32.
            spacing: Distance of its slices (a volume's alone), rows and columns, mm.
            region: Its region of interest; all images of a store have one, or none has.
            digest: Its digest, where it is known; else it is computed.

        Raises:
            DataError: Shape, type, spacing or region are not what a store holds, or not as of the
                images before it; or the case has an image already.
        """
        # Shape, type and region must be those of the store.
        self._check(case_id, image, region)
        volumes = is_volume(image)
        sides = None if spacing is None else tuple(float(distance) for distance in spacing)
        if sides is not None and (
            len(sides) != 2 + volumes or not all(0 < distance < math.inf for distance in sides)
        ):
            raise refusal("image_store.pixel_spacing", case_id, sides=sides, number=2 + volumes)
        # A full shard is ended before the image that would not fit.
        pixels = np.ascontiguousarray(image).tobytes()
        if self._row_bytes + len(pixels) > self._shard_bytes:
            self.end_shard()
        self.add_case(case_id, digest or content_digest(image, sides, region))
        self._rows.append((*_columns(image, sides, region), pixels))
        self._row_bytes += len(pixels)

    def add_case(self, case_id: str, digest: bytes) -> None:
        """Note a case by a digest of its content: all that is stored of one without an image.

        Args:
            case_id: The case.
            digest: 16 bytes.

        Raises:
            DataError: The case was noted before.
        """
        if case_id in self._case_ids:
            raise refusal("image_store.doubled_case", case_id)
        self._case_ids[case_id] = None
        self._digests.append(digest)
        self._digest.update(case_id.encode() + b"\0" + digest)

    def _check(self, case_id: str, image: Image, region: Region | None) -> None:
        """Refuse an image whose shape, depth, region or kind a store, or this one, cannot hold."""
        # Sides and depth.
        volumes = is_volume(image)
        shaped = image.ndim in (2, 3) or (volumes and image.shape[3] == 1)
        if not shaped or 0 in image.shape or image.dtype not in _NAMES:
            raise refusal(
                "image_store.other_kind_of_image",
                case_id,
                shape=image.shape,
                dtype=image.dtype,
                dtypes=DTYPES,
            )
        # A region has the image's sides and is not empty.
        side_lengths = image.shape[: 3 if volumes else 2]
        for mask in () if region is None else (region.inside, region.outline):
            if mask is not None and (mask.shape != side_lengths or not mask.any()):
                pixels = " × ".join(map(str, mask.shape))
                raise refusal(
                    "image_store.region_of_other_size",
                    case_id,
                    pixels=pixels,
                    inside=int(mask.sum()),
                    sides=side_lengths,
                )
        # all images of a store have the same columns
        image_schema = schema(volumes=volumes, regions=region is not None)
        if self._schema is None:
            self._schema = image_schema
        if image_schema != self._schema:
            image_kind = "a volume" if volumes else "an image"
            added = "without" if region is None else "with"
            raise refusal("image_store.mixed_images", case_id, image=image_kind, added=added)

    def end_shard(self) -> None:
        """Write the images that wait, if there are some, as a shard.

        Writers that cut a store at places of their own, such as a partition of cases, call it
        between them.
        """
        if not self._rows:
            return
        import pyarrow as pa

        fields = zip(zip(*self._rows, strict=True), self._schema, strict=True)
        arrays = [pa.array(column, field.type) for column, field in fields]
        # A shard is named by its images, so equal ones have equal names.
        digests = self._digests[-len(self._rows) :]
        name = hashlib.sha256(b"".join(digests)).hexdigest()[:_NAME_DIGITS]
        with pa.ipc.new_file(shard_path(self._folder, name), self._schema) as file:
            file.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._shards.append((name, len(self._rows)))
        self._rows, self._row_bytes = [], 0

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the last shard and, unless an error is under way, write the index."""
        self.end_shard()
        if kind is None:
            import pyarrow as pa

            columns = case_schema()
            cases = pa.table([list(self._case_ids), self._digests], schema=columns)
            with pa.ipc.new_file(self._folder / CASE_TABLE, columns) as file:
                file.write_table(cases)
            # cases without images have no shards at all
            shards = self._shards or (None if self._case_ids else [])
            index = {"sha256": self._digest.hexdigest(), "shards": shards}
            (self._folder / INDEX).write_text(json.dumps(index), encoding="utf-8")
