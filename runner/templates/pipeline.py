"""A pipeline to start from: readings are taken, smoothed in several ways, and the best way is chosen.

Run it with `dagbook run pipeline.py`, or as a program: `python pipeline.py`. Tests: `pytest`.
"""

import dagbook


def readings(days):
    """Take readings. The files that a node writes to its working directory are its artifact."""
    import csv
    import math
    import random

    random.seed(1)
    with open("readings.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["day", "true", "read"])
        for day in range(days):
            true = 10 + 5 * math.sin(day / 9)
            table.writerow([day, true, true + random.gauss(0, 2)])
    return {"readings": days}  # each entry becomes a tag


def smooth(window):
    """Smooth them over a window of days, and tell how far that is from the truth."""
    import csv
    import json
    import statistics

    import dagbook

    with open(dagbook.input("readings") / "readings.csv") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]

    half = window // 2
    values = [row["read"] for row in rows]
    smoothed = [statistics.fmean(values[max(0, day - half) : day + half + 1]) for day in range(len(values))]
    with open("smooth.json", "w") as file:
        json.dump(smoothed, file)
    error = statistics.fmean(abs(one - row["true"]) for one, row in zip(smoothed, rows))
    print(f"over {window} days: off by {error:.2f}")
    return {"error": round(error, 3)}


def report():
    """Draw all of them, the best one thick. `runs.json` tells the parameters and tags of each run."""
    import json

    import dagbook
    from IPython.display import SVG, display

    found = dagbook.input("smooth")
    runs = json.loads((found / "runs.json").read_text())
    best = min(runs, key=lambda run: run["tags"]["error"])

    lines = []
    for run in runs:
        smoothed = json.loads((found / run["folder"] / "smooth.json").read_text())
        step = 580 / len(smoothed)
        points = " ".join(f"{10 + step * day:.1f},{200 - 10 * one:.1f}" for day, one in enumerate(smoothed))
        colour, width = ("#d95f02", 3) if run is best else ("#9aa5b1", 1)
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>')

    with open("report.svg", "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="200">{"".join(lines)}</svg>')
    display(SVG("report.svg"))
    return {"best window": best["params"]["window"]}


flow = dagbook.Pipeline("my-pipeline", parameters={"days": 120})
flow.node("readings", readings)
flow.node("smooth", smooth, after="readings", grid={"window": [1, 7, 31]})  # one run for each value
flow.node("report", report, after="smooth", gather=True)  # all runs at once

if __name__ == "__main__":
    flow.run()
