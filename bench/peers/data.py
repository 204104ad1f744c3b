"""pandas' C reader on the table that bench/data.cc wrote, as rows of JSON: its peer.

100 MB of numbers of six digits in 16 columns. The median of several; the table is removed afterwards.
"""

import json
import pathlib
import statistics
import tempfile
import time

import pandas

REPEATS = 5


def main():
    path = pathlib.Path(tempfile.gettempdir()) / "hanse-bench.csv"
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        pandas.read_csv(path, engine="c", dtype="float64")
        taken.append(time.perf_counter() - start)
    rate = path.stat().st_size / 1e6 / statistics.median(taken)
    path.unlink()
    print(json.dumps({"name": "csv_numbers", "value": round(rate, 1), "unit": "MB/s",
                      "peer": f"pandas {pandas.__version__}"}))


if __name__ == "__main__":
    main()
