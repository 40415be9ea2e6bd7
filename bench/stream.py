"""Rows streamed from a file beside rows in memory: speed of a step, memory, and loss.

    python3 bench/stream.py --rows 10000000 --features 30 --memory 1GiB --folder /var/tmp/stream

makes a table with `downslope data make`, unless it is there, trains on it both ways in turn, and prints a table in Markdown.
The speed is that of steps from the second epoch on, as metrics.jsonl has it; the time is that of the whole command, reading
and encoding included. Needs the release build and nothing else.
"""

import argparse
import datetime
import json
import pathlib
import platform
import shutil
import statistics
import subprocess
import time


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--features", type=int, default=30)
    options.add_argument("--memory", default="1GiB")
    options.add_argument("--epochs", type=int, default=4)
    options.add_argument("--batch-size", default="32")
    options.add_argument("--repetitions", type=int, default=3)
    options.add_argument("--folder", type=pathlib.Path, required=True)
    options.add_argument("--downslope", default="target/release/downslope")
    asked = options.parse_args()

    asked.folder.mkdir(parents=True, exist_ok=True)
    table = asked.folder / f"logistic-{asked.rows}x{asked.features}.csv"
    if not table.exists():
        make = ["data", "make", "logistic", "--rows", asked.rows, "--features", asked.features, "--out", table]
        subprocess.run([asked.downslope, *map(str, make)], check=True)

    ways = {"in memory": ["--stream=never"], f"streamed, {asked.memory}": ["--stream", "--memory", asked.memory]}
    measured = {way: [] for way in ways}
    for _ in range(asked.repetitions):
        for way, flags in ways.items():
            measured[way].append(train(asked, table, flags))

    print(f"{datetime.date.today()}, {platform.machine()}, {table.stat().st_size / 1e9:.2f} GB of CSV, {asked.rows} rows × "
          f"{asked.features}, {asked.batch_size} rows a step, {asked.epochs} epochs, median of {asked.repetitions}\n")
    print("| | ns a row | whole command, s | peak resident, MB | training loss | validation loss |")
    print("|---|--:|--:|--:|--:|--:|")
    for way, runs in measured.items():
        middle = [statistics.median(run[i] for run in runs) for i in range(5)]
        print(f"| {way} | {middle[0]:.1f} | {middle[1]:.1f} | {middle[2]:.0f} | {middle[3]:.6f} | {middle[4]:.6f} |")


def train(asked, table, flags):
    """ns a row from the second epoch on, seconds in all, megabytes, training loss, validation loss."""
    run = asked.folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    command = ["train", table, "--out", run, "--quiet", "--epochs", asked.epochs, "--batch-size", asked.batch_size,
               "--cache", asked.folder, "--log-every", "0", *flags]
    began = time.perf_counter()
    subprocess.run([asked.downslope, *map(str, command)], check=True)
    seconds = time.perf_counter() - began
    record = json.loads((run / "run.json").read_text())
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    times = [line["time"]["training_seconds"] for line in lines if line["event"] == "epoch"]
    of_row = (times[-1] - times[0]) / (len(times) - 1) / record["data"]["n_train"] * 1e9
    size, unit = record["outcome"]["time"]["peak_resident"].removesuffix("iB"), {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return of_row, seconds, int(size[:-1]) * unit[size[-1]] / 1e6, record["train"]["loss"], record["validation"]["loss"]


if __name__ == "__main__":
    main()
