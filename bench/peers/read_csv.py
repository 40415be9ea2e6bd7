"""polars and pyarrow: a CSV of numbers to a matrix of float32, and the most memory that took.

    read_csv.py polars|pyarrow FILE

One call of the library's reader with its own choice of types and threads, then a matrix of one row a line. The peak
is the process's, the interpreter and the library included; what the process held before it read stands beside it.
"""

import json
import sys
import time

import numpy as np


def peak_bytes():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


who, path = sys.argv[1:]
if who == "polars":
    import polars

    version = polars.__version__
    read = lambda: polars.read_csv(path).cast(polars.Float32).to_numpy(order="c")
else:
    import pyarrow
    import pyarrow.csv

    version = pyarrow.__version__

    def read():
        table = pyarrow.csv.read_csv(path)
        matrix = np.empty((table.num_rows, table.num_columns), np.float32)
        for column in range(table.num_columns):
            matrix[:, column] = table.column(column).to_numpy()
        return matrix


before = peak_bytes()
start = time.perf_counter()
matrix = read()
seconds = time.perf_counter() - start
assert matrix.dtype == np.float32 and matrix.flags.c_contiguous
answer = {"peer": who, "rows": matrix.shape[0], "columns": matrix.shape[1], "seconds": seconds}
print(json.dumps(answer | {"peak_bytes": peak_bytes(), "bytes_before": before, "versions": {who: version}}))
