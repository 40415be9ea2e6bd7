"""What do scikit-learn and plain Python make of columns? Scaling, powers, products, words, the calendar.

    columns.py make FILE     write FILE
    columns.py check FILE    compute everything again and compare with what FILE holds

README.md says what the fields are. Needs scikit-learn and numpy. The hash is written out here a second time, from its
documentation; words and pairs of words are found by scikit-learn's own CountVectorizer.
"""

import datetime
import json
import pathlib
import sys

import numpy as np
import sklearn
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import MaxAbsScaler, PolynomialFeatures, StandardScaler, normalize

MASK = (1 << 64) - 1
BITS = 12
TEXTS = [
    "A film that is not good, and not bad.",
    "Good! Good? GOOD.",
    "naïve café, 3 stars",
    "the end_of the story: the end of it",
    "Straße und Weg, Ost-West",
    "it isn't what 2 x 2 is",
    "one",
    "a film that is good and not bad, a good film",
]
TIMES = [
    "2023-12-31T23:59:59", "2024-01-01T00:00:00", "2024-02-29T12:30:00", "2024-03-01T06:00:00", "1969-07-20T20:17:40",
    "2000-06-15T18:45:30", "2024-02-29T00:00:01", "2031-10-05T09:15:00",
]


def hash_of(text):
    """FNV-1a, 64 bits, finalised as MurmurHash3 does."""
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 & MASK
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & MASK
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return h ^ h >> 33


def hashed_words(texts):
    """Rows of length 1, as HashingVectorizer(alternate_sign=True, norm="l2") makes them with another hash."""
    counter = CountVectorizer(ngram_range=(1, 2), token_pattern=r"[^\W_]+")
    counts = counter.fit_transform(texts)
    hashes = [hash_of(token) for token in counter.get_feature_names_out()]
    rows = np.zeros((len(texts), 1 << BITS))
    for row, column in zip(*counts.nonzero()):
        rows[row, hashes[column] % (1 << BITS)] += counts[row, column] * (-1 if hashes[column] >> 63 else 1)
    rows = normalize(rows)
    return [[[int(place), row[place]] for place in np.nonzero(row)[0]] for row in rows]


def calendar(text):
    """Days since 1970; shares of the year and of the day that are over, as sine and cosine; the weekday."""
    time = datetime.datetime.fromisoformat(text)
    start, end = (datetime.datetime(time.year + years, 1, 1) for years in (0, 1))
    angles = [2 * np.pi * ((time - start) / (end - start)), 2 * np.pi * (time.hour * 3600 + time.minute * 60 + time.second) / 86400]
    rounds = [value for angle in angles for value in (np.sin(angle), np.cos(angle))]
    return [(time - datetime.datetime(1970, 1, 1)) / datetime.timedelta(days=1), *rounds, time.weekday()]


def compute():
    generator = np.random.default_rng(3)
    numbers = np.round(generator.gamma(2.0, [3.0, 40.0], (len(TEXTS), 2)) - [2.0, 0.0], 3)
    scaled = StandardScaler().fit_transform(numbers)
    calendars = np.array([calendar(text) for text in TIMES])
    elapsed = StandardScaler().fit_transform(calendars[:, :1])
    powers = [StandardScaler().fit_transform(PolynomialFeatures(4, include_bias=False).fit_transform(z[:, None])) for z in scaled.T]
    return {
        "produced_by": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
        "numbers": numbers.tolist(), "texts": TEXTS, "times": TIMES, "bits": BITS,
        "standard": scaled.tolist(),
        "max_abs": MaxAbsScaler().fit_transform(numbers).tolist(),
        "powers": np.hstack(powers).tolist(),
        "product": PolynomialFeatures(2, interaction_only=True).fit_transform(scaled)[:, 3].tolist(),
        "words": hashed_words(TEXTS),
        "calendar": np.hstack([elapsed, calendars[:, 1:]]).tolist(),
    }


def differ(found, expected):
    if isinstance(expected, dict):
        return any(differ(found[key], value) for key, value in expected.items() if key != "produced_by")
    if isinstance(expected, list):
        return len(found) != len(expected) or any(map(differ, found, expected))
    return found != expected if isinstance(expected, str) else abs(found - expected) > 1e-9


def main(verb, file):
    path = pathlib.Path(file)
    if verb == "make":
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in compute().items())
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    elif differ(compute(), json.loads(path.read_text(encoding="utf-8"))):
        sys.exit(f"{file}: not what scikit-learn and Python compute here")


if __name__ == "__main__":
    main(*sys.argv[1:])
