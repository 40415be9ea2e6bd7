"""Who needs how long for a row?

Runs Downslope and the peers in turn on the same arrays, from the same start, at the same rate, and writes a table and all
that was measured. Needs nothing but Python; the peers need what they are made of. `cargo xtask bench` calls it; the
README beside it says what is inside the clock, what is not, and what the table does not show.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import queue
import statistics
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).parent
CASES = json.loads((HERE / "cases.json").read_text())
BATCHES = ["1", "32", "256", "4096", "full"]
PEERS = {
    "torch-idiomatic": "torch_idiomatic.py",
    "torch-expert": "torch_expert.py",
    "sklearn": "sklearn_sgd.py",
    "vw": "vw_cache.py",
    "jax": "jax_scan.py",
    "numpy": "numpy_blas.py",
}
# Relative difference of the final losses that other orders of the rows make, and that rounding makes.
SHUFFLED, UNSHUFFLED = 0.01, 1e-4
PATIENCE_S = 400


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True, type=Path, help="the program downslope-bench")
    parser.add_argument("--python", help="the Python that has the peers; without it, only Downslope runs")
    parser.add_argument("--work", required=True, type=Path, help="where data and results without a name go")
    parser.add_argument("--case", default=",".join(CASES), help="cases, by commas: L,M,D,H1,H2,S")
    parser.add_argument("--batch", default=",".join(BATCHES), help="batch sizes, by commas: 1,32,256,4096,full")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"peers, by commas: {','.join(PEERS)}; or none")
    parser.add_argument("--threads", default="1,2", help="numbers of threads that everybody may try")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--budget", type=float, default=2.0, help="seconds for the timed epochs of one repetition")
    parser.add_argument("--name", help="keep the results as bench/results/NAME")
    parser.add_argument("--csv", action="store_true", help="only: reading a table of 1,000,000 x 30 numbers")
    parser.add_argument("--scaling", action="store_true", help="only: cost over rows and over features")
    parser.add_argument("--roofs", action="store_true", help="only: full batches beside what the machine could do")
    parser.add_argument("--everything", action="store_true", help="the table, and all three of those")
    parser.add_argument("--csv-rows", type=int, default=1_000_000)
    parser.add_argument("--largest", type=int, default=10_000_000, help="rows of the largest table of --scaling")
    return parser.parse_args()


def say(words):
    print(words, file=sys.stderr, flush=True)


def environment():
    """Without what some systems set to steer BLAS: everybody runs at their best."""
    steering = ("OPENBLAS_", "OMP_", "GOMP_", "MKL_", "KMP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(steering)}


def lines_of(command):
    """The JSON lines a program printed; the reason where it failed."""
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    if done.returncode != 0:
        return [{"failed": (done.stderr.strip().splitlines() or ["no reason given"])[-1]}]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


class Peer:
    """A peer's script, waiting for requests."""

    def __init__(self, options, name, threads):
        self.name, self.threads = name, threads
        script = HERE / "peers" / PEERS[name]
        command = [options.python, script, "--data", options.work / "data", "--threads", str(threads)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment(), text=True, **pipes)
        self.answers, self.words = queue.Queue(), []
        threading.Thread(target=self.listen, daemon=True).start()
        threading.Thread(target=lambda: self.words.extend(self.process.stderr), daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.answers.put(json.loads(line))
        self.answers.put(None)

    def wait(self):
        """Until it has imported what it needs: nobody should be measured meanwhile."""
        try:
            self.answers.get(timeout=PATIENCE_S)
        except queue.Empty:
            self.process.kill()

    def ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            answer = self.answers.get(timeout=PATIENCE_S)
        except BrokenPipeError:
            answer = None
        except queue.Empty:
            self.process.kill()
            return {"failed": f"no answer within {PATIENCE_S} s"}
        return answer or {"failed": (self.words or ["it ended"])[-1].strip()}

    def end(self):
        # A peer that has ended already, because what it needs is not there, cannot be told so.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Ours:
    """Downslope: a program that is started for each measurement."""

    name = "downslope"

    def __init__(self, options, threads):
        self.options, self.threads = options, threads

    def ask(self, request):
        command = [self.options.ours, "train", "--data", self.options.work / "data", "--threads", str(self.threads)]
        command += ["--case", request["case"], "--batch", request["batch"]]
        command += ["--rows", str(request["rows"])] if "rows" in request else []
        return lines_of(command)[-1]

    def wait(self):
        pass

    def end(self):
        pass


def make_data(options, name):
    folder = options.work / "data"
    if not (folder / CASES[name]["data"] / "y.f32").exists():
        say(f"making the data of {CASES[name]['data']}")
        subprocess.run([options.ours, "make", "--case", CASES[name]["data"], "--data", folder], check=True)


def compare(options, name, keep):
    """All batch sizes of a case; `keep` is called with what is known after each."""
    make_data(options, name)
    threads = [int(number) for number in options.threads.split(",")]
    contenders = [Ours(options, number) for number in threads]
    if options.python:
        chosen = [peer for peer in options.peers.split(",") if peer in PEERS]
        contenders += [Peer(options, peer, number) for peer in chosen for number in threads]
    try:
        for contender in contenders:
            contender.wait()
        for batch in options.batch.split(","):
            if batch in CASES[name]["batches"]:
                keep(one_batch(options, name, batch, contenders))
    finally:
        for contender in contenders:
            contender.end()


def one_batch(options, name, batch, contenders):
    """Everybody once with every number of threads, then in turn with the number that was better."""
    measured = {}

    def ask(contender, is_last):
        request = {"case": name, "batch": batch, "budget": options.budget, "last": is_last}
        answer = contender.ask(request)
        measured.setdefault(contender.name, []).append(answer)
        told = answer.get("ns_per_row")
        told = f"{told:.1f} ns" if told else answer.get("failed") or "does not do this"
        say(f"{name} {batch:>5}  {contender.name:<16} {contender.threads} threads  {told}  {answer.get('variant', '')}")
        return answer.get("ns_per_row", float("inf"))

    best = {}
    for contender in contenders:
        took = ask(contender, options.repetitions == 1)
        if took < best.get(contender.name, (float("inf"), None))[0]:
            best[contender.name] = (took, contender)
    for repetition in range(1, options.repetitions):
        for _, contender in best.values():
            ask(contender, repetition + 1 == options.repetitions)

    results = {}
    for who, answers in measured.items():
        good = [answer for answer in answers if who in best and answer.get("threads") == best[who][1].threads]
        if not good:
            reasons = [answer["failed"] for answer in answers if "failed" in answer]
            results[who] = {"failed": reasons[0]} if reasons else {"absent": True}
            continue
        times = [answer["ns_per_row"] for answer in good]
        results[who] = good[-1] | {"ns_per_row": statistics.median(times), "repetitions_ns": times}
        results[who]["all_threads_ns"] = {
            str(answer["threads"]): answer["ns_per_row"] for answer in answers[: len(contenders)] if "threads" in answer
        }
    check_losses(options, name, batch, results)
    return {"case": name, "batch": batch, "results": results}


def check_losses(options, name, batch, results):
    """Holds each final loss against ours on the same number of rows."""
    ours = {}
    if "loss" in results["downslope"]:
        ours[results["downslope"]["rows"]] = results["downslope"]["loss"]
    tolerance = UNSHUFFLED if batch == "full" else SHUFFLED
    for who, result in results.items():
        if who == "downslope" or "loss" not in result:
            continue
        rows = result["rows"]
        if rows not in ours:
            answer = Ours(options, 1).ask({"case": name, "batch": batch, "rows": rows})
            ours[rows] = answer.get("loss", float("nan"))
        result["our_loss"] = ours[rows]
        result["difference"] = abs(result["loss"] - ours[rows]) / ours[rows]
        result["agrees"] = result["difference"] <= tolerance


def best_peer(results):
    """The fastest peer whose loss agrees."""
    peers = {who: result for who, result in results.items() if who != "downslope" and result.get("agrees")}
    return min(peers, key=lambda who: peers[who]["ns_per_row"], default=None)


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def cell(name, result):
    """ns a row; ~ where only the first rows were run, ² where two threads were better, ≠ where the loss differs."""
    if "ns_per_row" not in result:
        return "failed" if "failed" in result else "–"
    marks = "²" if result["threads"] == 2 else ""
    marks += " ≠" if result.get("agrees") is False else ""
    is_part = result["rows"] < CASES[name]["rows"]
    return f"{'~' if is_part else ''}{number(result['ns_per_row'])}{marks}"


def table(header, rows):
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tables_of(name, done):
    """The tables of one case."""
    batches = [entry["batch"] for entry in done]
    whos = list(dict.fromkeys(who for entry in done for who in entry["results"]))
    result = {(who, entry["batch"]): entry["results"].get(who, {}) for who in whos for entry in done}
    rows = [[who, *(cell(name, result[who, batch]) for batch in batches)] for who in whos]
    pace = CASES[name]["batches"]
    ahead, bars, verdicts, idiomatic = ["**ahead of the best peer by**"], ["bar"], ["met"], ["ahead of torch-idiomatic by (bar)"]
    for entry in done:
        results, batch = entry["results"], entry["batch"]
        own, best = results["downslope"].get("ns_per_row"), best_peer(results)
        ratio = results[best]["ns_per_row"] / own if own and best else None
        ahead.append(f"**{ratio:.2f}×** ({best})" if ratio else "–")
        bars.append(f"≥ {pace[batch]['bar']}×")
        verdicts.append("–" if ratio is None else "yes" if ratio >= pace[batch]["bar"] else "no")
        slow, bar = results.get("torch-idiomatic", {}).get("ns_per_row"), pace[batch].get("idiomatic_bar")
        idiomatic.append((f"{slow / own:,.0f}×" + (f" (≥ {bar}×)" if bar else "")) if own and slow else "–")
    known = ["best peer when the bars were set, ns"] + [number(pace[batch]["known"]) for batch in batches]
    several = [ahead, bars, verdicts, idiomatic, known] if len(whos) > 1 else []
    parts = [f"### {name}: {CASES[name]['says']}", table(["ns a row, batch size", *batches], rows + several)]

    losses = []
    for who in whos:
        told = [result[who, batch] for batch in batches]
        losses.append([who, *(f"{one['loss']:.5f}" + difference(one) if "loss" in one else "–" for one in told)])
    parts.append(table(["final loss, and by how much it differs from ours", *batches], losses))
    ways = [
        f"{who}: " + ", ".join(dict.fromkeys(one["variant"] for one in ones))
        for who in whos
        if (ones := [result[who, batch] for batch in batches if "variant" in result[who, batch]])
    ]
    parts += ["Variants that were fastest: " + "; ".join(ways) + "."] if ways else []
    reasons = {f"{who} at {batch}: {one['failed']}" for (who, batch), one in result.items() if "failed" in one}
    parts += ["Failed: " + "; ".join(sorted(reasons)) + "."] if reasons else []
    return "\n\n".join(parts)


def difference(result):
    return f" ({100 * result['difference']:.2g}%)" if "difference" in result else ""


def csv(options):
    """Reading a table, each in a process of its own."""
    path = options.work / "data" / f"table-{options.csv_rows}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        say("making the table")
        made = path.with_suffix(".part")
        subprocess.run([options.ours, "make-csv", "--file", made, "--rows", str(options.csv_rows)], check=True)
        made.rename(path)
    readers = {"downslope": [options.ours, "csv", "--file", path]}
    if options.python:
        script = HERE / "peers" / "read_csv.py"
        readers |= {who: [options.python, script, who, path] for who in ("polars", "pyarrow")}
    measured = {who: [] for who in readers}
    for _ in range(options.repetitions):
        for who, command in readers.items():
            answer = lines_of(command)[-1]
            measured[who].append(answer)
            say(f"csv  {who:<10} {answer.get('seconds', answer.get('failed'))}")
    matrix = 4 * 30 * options.csv_rows
    results = {}
    for who, answers in measured.items():
        good = [answer for answer in answers if "seconds" in answer]
        if not good:
            results[who] = answers[-1]
            continue
        middle = lambda key: statistics.median(answer[key] for answer in good)
        results[who] = good[-1] | {key: middle(key) for key in ("seconds", "peak_bytes", "bytes_before")}
        results[who]["peak_over_matrix"] = results[who]["peak_bytes"] / matrix
        results[who]["growth_over_matrix"] = (results[who]["peak_bytes"] - results[who]["bytes_before"]) / matrix
    return {"rows": options.csv_rows, "file_bytes": path.stat().st_size, "matrix_bytes": matrix, "readers": results}


def csv_table(measured):
    rows = [
        [
            who,
            f"{one['seconds']:.2f}",
            f"{one['seconds'] / measured['readers']['downslope']['seconds']:.2f}×",
            f"{one['peak_bytes'] / 1e6:,.0f}",
            f"{one['peak_over_matrix']:.2f}×",
            f"{one['growth_over_matrix']:.2f}×",
        ]
        if "seconds" in one
        else [who, one.get("failed", "–"), "–", "–", "–", "–"]
        for who, one in measured["readers"].items()
    ]
    header = ["reader", "seconds", "of ours", "peak, MB", "peak / f32 matrix", "growth while reading / f32 matrix"]
    title = f"### Reading a table: {measured['rows']:,} × 30 numbers, {measured['file_bytes'] / 1e6:,.0f} MB of CSV"
    return f"{title}\n\n{table(header, rows)}\n\nBars: no slower than polars and pyarrow; peak ≤ 2× the f32 matrix."


def scaling_table(lines):
    parts = ["### How the cost grows (logistic, one thread)"]
    for axis in ("rows", "features"):
        points = [line for line in lines if line.get("axis") == axis and "ns_per_row" in line]
        batches = list(dict.fromkeys(point["batch"] for point in points))
        sizes = list(dict.fromkeys((point["rows"], point["features"]) for point in points))
        ns = {(point["rows"], point["features"], point["batch"]): point["ns_per_row"] for point in points}
        rows = [[f"{n:,} × {d}", *(number(ns[n, d, batch]) for batch in batches)] for n, d in sizes]
        slopes = {line["batch"]: line["slope"] for line in lines if line.get("axis") == axis and "slope" in line}
        what = "seconds an epoch over rows" if axis == "rows" else "ns a row over features"
        rows.append([f"**slope of {what}**", *(f"**{slopes[batch]:.2f}**" for batch in batches)])
        parts.append(table(["ns a row, batch size", *batches], rows))
    return "\n\n".join(parts)


def roofs_table(lines):
    machine = {line["threads"]: line for line in lines if line["roof"] == "machine"}
    roofs = "; ".join(
        f"{threads} thread{'s' if threads > 1 else ''}: {line['bytes_per_s'] / 1e9:.1f} GB/s read from memory, "
        f"{line['flop_per_s'] / 1e9:.0f} GFLOP/s multiply-add in registers"
        for threads, line in machine.items()
    )
    rows = [
        [
            f"{line['roof']}, {line['threads']}",
            f"{line['bytes_per_s'] / 1e9:.1f}",
            f"{100 * line['share_of_bytes']:.0f}%",
            f"{line['flop_per_s'] / 1e9:.1f}",
            f"{100 * line['share_of_flops']:.0f}%",
        ]
        for line in lines
        if line["roof"] != "machine"
    ]
    header = ["full batch of case, threads", "GB/s of features", "of the memory roof", "GFLOP/s", "of the register roof"]
    note = "L is 12.8 MB: where it stays in the last cache, the memory roof is not its roof."
    return f"### Beside what the machine could do\n\nRoofs measured here: {roofs}.\n\n{table(header, rows)}\n\n{note}"


def machine():
    """What it was measured on."""
    described = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count(), "system": platform.platform()}
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        described["processor"] = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
        family = {line.split(":")[0].strip(): line.split(":")[1].strip() for line in lines if line.startswith(("cpu family", "model\t"))}
        described["processor"] += " (" + ", ".join(f"{key} {value}" for key, value in family.items()) + ")"
        huge = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
        described["huge pages"] = huge.split("[")[1].split("]")[0]
    except (OSError, StopIteration, IndexError):
        pass
    for what, command in {"rustc": ["rustc", "--version"], "commit": ["git", "describe", "--always", "--dirty"]}.items():
        try:
            described[what] = subprocess.run(command, capture_output=True, text=True, cwd=HERE).stdout.strip()
        except OSError:
            pass
    described["load at the start"] = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return described


