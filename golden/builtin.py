"""Write the built-in tables of downslope as plain CSV, from the copies that scikit-learn carries.

    python golden/builtin.py [DIRECTORY]        (default: crates/downslope/data beside this script's parent)

Numbers are written in their shortest exact form; whole numbers without a decimal point. Sources and licences of the
tables stand in the README.md beside them.
"""

import sys
from pathlib import Path

from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits


def shortest(number):
    number = float(number)
    return str(int(number)) if number.is_integer() else repr(number)


def write(path, names, features, targets):
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        out.write(",".join([*names, "target"]) + "\n")
        for row, target in zip(features, targets, strict=True):
            out.write(",".join([*map(shortest, row), target]) + "\n")
    print(f"{path}: {len(features)} rows, {len(names)} features, {path.stat().st_size} bytes")


def main():
    default = Path(__file__).resolve().parent.parent / "crates" / "downslope" / "data"
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else default

    digits = load_digits()
    write(directory / "digits.csv", digits.feature_names, digits.data, map(shortest, digits.target))

    cancer = load_breast_cancer()
    names = [str(cancer.target_names[code]) for code in cancer.target]
    write(directory / "breast-cancer.csv", cancer.feature_names, cancer.data, names)

    # The raw measurements: the scaled version would hide what scaling is for.
    diabetes = load_diabetes(scaled=False)
    write(directory / "diabetes.csv", diabetes.feature_names, diabetes.data, map(shortest, diabetes.target))


if __name__ == "__main__":
    main()
