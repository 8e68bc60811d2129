"""How big can a map get? Run it; it prints a table and asserts nothing.

    python tests/benchmarks/imagemap.py --folder CALTECH101 [--sizes 200 2000 9144]

Each size in a process of its own: seconds and peak memory to lay out and write the map
(places by PCA, or by UMAP with --umap), its size on disk, then in headless Chromium:
seconds from opening until the thumbnails are drawn, memory of all of Chromium's
processes, and frames a second while the map is zoomed as a whole and panned near by.
Chromium draws without a graphics card here, which is much slower than with one. More
pictures than Caltech-101 has are its pictures mirrored and cropped. The features are
small thumbnails, since the network is not what is measured. At the end the growth
exponents.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

FRAMES = """async (move) => {
  const map = document.getElementById('map');
  const box = map.getBoundingClientRect();
  const began = performance.now();
  let frames = 0;
  while (performance.now() - began < 4000) {
    const back = Math.floor((performance.now() - began) / 1000) % 2;
    const canvas = map.querySelector('canvas');
    if (move === 'zoom') canvas.dispatchEvent(new WheelEvent('wheel', {
      deltaY: back ? 60 : -60, bubbles: true, cancelable: true,
      clientX: box.x + box.width / 2, clientY: box.y + box.height / 2,
    }));
    else map.dispatchEvent(new KeyboardEvent('keydown', {
      key: back ? 'ArrowLeft' : 'ArrowRight', bubbles: true, cancelable: true,
    }));
    await new Promise(requestAnimationFrame);
    frames += 1;
  }
  return frames / 4;
}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, help="the folder of Caltech-101")
    sizes = [200, 2_000, 9_144, 30_000]
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes)
    parser.add_argument("--umap", action="store_true")
    parser.add_argument("--keep", help="folder to leave the maps in")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options)))
        return
    import numpy as np
    import pandas as pd

    rows = []
    for n_images in options.sizes:
        command = [sys.executable, __file__, *sys.argv[1:], "--one", str(n_images)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(pd.DataFrame(rows[-1:]).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    if len(table) > 1:
        for column in ("layout_s", "write_s", "build_gb", "file_mb"):
            ends = table.iloc[[0, -1]]
            slope = np.diff(np.log(ends[column])) / np.diff(np.log(ends["n"]))
            print(f"{column}: grows as n^{slope[0]:.2f}")


def measure(n_images, options):
    import numpy as np

    from course_utils.maps import hotspots, image_map, layouts

    image_set, thumbnails = pictures(n_images, options.folder)
    row = {"n": n_images}
    began = time.perf_counter()
    name = "umap" if options.umap else "pca"
    points = {name: layouts.layout(thumbnails, name, cache=False)}
    points["grid"] = layouts.grid(points[name])
    points["class"] = layouts.grouped(image_set.true_labels, points[name])
    row["layout_s"] = round(time.perf_counter() - began, 1)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.keep or temporary)
        path = image_map.write(
            image_set,
            folder / f"map-{n_images}" if n_images > 10_000 else folder / "map.html",
            points=points,
            cluster_labels=np.arange(n_images) % 50,
            vectors=thumbnails,
            spots=hotspots.find_hotspots(points[name], thumbnails),
            progress=False,
        )
        row["write_s"] = round(time.perf_counter() - began, 1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        row["build_gb"] = round(peak, 2)
        files = [path, *(path.parent / "data").glob("*")]
        row["file_mb"] = round(sum(file.stat().st_size for file in files) / 1e6, 1)
        return row | browse(path)


def pictures(n_images, folder):
    """(image set, features): Caltech-101's pictures, then changed copies of them."""
    import numpy as np
    from PIL import Image, ImageOps

    from course_utils.images import datasets
    from course_utils.images.decoding import thumbnail
    from course_utils.images.image_set import from_bytes

    real = datasets.load("caltech101", folder=folder, progress=False)
    chosen = np.linspace(0, len(real) - 1, min(n_images, len(real))).astype(int)
    contents, labels, features = {}, {}, []
    generator = np.random.default_rng(0)
    for number in range(n_images):
        index = int(chosen[number % len(chosen)])
        image = f"{number // len(chosen)}/{real.images[index]}"
        data = real.read(index)
        if number >= len(chosen):
            with Image.open(io.BytesIO(data)) as opened:
                changed = ImageOps.mirror(opened.convert("RGB"))
            left, top = generator.integers(0, 20, 2).tolist()
            changed = changed.crop((left, top, changed.width - 5, changed.height - 5))
            file = io.BytesIO()
            changed.save(file, "JPEG", quality=85)
            data = file.getvalue()
        contents[image] = data
        labels[image] = real.class_names[real.true_labels[index]]
        small = thumbnail(data, 16).convert("L").resize((16, 16))
        features.append(np.asarray(small, np.float32).ravel())
    image_set = from_bytes("augmented", contents, labels)
    order = {image: place for place, image in enumerate(contents)}
    places = [order[image] for image in image_set.images]
    return image_set, np.array(features)[places]


def browse(path):
    """What it takes to look at the map, in headless Chromium."""
    from browser import CHROMIUM_FLAGS, chromium_path
    from playwright.sync_api import sync_playwright

    if chromium_path() is None:
        return {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=list(CHROMIUM_FLAGS)
        )
        empty = resident(os.getpid())
        context = browser.new_context(offline=True, reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(300_000)
        began = time.perf_counter()
        page.goto(path.resolve().as_uri(), timeout=300_000)
        page.wait_for_selector("body[data-ready=yes]")
        page.screenshot()
        opened = time.perf_counter() - began
        used = resident(os.getpid()) - empty
        zooming = page.evaluate(FRAMES, "zoom")
        page.locator("#map").focus()
        for key in ["0", *"+++++++++"]:
            page.keyboard.press(key)
        page.wait_for_timeout(1000)
        panning = page.evaluate(FRAMES, "pan")
        browser.close()
    return {
        "first_view_s": round(opened, 1),
        "page_gb": round(used / 1024**2, 2),
        "zoom_fps": zooming,
        "near_fps": panning,
    }


def resident(parent):
    """Memory of all processes below one, in kB; shared pages are divided by users."""
    children = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text("utf-8").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    total, waiting = 0, list(children.get(parent, []))
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8")
        except OSError:
            continue
        total += int(rollup.split("\nPss:")[1].split()[0])
    return total


if __name__ == "__main__":
    main()