def report(found):
    """The page of results."""
    described = "; ".join(f"{key}: {value}" for key, value in found["machine"].items() if value is not None)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found["versions"].items()))
    load = found["machine"].get("load at the start") or 0
    busy = "\n\n**The machine was busy with other work while this was measured; read it as a rehearsal.**" if load > 0.5 else ""
    parts = [f"# {found['name']}\n\n{found['date']}. {described}.\n\nVersions: {versions or 'none but ours'}.{busy}"]
    if found["cases"]:
        parts.append(
            f"Median of {found['repetitions']} repetitions of the median epoch. ~ only the first rows were run, and the time a row "
            "is taken for that of all; ² two threads were better than one; ≠ the final loss differs from ours on the same "
            f"rows by more than {100 * SHUFFLED:.0f}% ({100 * UNSHUFFLED:.2g}% for full batches), and the time is no competition. "
            "What each peer does is told in `bench/README.md`."
        )
    for name in CASES:
        done = [entry for entry in found["cases"] if entry["case"] == name]
        if done:
            parts.append(tables_of(name, done))
    parts += [csv_table(found["csv"])] if "csv" in found else []
    parts += [scaling_table(found["scaling"])] if "scaling" in found else []
    parts += [roofs_table(found["roofs"])] if "roofs" in found else []
    return "\n\n".join(parts) + "\n"


