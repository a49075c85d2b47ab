"""Label sound files: python label_files.py MODEL WAV …"""

# ruff: noqa: T201

import sys

import kws

if len(sys.argv) < 3:
    sys.exit(__doc__)
try:
    model = kws.load_model(sys.argv[1])
    for path in sys.argv[2:]:
        prediction = model.predict(path)
        likeliest = sorted(prediction.scores.items(), key=lambda item: -item[1])[:3]
        print(path, *(f"{label} {score:.3f}" for label, score in likeliest), sep="  ")
except kws.KwsError as error:
    sys.exit(f"error: {error}")
