# Writes image.json: pictures of random bytes, resized by Pillow in float32 (mode F, BILINEAR, its triangle filter), for image.test.ts.
#   python3 test/data/pillow/image.py
import json
import pathlib

import numpy as np
from PIL import Image

random = np.random.default_rng(7)
cases = []
for height, width, channels, out_height, out_width, fit in [
    (5, 7, 3, 3, 3, "cover"),
    (7, 5, 4, 12, 9, "cover"),
    (40, 23, 3, 8, 8, "cover"),
    (9, 16, 1, 4, 10, "cover"),
    (6, 6, 3, 13, 5, "fill"),
    (31, 17, 3, 7, 20, "fill"),
    (10, 20, 3, 8, 8, "contain"),
    (12, 6, 3, 24, 24, "contain"),
    (3, 3, 3, 3, 3, "cover"),
]:
    data = random.integers(0, 256, (height, width, channels), dtype=np.uint8)
    planes = data[..., :3].astype(np.float64)
    if channels == 4:  # over white
        alpha = data[..., 3:].astype(np.float64) / 255
        planes = planes * alpha + 255 * (1 - alpha)
    if channels == 1:
        planes = np.repeat(planes, 3, axis=2)
    # the part of the picture that fills the part of the result
    box, target = (0, 0, width, height), (out_height, out_width)
    if fit == "cover":
        factor = max(out_height / height, out_width / width)
        w, h = out_width / factor, out_height / factor
        box = ((width - w) / 2, (height - h) / 2, (width + w) / 2, (height + h) / 2)
    if fit == "contain":
        factor = min(out_height / height, out_width / width)
        target = (round(height * factor), round(width * factor))
    out = np.full((out_height, out_width, 3), 255.0)
    top, left = (out_height - target[0]) // 2, (out_width - target[1]) // 2
    for channel in range(3):
        plane = Image.fromarray(planes[..., channel].astype(np.float32), mode="F")
        part = plane.resize((target[1], target[0]), Image.BILINEAR, box=box)
        out[top : top + target[0], left : left + target[1], channel] = np.asarray(part)
    cases.append(
        {
            "width": width,
            "height": height,
            "data": data.ravel().tolist(),
            "size": [out_height, out_width],
            "fit": fit,
            "result": [round(float(v), 3) for v in out.ravel()],
        }
    )
path = pathlib.Path(__file__).with_name("image.json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
