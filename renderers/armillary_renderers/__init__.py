"""Definition → diagram → placed → SVG and other formats. Knows definitions; never runs one."""
