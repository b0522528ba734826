"""Makes the two fonts from the web files of the npm package inter-ui 4.1.1: figures of one width, 1,000 units an em, no hints."""
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem

RANGES = [(0x20, 0x52F), (0x1D00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x209F), (0x20A0, 0x20CF), (0x2100, 0x218F),
          (0x2190, 0x2193), (0x2200, 0x22FF), (0x25A0, 0x25CF), (0x2600, 0x2613), (0xFB00, 0xFB06)]

for weight in ("Regular", "SemiBold"):
    font = TTFont(f"package/web/Inter-{weight}.woff2", recalcTimestamp=False)
    font.flavor = None
    digits = "zero one two three four five six seven eight nine".split()
    for table in font["cmap"].tables:
        for code, name in list(table.cmap.items()):
            if name in digits:
                table.cmap[code] = f"{name}.tf"
    options = subset.Options(layout_features=[], hinting=False, glyph_names=False, notdef_outline=True,
                             name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], recalc_timestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    subsetter.subset(font)
    scale_upem(font, 1000)
    # Marks stand over the middle of a letter of usual width, since nothing moves them there.
    glyphs, marks = font["glyf"], {}
    for name in font.getGlyphOrder():
        glyph = glyphs[name]
        if font["hmtx"][name][0] == 0 and hasattr(glyph, "xMin") and glyph.xMin >= 0:
            marks[name] = -(glyph.xMin + glyph.xMax) // 2 - 290
    for name in font.getGlyphOrder():
        glyph = glyphs[name]
        if glyph.isComposite():
            for part in glyph.components:
                part.x += marks.get(name, 0) - marks.get(part.glyphName, 0)
        elif name in marks:
            glyph.coordinates.translate((marks[name], 0))
    for name in font.getGlyphOrder():
        glyphs[name].recalcBounds(glyphs)
        if name in marks:
            font["hmtx"][name] = (0, glyphs[name].xMin)
    for table in ("GSUB", "GPOS", "GDEF", "STAT", "meta", "DSIG"):
        if table in font:
            del font[table]
    font.save(Path(__file__).with_name(f"Inter-{weight}.ttf"))
