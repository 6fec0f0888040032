"""Draw the logos of the demonstration's issuers into demo/logos.

    python3 demo/make_logos.py [FOLDER]

They are committed, so this is only run to change them. Shapes are drawn large and made smaller,
so that their edges are smooth.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, SCALE, MARK = 260, 64, 4, 64


def tower(draw):
    """A mast and its waves."""
    draw.polygon([(126, 60), (76, 236), (100, 236), (138, 100), (176, 236), (200, 236), (150, 60)])
    draw.rectangle([98, 176, 178, 194])
    for radius in (48, 84):
        box = [138 - radius, 60 - radius, 138 + radius, 60 + radius]
        draw.arc(box, 150, 210, width=16)
        draw.arc(box, -30, 30, width=16)


def river(draw):
    """Three waves of a river."""
    for row, top in enumerate((50, 112, 174)):
        for column in range(3):
            left = 14 + column * 76 + row % 2 * 6
            start, end = ((180, 360), (0, 180))[column % 2]
            draw.arc([left, top, left + 80, top + 64], start, end, width=20)


def bubble(draw):
    """A speech bubble with a glass of wine in it."""
    draw.rounded_rectangle([16, 24, 240, 196], radius=52)
    draw.polygon([(70, 180), (60, 246), (136, 186)])
    draw.pieslice([86, 36, 170, 136], 0, 180, fill="white")
    draw.rectangle([123, 120, 133, 168], fill="white")
    draw.rectangle([98, 162, 158, 172], fill="white")


def bridge(draw):
    """Two towers of a bridge and what hangs between them."""
    for left in (64, 164):
        draw.rectangle([left, 40, left + 28, 232])
        draw.polygon([(left - 6, 44), (left + 14, 12), (left + 34, 44)])
    draw.rectangle([8, 172, 248, 192])
    draw.arc([78, -36, 178, 150], 15, 165, width=12)
    draw.arc([-72, -36, 78, 176], 0, 72, width=12)
    draw.arc([178, -36, 328, 176], 108, 180, width=12)


LOGOS = {
    "brabant": ("Brabant", "TELECOM", "#12355B", tower),
    "rhine": ("Rhine", "RESELL", "#0B7A75", river),
    "ahr": ("Ahr", "VOICE", "#8C1C3F", bubble),
    "thames": ("Thames", "TALK", "#C8500A", bridge),
}


class Pen:
    """Draws in one colour unless told otherwise."""

    def __init__(self, draw, colour):
        self.draw, self.colour = draw, colour

    def __getattr__(self, name):
        method = getattr(self.draw, name)
        return lambda *args, **options: method(*args, **{"fill": self.colour, **options})


def logo(first, second, colour, mark):
    """Return the picture: the mark, the name beside it."""
    image = Image.new("RGBA", (WIDTH * SCALE, HEIGHT * SCALE), (255, 255, 255, 0))
    draw = ImageDraw.Draw(image)
    mark(Pen(draw, colour))
    draw.text((MARK * SCALE + 20, 4), first, colour, ImageFont.load_default(134))
    spaced = "  ".join(second)
    draw.text((MARK * SCALE + 26, 164), spaced, "#555555", ImageFont.load_default(62))
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    # the only way with which pictures keep what is transparent
    return small.quantize(16, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def make(folder):
    """Write all logos into a folder."""
    for name, words in LOGOS.items():
        logo(*words).save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    make(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "logos"))