def main():
    options = arguments()
    options.work = options.work.resolve()
    asked = {name for name in ("csv", "scaling", "roofs") if getattr(options, name)}
    if options.everything:
        asked = {"cases", "csv", "scaling", "roofs"}
    folder = HERE / "results" if options.name else options.work / "results"
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / (options.name or "latest")
    found = {
        "name": options.name or "latest",
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": {},
        "repetitions": options.repetitions,
        "budget_s": options.budget,
        "cases": [],
    }

    def keep(entry=None):
        if entry:
            found["cases"].append(entry)
            for result in entry["results"].values():
                found["versions"] |= result.get("versions", {})
        stem.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
        stem.with_suffix(".md").write_text(report(found))

    if not asked or "cases" in asked:
        for name in options.case.split(","):
            compare(options, name, keep)
    if "csv" in asked:
        found["csv"] = csv(options)
        for one in found["csv"]["readers"].values():
            found["versions"] |= one.get("versions", {})
    if "scaling" in asked:
        found["scaling"] = lines_of([options.ours, "scaling", "--largest", str(options.largest)])
    if "roofs" in asked:
        found["roofs"] = lines_of([options.ours, "roofs"])
    found["machine"]["load at the end"] = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    keep()
    print(stem.with_suffix(".md").read_text())
    say(f"kept in {stem}.md and .json")


if __name__ == "__main__":
    main()
