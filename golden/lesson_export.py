"""Does what the lesson exports give the same curve in PyTorch?

    python golden/lesson_export.py target/debug/downslope

Plays the part of the page: has the lesson's server export a run for each of the three methods, puts the script and the
run beside each other as a learner would, and runs the script. Needs torch.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

# Batch size and epochs: batch, mini-batch and stochastic.
RUNS = [("full", 30), ("32", 30), ("1", 3)]


def main(downslope: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        words = [downslope, "learn", "--no-open", "--port", "0", "--answers", str(place / "answers.json")]
        server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        try:
            url = server.stdout.readline().strip()
            script = place / "descent.py"
            script.write_bytes(urllib.request.urlopen(f"{url}api/descent.py").read())
            return max(apart(url, script, *run) for run in RUNS)
        finally:
            server.kill()


def apart(url: str, script: pathlib.Path, batch_size: str, epochs: int) -> int:
    question = {"name": "pytorch-code", "parameters": {"epochs": str(epochs)}, "batch_size": batch_size}
    request = urllib.request.Request(f"{url}api/probe/pytorch", data=json.dumps(question).encode(), method="POST")
    script.with_name("descent.json").write_bytes(urllib.request.urlopen(request).read())
    return subprocess.run([sys.executable, str(script)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
