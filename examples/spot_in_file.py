"""Find keywords in a recording: python spot_in_file.py MODEL WAV [THRESHOLD]"""

# ruff: noqa: T201

import sys

import kws

if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
_, model, recording, *threshold = sys.argv
try:
    detections = kws.spot(recording, model, threshold=float(threshold[0]) if threshold else None)
except kws.KwsError as error:
    sys.exit(f"error: {error}")
for found in detections:
    print(f"{found.time:9.2f} s  {found.keyword:16} {found.score:.3f}")
