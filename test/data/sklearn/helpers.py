# Writes helpers.json: what scikit-learn makes of a table and of texts, and PyTorch of windows and predictions, for table-features.test.ts,
# text-vectorizer.test.ts, windows.test.ts and predictions.test.ts.
#   python3 test/data/sklearn/helpers.py     (scikit-learn 1.2.1, PyTorch 1.13.1; Debian: python3-sklearn, python3-torch)
import json
import math
import pathlib

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, MinMaxScaler, OneHotEncoder, StandardScaler

random = np.random.default_rng(5)
ROWS, TRAIN = 30, 22
numbers = random.normal([3, -200, 0.001], [1, 50, 0.0004], (ROWS, 3)).round(6)
numbers[random.random((ROWS, 3)) < 0.2] = np.nan
colors = random.choice(["red", "green", "blue"], ROWS).astype(object)
colors[-1], colors[-2] = "mauve", "red"  # one that the training rows don't have
sizes = random.choice(["10", "9", "S"], ROWS).astype(object)
kinds = random.choice(["owl", "cat", "dog"], ROWS)
csv = "a,b,c,color,size,kind\n" + "".join(
    ",".join(["" if math.isnan(x) else repr(float(x)) for x in numbers[i]] + [colors[i], sizes[i], kinds[i]]) + "\n"
    for i in range(ROWS)
)

tables = []
for impute in ["mean", "median"]:
    for scale, scaler in [("standard", StandardScaler()), ("minMax", MinMaxScaler()), ("none", "passthrough")]:
        numeric = make_pipeline(SimpleImputer(strategy=impute), scaler).fit(numbers[:TRAIN])
        both = np.stack([colors, sizes], axis=1)
        onehot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(both[:TRAIN])
        x = np.concatenate([numeric.transform(numbers), onehot.transform(both)], axis=1)
        tables.append({"impute": impute, "scale": scale, "x": x.tolist()})
encoder = LabelEncoder().fit(kinds)

texts = ["The cat sat on the mat.", "Zwölf cats: ÉTÉ, naïve!", "It's 42 cats or 42 dogs?", "", "don't the do"]
# by the same rule for tokens, in scikit-learn's vocabulary (sorted)
pattern = r"[^\W_]+(?:'[^\W_]+)*"
counts = CountVectorizer(token_pattern=pattern).fit(texts)
pairs = CountVectorizer(token_pattern=pattern, ngram_range=(1, 2)).fit(texts)
bags = {
    "texts": texts,
    "words": counts.get_feature_names_out().tolist(),
    "counts": counts.transform(texts).toarray().tolist(),
    "pairWords": pairs.get_feature_names_out().tolist(),
    "pairs": pairs.transform(texts).toarray().tolist(),
}

series = torch.from_numpy(random.normal(size=(17, 3)).astype(np.float32))
windows = []
for length, horizon, stride, targets in [(4, 1, 1, [0, 1, 2]), (5, 3, 2, [1]), (14, 3, 1, [2, 0]), (2, 2, 5, [0])]:
    spans = series.unfold(0, length + horizon, stride).transpose(1, 2)  # [windows, length + horizon, columns]
    windows.append(
        {
            "options": {"sequenceLength": length, "horizon": horizon, "stride": stride, "targets": targets},
            "shape": list(spans[:, :length].shape),
            "x": spans[:, :length].flatten().tolist(),
            "y": spans[:, length:, targets].flatten().tolist(),
        }
    )

scores = torch.from_numpy(random.normal(size=(6, 7)).astype(np.float32))
top = torch.topk(scores, 3)
predictions = {
    "scores": scores.tolist(),
    "argmax": scores.argmax(1).tolist(),
    "indices": top.indices.tolist(),
    "values": top.values.tolist(),
}
out = {
    "csv": csv,
    "train": TRAIN,
    "tables": tables,
    "classes": encoder.classes_.tolist(),
    "kinds": encoder.transform(kinds).tolist(),
    "bags": bags,
    "series": series.tolist(),
    "windows": windows,
    "predictions": predictions,
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, ensure_ascii=False))
