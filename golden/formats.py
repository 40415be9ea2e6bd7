"""Makes the files of other programs that `crates/downslope/tests/formats.rs` reads. Needs numpy and pyarrow."""

import datetime
import decimal
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

OUT = pathlib.Path(__file__).parent.parent / "crates/downslope/tests/data"

utc = datetime.timezone.utc
table = pa.table(
    {
        "small": pa.array([1, None, -3], pa.int8()),
        "large": pa.array([2**53 + 1, 0, -(2**62)], pa.int64()),
        "count": pa.array([2**64 - 1, 5, None], pa.uint64()),
        "float": pa.array([0.1, None, -2.5], pa.float32()),
        "double": pa.array([0.1, float("nan"), -0.0], pa.float64()),
        "price": pa.array([decimal.Decimal("12.34"), None, decimal.Decimal("-0.01")], pa.decimal128(10, 2)),
        "wet": pa.array([True, None, False]),
        "cut": pa.array(["Good", None, "Fair"]),
        "colour": pa.array(["E", "D", None]).dictionary_encode(),
        "day": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1969, 12, 31)], pa.date32()),
        "when": pa.array([datetime.datetime(2024, 2, 29, 12, 30, 0, 250_000, utc), None, None], pa.timestamp("us", "Europe/Paris")),
        "words": pa.array([["a"], [], None], pa.list_(pa.string())),
        "nothing": pa.nulls(3),
    }
)
pa.parquet.write_table(table, OUT / "pyarrow.parquet")
pa.feather.write_feather(table, str(OUT / "pyarrow.feather"), compression="lz4")
with pa.ipc.new_stream(str(OUT / "pyarrow.arrows"), table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as out:
    out.write_table(table, max_chunksize=2)

x = np.array([[0.5, -1.0, np.nan], [2.0, 3.0, 4.0]])
np.save(OUT / "fortran.npy", np.asfortranarray(x.astype(">f4")))
np.savez_compressed(OUT / "texts.npz", X=x, y=np.array(["yes", "né"]))
