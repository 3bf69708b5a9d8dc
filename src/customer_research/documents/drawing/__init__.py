"""Drawing charts: one Vega-Lite spec for each form, in the colours of a theme. No number is drawn that has no receipt.

`vega` is the way in: `spec` makes a chart's spec, `svg` and `png` draw it. `marks` turns a chart's marks into rows, `by_word`,
`over_time` and `quadrant` lay the forms out, `theme` has the colours.
"""
