"""The run board, as plain values and text: scenes, cards, timelines, tables, SVG and HTML. Pure, but for reading."""
